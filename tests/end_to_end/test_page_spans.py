"""The list whose rows are spans, and the list of projects."""

from __future__ import annotations

import json
import re
import time

import pytest
from playwright.sync_api import Page, expect

from .made import Made, agent_run, post

PROJECT = "rows of spans"
PATH = "/p/rows%20of%20spans/spans"


@pytest.fixture(scope="module")
def run(server: str) -> Made:
    made = agent_run(PROJECT, 300, start_us=time.time_ns() // 1000 - 3600_000_000, seed=11)
    post(server, made.records)
    return made


def test_spans_are_filtered_paged_and_opened_in_their_trace(page: Page, run: Made) -> None:
    page.goto(PATH)
    expect(page.get_by_role("grid", name="Spans")).to_be_visible()
    expect(page.get_by_text(f"200 of {len(run.records)} spans")).to_be_visible()
    page.locator(".grid-scroll").evaluate("e => { e.scrollTop = e.scrollHeight }")
    expect(page.get_by_text(f"{len(run.records)} spans")).to_be_visible()

    field = page.get_by_role("combobox", name="Filter spans")
    field.fill("kind:llm name:planner.chat")
    field.press("Enter")
    wanted = [r for r in run.records if r["name"] == "planner.chat"]
    rows = page.locator(".list-row")
    expect(page.get_by_text(f"{len(wanted)} spans")).to_be_visible()
    expect(rows.first).to_contain_text(max(wanted, key=lambda r: (r["start_us"], r["id"]))["model"])

    page.get_by_role("grid").focus()
    page.keyboard.press("Space")
    drawer = page.get_by_label("Peek")
    expect(drawer.get_by_label("Details").get_by_role("heading", level=2)).to_contain_text("planner.chat")
    first = re.search(r"peek=([^&]*)", page.url)
    page.keyboard.press("j")
    expect(page).not_to_have_url(re.compile(re.escape(first[0] if first else "?")))
    reached = page.url
    page.reload()
    expect(drawer.get_by_label("Details").get_by_role("heading", level=2)).to_contain_text("planner.chat")
    assert page.url == reached
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/traces/{run.id}.*span="))
    page.go_back()
    expect(rows.first).to_be_visible()


def test_chosen_columns_of_spans_are_their_own_and_the_export_holds_what_is_found(page: Page, run: Made) -> None:
    page.goto(f"{PATH}?q=kind:llm&cols=name,metadata.temperature,tokens")
    expect(page.get_by_role("columnheader", name="temperature")).to_be_visible()
    expect(page.locator(".list-row").first.locator(".cell-metadata")).to_have_text("0.2")
    page.get_by_role("checkbox", name=re.compile("^Select ")).nth(1).check()
    page.get_by_role("button", name="All that match").click()
    wanted = {r["id"] for r in run.records if r["type"] == "llm"}
    expect(page.get_by_text(f"{len(wanted)} chosen")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export JSONL").click()
    lines = download.value.path().read_text().splitlines()
    assert {json.loads(line)["id"] for line in lines} == wanted


def test_spans_that_come_and_end_are_shown_as_they_do(page: Page, server: str, run: Made) -> None:
    page.goto(PATH)
    expect(page.locator(".list-row").first).to_be_visible()
    now = time.time_ns() // 1000
    made = Made("newcomer", PROJECT, start_us=now, seed=3, dur_us=None)
    post(server, made.records)
    row = page.locator(".list-row").filter(has_text="newcomer")
    expect(row).to_contain_text("running")
    made.records[0] |= {"end_us": now + 1_500_000, "status": "ok", "ver": 2}
    post(server, made.records)
    expect(row).to_contain_text("1.50 s")


def test_all_projects_have_a_page_one_comes_to_by_keys(page: Page, run: Made) -> None:
    page.goto(PATH)
    expect(page.get_by_role("grid")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.get_by_role("combobox", name="Project").fill("all projects")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()
    row = page.get_by_role("row").filter(has_text=PROJECT)
    expect(row.get_by_role("cell").nth(2)).to_have_text(re.compile("^[12]$"))  # and the newcomer, when it ran before
    row.get_by_role("link").click()
    expect(page).to_have_url(re.compile("/p/rows%20of%20spans/traces"))
    page.goto("/settings?tab=prices")
    expect(page.get_by_role("button", name="Set the price")).to_be_visible()
    expect(page.get_by_role("tab", name="Storage")).to_have_count(0)
