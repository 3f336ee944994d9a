"""The trace page: large, odd, running; found by keys, filter, zoom and link. Numbers are those of the page's cases."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from .made import ANSWER, ERROR, SECOND, Made, agent_run, chat_input, post

PROJECT = "trace page"
NOW = int(time.time()) * SECOND


def address(made: Made, **query: str) -> str:
    search = "&".join(f"{key}={value}" for key, value in query.items())
    return f"/p/{PROJECT}/traces/{made.id}?{search}".replace(" ", "%20")


def rows(page: Page) -> Locator:
    return page.get_by_role("tree", name="Spans").get_by_role("treeitem")


def title(page: Page) -> Locator:
    return page.get_by_label("Details").get_by_role("heading", level=2)


@pytest.fixture(scope="module")
def large(server: str) -> Made:
    made = agent_run(PROJECT, 10_000, start_us=NOW - 86_400 * SECOND, seed=11)
    post(server, made.records)
    return made


@pytest.fixture(scope="module")
def small(server: str) -> Made:
    made = agent_run(PROJECT, 100, start_us=NOW - 3600 * SECOND, seed=3, tags=["prod"])
    post(server, made.records)
    return made


def test_ten_thousand_spans_stay_light_and_are_all_there(page: Page, large: Made) -> None:
    """13: DOM, heap and counts; a held key walks without losing its way."""
    page.goto(address(large))
    expect(page.locator(".trace-head")).to_contain_text(f"Spans{len(large.records) / 1000:.1f}k")
    page.get_by_role("tree", name="Spans").focus()
    page.get_by_role("button", name="View").click()
    page.get_by_role("button", name="Open all").click()
    page.keyboard.press("Escape")
    page.get_by_role("tree", name="Spans").focus()
    page.keyboard.press("End")
    expect(rows(page).and_(page.locator("[aria-selected=true]"))).to_be_visible()
    page.keyboard.press("Home")
    for _ in range(60):
        page.keyboard.press("j")
    expect(rows(page).and_(page.locator("[aria-selected=true]"))).to_have_attribute("id", "row-60")
    facts = page.evaluate("[document.querySelectorAll('*').length, performance.memory.usedJSHeapSize]")
    assert facts[0] < 2000
    assert facts[1] < 60_000_000


def test_a_large_trace_opens_folded_and_says_what_is_inside(page: Page, large: Made) -> None:
    page.goto(address(large))
    step = rows(page).filter(has_text="step 1").first
    expect(step).to_have_attribute("aria-expanded", "false")
    expect(step.locator(".badge").first).to_have_text(re.compile(r"\d+"))


def test_the_figures_of_a_large_trace_follow_its_tree(page: Page, large: Made) -> None:
    tokens = sum(sum(one["usage"].values()) for one in large.records if "usage" in one)
    with page.expect_response("**/figures"):
        page.goto(address(large))
    expect(rows(page).first.locator(".tree-tokens").first).to_have_text(f"{tokens / 1e6:.2f}M")


@pytest.fixture(scope="module")
def odd(server: str) -> Made:
    start = NOW - 7200 * SECOND
    made = Made("odd", PROJECT, start_us=start, seed=21)
    ghost = made._id(start)
    made.span("orphan", "tool", start + 1000, 1000, parent_id=ghost)
    first = made.span("circle a", "chain", start + 2000, 1000)
    second = made.span("circle b", "chain", start + 3000, 1000, parent_id=first)
    made.records[-2]["parent_id"] = second
    made.span("itself", "chain", start + 4000, 1000)
    made.records[-1]["parent_id"] = made.records[-1]["id"]
    made.span("zero", "tool", start + 5000, 0, parent_id=made.root)
    made.span("negative", "tool", start + 6000, -500, parent_id=made.root)
    made.span("early", "tool", start - 5 * SECOND, 1000, parent_id=made.root)
    post(server, made.records)
    return made


def test_odd_spans_are_shown_with_what_is_odd_about_them(page: Page, odd: Made) -> None:
    """15: orphan, circle, self-parent, zero and negative duration, clock skew."""
    page.goto(address(odd))
    for name in ("orphan", "circle a", "circle b", "itself", "zero", "negative", "early", "missing parent"):
        expect(rows(page).filter(has_text=name).first).to_be_visible()
    for name, what in (("missing parent", "has not arrived"), ("early", "clocks differ"), ("itself", "circle")):
        expect(rows(page).filter(has_text=name).first.locator(".tree-mark")).to_have_attribute(
            "title", re.compile(what)
        )
    orphan = rows(page).filter(has_text="orphan").first
    expect(orphan).to_have_attribute("aria-level", "3")


def test_error_keys_visit_exactly_the_errors_and_open_what_hides_them(page: Page, small: Made) -> None:
    """16"""
    failed = sum(record["status"] == "error" for record in small.records)
    assert failed > 1
    page.goto(address(small))
    page.get_by_role("tree", name="Spans").focus()
    page.keyboard.press("c")
    seen = []
    for _ in range(failed):
        page.keyboard.press("e")
        chosen = rows(page).and_(page.locator("[aria-selected=true]"))
        expect(chosen.locator(".status-error")).to_be_visible()
        seen.append(chosen.get_attribute("id"))
    assert len(set(seen)) == failed
    page.keyboard.press("E")
    expect(rows(page).and_(page.locator("[aria-selected=true]"))).to_have_attribute("id", str(seen[-2]))


def test_the_filter_keeps_ancestors_and_clearing_it_restores_the_tree(page: Page, small: Made) -> None:
    """17"""
    page.goto(address(small))
    expect(rows(page).first).to_be_visible()
    before = rows(page).count()
    page.keyboard.press("/")
    page.keyboard.type("type:guardrail")
    guards = sum(record["type"] == "guardrail" for record in small.records)
    expect(page.get_by_text(f"{guards} of {len(small.records)}")).to_be_visible()
    names = rows(page).all_inner_texts()
    assert all(re.search(r"guard|step|research", name) for name in names)
    page.keyboard.press("Enter")
    expect(title(page)).to_contain_text("guard.output_check")
    page.get_by_label("Filter spans").fill(">10%")
    expect(rows(page).first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Filter spans")).to_have_value("")
    expect(rows(page)).to_have_count(before)


def test_text_inside_bodies_is_found_on_request(page: Page, small: Made) -> None:
    page.goto(address(small))
    page.get_by_label("Filter spans").fill("manager")
    page.get_by_role("button", name="Search inputs and outputs").click()
    expect(rows(page).filter(has_text="planner.chat").first).to_be_visible()


def test_dragging_the_minimap_zooms_and_the_axis_agrees_with_the_bars(page: Page, small: Made) -> None:
    """18"""
    page.goto(address(small))
    box = page.locator(".minimap").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"zoom=\d+\.\.\d+"))
    low, high = map(int, re.findall(r"zoom=(\d+)\.\.(\d+)", page.url)[0])
    total = small.records[0]["end_us"] - small.start_us
    assert abs(low / total - 0.2) < 0.01
    assert abs(high / total - 0.6) < 0.01
    _bar_is_where_the_axis_says(page, small, low, high)
    page.get_by_label("Filter spans").fill("")
    page.get_by_role("tree", name="Spans").focus()
    page.keyboard.press("Z")
    expect(page).not_to_have_url(re.compile("zoom="))
    page.get_by_role("tree", name="Spans").focus()
    rows(page).filter(has_text="step 2").first.click()
    page.keyboard.press("z")
    expect(page.get_by_text(re.compile(r"shown"))).to_be_visible()


def _bar_is_where_the_axis_says(page: Page, made: Made, low: int, high: int) -> None:
    inside = next(
        r for r in made.records if r["name"].startswith("step") and low < r["start_us"] - made.start_us < high
    )
    page.get_by_label("Filter spans").fill(inside["name"])
    row = rows(page).filter(has_text=inside["name"]).first
    expect(row.locator(".bar")).to_be_visible()
    bar, lane = row.locator(".bar").bounding_box(), row.locator(".tree-time").bounding_box()
    assert bar is not None
    assert lane is not None
    expected = lane["x"] + (inside["start_us"] - made.start_us - low) / (high - low) * lane["width"]
    assert abs(bar["x"] - expected) <= 2


def test_a_link_opens_exactly_what_it_says(page: Page, small: Made, allowed: list[str]) -> None:
    """19"""
    span = next(record for record in small.records if record["type"] == "llm")
    page.goto(address(small, span=span["id"], tab="usage", zoom="1000000..9000000"))
    expect(title(page)).to_contain_text(span["name"])
    expect(page.get_by_role("tab", name="Usage")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text("8.00 s shown")).to_be_visible()
    page.goto(f"/s/{span['id']}")
    expect(title(page)).to_contain_text(span["name"])
    allowed += ["/traces/00000000-0000-7000-8000", "404"]
    page.goto(f"/p/{PROJECT}/traces/00000000-0000-7000-8000-000000000000")
    expect(page.get_by_role("heading", name="There is no such trace")).to_be_visible()


def test_a_conversation_reads_as_one(page: Page, server: str) -> None:
    """20: system folded, tools with their results, reasoning, images, refusals, a partial answer."""
    start = NOW - 1800 * SECOND
    made = Made("chat", PROJECT, start_us=start, seed=31)
    asked = chat_input("Can it be refunded?")
    asked["messages"][3]["content"] = [
        {"type": "text", "text": "See this:"},
        {"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs="}},
        {"type": "image_url", "image_url": {"url": "https://elsewhere.example/pixel.png"}},
    ]
    asked["messages"][1:1] = [{"role": "user", "content": f"Earlier {n}"} for n in range(12)]
    answer = {"choices": [{"message": {"role": "assistant", "content": ANSWER}}]}
    made.span("answer", "llm", start + 1000, 900, parent_id=made.root, model="gpt-5.2", input=asked, output=answer)
    refusal = {"choices": [{"message": {"role": "assistant", "content": None, "refusal": "I cannot do that."}}]}
    made.span(
        "refuse", "llm", start + 2000, 900, parent_id=made.root, model="gpt-5.2", input=chat_input("x"), output=refusal
    )
    partial = {"choices": [{"message": {"role": "assistant", "content": "So far"}}]}
    made.span(
        "stream", "llm", start + 3000, None, parent_id=made.root, model="gpt-5.2", input=chat_input("x"), output=partial
    )
    post(server, made.records)
    page.goto(address(made))
    rows(page).filter(has_text="answer").first.click()
    panel = page.get_by_role("tabpanel")
    expect(panel.get_by_text("earlier messages")).to_be_visible()
    expect(panel.get_by_text("Earlier 3")).to_have_count(0)
    panel.get_by_text("earlier messages").click()
    expect(panel.get_by_text("Earlier 3")).to_be_visible()
    expect(panel.locator(".tool-card")).to_have_count(4)
    expect(panel.locator(".tool-card").nth(2)).to_contain_text("get_order")
    panel.get_by_text("Reasoning").click()
    expect(panel.get_by_text("The refund window depends")).to_be_visible()
    expect(panel.locator("img")).to_have_count(1)
    expect(panel.get_by_text("Remote image, not loaded")).to_be_visible()
    expect(panel.locator(".markdown table")).to_be_visible()
    page.keyboard.press("m")
    expect(panel.locator(".markdown")).to_have_count(0)
    rows(page).filter(has_text="refuse").first.click()
    expect(panel.locator(".refusal")).to_contain_text("I cannot do that.")
    rows(page).filter(has_text="stream").first.click()
    expect(panel.get_by_text("So far")).to_be_visible()
    expect(panel.get_by_role("img", name="still running")).to_be_visible()


def test_a_large_value_is_a_tree_one_can_search_and_walk(page: Page, server: str) -> None:
    """23: 100,000 members; a cut body and all of it; keys."""
    start = NOW - 1700 * SECOND
    made = Made("large value", PROJECT, start_us=start, seed=41)
    value = {"items": [{"n": n, "name": f"item {n}"} for n in range(33_000)], "needle": "found me"}
    made.span("big", "tool", start + 1000, 10, parent_id=made.root, output=value)
    post(server, made.records)
    page.goto(address(made))
    rows(page).filter(has_text="big").first.click()
    page.get_by_role("button", name=re.compile("Load all")).click()
    tree = page.get_by_role("tree", name="output")
    expect(tree.get_by_role("treeitem").first).to_be_visible()
    page.get_by_label("Search in output").fill("found me")
    expect(page.get_by_text("of 1")).to_be_visible()
    page.keyboard.press("Enter")
    expect(tree.get_by_role("treeitem").filter(has_text="found me")).to_be_visible()
    tree.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.querySelectorAll('*').length") < 2000


def test_html_is_previewed_where_nothing_of_it_can_act(page: Page, server: str, allowed: list[str]) -> None:
    """22"""
    start = NOW - 1600 * SECOND
    made = Made("html", PROJECT, start_us=start, seed=51)
    allowed += ["Blocked script execution", "Loading the image"]  # as it must be
    html = "<!doctype html><style>p{color:red}</style><p>Styled</p><script>parent.pwned=1;document.title='x'</script><img src=x onerror='top.pwned=2'>"
    made.span("render", "tool", start + 1000, 10, parent_id=made.root, output={"page": html})
    post(server, made.records)
    page.goto(address(made))
    rows(page).filter(has_text="render").first.click()
    assert page.locator("iframe").count() == 0
    page.get_by_role("button", name="Preview output.page").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("Styled")).to_be_visible()
    assert page.locator("iframe").get_attribute("sandbox") == ""
    assert page.evaluate("window.pwned") is None
    page.get_by_role("button", name="Close the preview").click()
    expect(page.locator("iframe")).to_have_count(0)


def test_spans_appear_while_they_run_and_nothing_somebody_looks_at_moves(page: Page, server: str) -> None:
    """24"""
    start = int(time.time() * SECOND) - SECOND
    made = Made("running", PROJECT, start_us=start, seed=int(time.time()), dur_us=None)
    for n in range(60):
        made.span(f"call {n}", "tool", start + n * 1000, 500, parent_id=made.root)
    post(server, made.records)
    page.goto(address(made))
    rows(page).filter(has_text="call 15").last.click()
    scrolled = page.locator(".tree-scroll").evaluate("e => { e.scrollTop = 100; return e.scrollTop }")
    made.span("late", "tool", start + 100_000, 500, parent_id=made.root)
    post(server, made.records[-1:])
    expect(page.locator(".trace-head")).to_contain_text("Spans62")
    expect(title(page)).to_contain_text("call 15")
    assert page.locator(".tree-scroll").evaluate("e => e.scrollTop") == scrolled
    root = made.records[0]
    post(server, [{**root, "ver": 3, "status": "ok", "end_us": start + 2 * SECOND}])
    expect(page.locator(".trace-head .status")).to_contain_text("ok")


def test_an_error_leads_from_the_message_to_the_apps_own_frames(page: Page, small: Made) -> None:
    page.goto(address(small))
    page.get_by_role("tree", name="Spans").focus()
    page.keyboard.press("e")
    page.get_by_role("tab", name="Error").click()
    panel = page.get_by_role("tabpanel")
    expect(panel).to_contain_text(str(ERROR["message"]))
    expect(panel).not_to_contain_text("site-packages")
    panel.get_by_role("button", name=re.compile("frames")).click()
    expect(panel).to_contain_text("site-packages")


@pytest.fixture(scope="module")
def heavy(server: str) -> Iterator[dict[str, Any]]:
    wide = agent_run(PROJECT, 30_000, start_us=NOW - 2 * 86_400 * SECOND, seed=61)
    chain = Made("chain", PROJECT, start_us=NOW - 86_000 * SECOND, seed=62)
    parent = chain.root
    for n in range(5000):
        parent = chain.span(f"level {n}", "chain", chain.start_us + n, 10_000 - n, parent_id=parent)
    for made in (wide, chain):
        post(server, made.records)
    yield {"wide": wide, "chain": chain}


@pytest.mark.slow
def test_thirty_thousand_spans_and_a_chain_of_five_thousand_open(page: Page, heavy: dict[str, Any]) -> None:
    """14"""
    for made in heavy.values():
        page.goto(address(made))
        expect(rows(page).first).to_be_visible()
        page.get_by_role("tree", name="Spans").focus()
        page.keyboard.press("c")
        page.keyboard.press("End")
        expect(rows(page).and_(page.locator("[aria-selected=true]"))).to_be_visible()
        page.keyboard.press("Home")
        expect(rows(page).first).to_have_attribute("aria-selected", "true")
    expect(page.locator(".trace-head")).to_contain_text("5,001")
    page.goto(address(heavy["wide"]))
    total = len(heavy["wide"].records)
    expect(page.get_by_text("load more")).to_have_count(0)
    page.get_by_label("Filter spans").fill("guard")
    guards = sum("guard" in json.dumps(record["name"]) for record in heavy["wide"].records)
    expect(page.get_by_text(f"{guards} of {total:,}")).to_be_visible()
