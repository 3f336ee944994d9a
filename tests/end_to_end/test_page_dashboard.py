"""The dashboard: its numbers against those of the records, and the ways out of it (case 27)."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from .made import Made, post

PROJECT = "numbers"
NOW_US = time.time_ns() // 1000
MINUTE = 60_000_000


@pytest.fixture(scope="module")
def made(server: str) -> list[Made]:
    """Twelve traces: three fail, every other one asks a model that has a price, one a model without."""
    traces = []
    for n in range(12):
        fails = n % 4 == 1
        error = {"error": {"type": "ToolError", "message": "no", "traceback": None}, "status": "error"} if fails else {}
        trace = Made(
            "slow" if n < 3 else "quick", PROJECT, start_us=NOW_US - (n + 1) * MINUTE, seed=n, user_id=f"u{n % 3}",
            dur_us=(n + 1) * 1_000_000, scores=[{"name": "quality", "value": n / 10}], **error,
        )  # fmt: skip
        if n % 2 == 0:
            model = "gpt-4o-mini" if n else "house-model-1"
            usage = {"input": 100, "input_cached": 20, "output": 50}
            trace.span("ask", "llm", trace.start_us, 400_000, parent_id=trace.root, model=model, provider="openai",
                       usage=usage, first_token_us=trace.start_us + 100_000)  # fmt: skip
        if fails:
            trace.span("look_up", "tool", trace.start_us, 1000, parent_id=trace.root, **error)
        traces.append(trace)
    post(server, [record for trace in traces for record in trace.records])
    return traces


def figure(page: Page, name: str) -> str:
    return page.locator(".figure", has=page.get_by_text(name, exact=True)).inner_text()


def test_each_number_is_that_of_the_records(page: Page, made: list[Made]) -> None:
    page.goto(f"/p/{PROJECT}/dashboard?t=24h")

    expect(page.locator(".figure").first).to_contain_text("12")
    assert "25.0 %" in figure(page, "Errors")
    assert "3 failed" in figure(page, "Errors")
    models = [record for trace in made for record in trace.records if record.get("model")]
    fed = sum(record["usage"]["input"] + record["usage"]["input_cached"] for record in models)
    assert str(fed) in figure(page, "Tokens in")
    assert str(50 * len(models)) in figure(page, "Tokens out")
    assert "1 calls have no price" in figure(page, "Cost")
    assert "12" in figure(page, "Scores")
    tools = page.get_by_role("region", name="Tools by failures")
    expect(tools.get_by_role("row").nth(1)).to_have_text(re.compile(r"look_up\s*3\s*3"))
    expect(page.get_by_role("region", name="Costliest models")).to_contain_text("unpriced")
    slowest = page.get_by_role("region", name="Slowest names").get_by_role("row").nth(1)
    expect(slowest).to_have_text(re.compile(r"quick.*8\.00 s"))


def test_a_chart_is_a_table_for_those_who_prefer_one(page: Page, made: list[Made]) -> None:
    page.goto(f"/p/{PROJECT}/dashboard?t=24h")
    page.get_by_role("region", name="Traces and errors").get_by_role("button", name="Table").click()

    rows = page.get_by_role("table").first.locator("tbody tr").all_inner_texts()
    counted = [[int(cell or 0) for cell in row.split("\t")[1:]] for row in rows]
    assert [sum(column) for column in zip(*counted, strict=True)] == [3, 9]


def test_a_row_leads_to_its_traces_and_the_address_holds_the_view(page: Page, made: list[Made]) -> None:
    page.goto(f"/p/{PROJECT}/dashboard?t=24h")
    page.get_by_role("combobox", name="by").select_option("model")
    expect(page.get_by_role("region", name="Cost by model")).to_be_visible()
    expect(page).to_have_url(re.compile("by=model"))
    page.reload()
    expect(page.get_by_role("combobox", name="by")).to_have_value("model")
    page.get_by_role("region", name="Errors by type").get_by_role("link", name="ToolError").click()

    expect(page).to_have_url(re.compile(r"/traces\?.*error\.type"))
    expect(page.get_by_role("row").filter(has_text=re.compile("slow|quick"))).to_have_count(3)


def test_dragging_over_a_chart_chooses_the_time_for_all(page: Page, made: list[Made]) -> None:
    page.goto(f"/p/{PROJECT}/dashboard?t=1h")
    box = page.get_by_role("region", name="Traces and errors").locator("svg").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 40, steps=4)
    page.mouse.up()

    expect(page).to_have_url(re.compile(r"t=\d+\.\.\d+"))
    expect(page.get_by_text("No traces in this time")).to_be_visible()
    page.get_by_role("button", name="All time, no filter").click()
    expect(page.locator(".figure").first).to_contain_text("12")


def test_keys_choose_a_time_on_a_chart_and_say_what_is_there(page: Page, made: list[Made]) -> None:
    page.goto(f"/p/{PROJECT}/dashboard?t=1h")
    chart = page.get_by_role("slider", name="Traces and errors")
    chart.focus()
    page.keyboard.press("Home")
    expect(chart).to_have_attribute("aria-valuetext", re.compile(r"\d, "))
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    expect(chart).to_have_attribute("aria-valuetext", re.compile(r"to .*chosen"))
    page.keyboard.press("Escape")
    expect(chart).to_have_attribute("aria-valuenow", "3")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"t=\d+\.\.\d+"))
    begin, end = (int(us) for us in page.url.split("t=")[1].split(".."))
    assert end - begin < 600_000_000
