"""Two traces beside each other (case 28)."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from .made import Made, agent_run, post

PROJECT = "pairs"
NOW_US = time.time_ns() // 1000


def run(seed: int, *, question: str, with_extra: bool) -> Made:
    made = Made("agent", PROJECT, start_us=NOW_US - seed * 60_000_000, seed=seed, dur_us=2_000_000 + seed * 1_000_000)
    at = made.start_us
    plan = made.span("plan", "chain", at, 1_000_000, parent_id=made.root, input="the same")
    made.span(
        "ask", "llm", at, 500_000, parent_id=plan, model="gpt-4o-mini", usage={"input": 10 * seed, "output": 5},
        input={"messages": [{"role": "user", "content": question}]}, output="It is <b>blue</b>.",
    )  # fmt: skip
    if with_extra:
        made.span("look_up", "tool", at + 600_000, 1000, parent_id=plan, input="x")
    made.span("answer", "chain", at + 1_500_000, 1000, parent_id=made.root, output="done")
    return made


@pytest.fixture(scope="module")
def pair(server: str) -> tuple[Made, Made]:
    a = run(1, question="Why is the sky blue?", with_extra=False)
    b = run(2, question="Why is the sea blue?", with_extra=True)
    post(server, [*a.records, *b.records])
    return a, b


def test_what_is_the_same_changed_or_only_on_one_side_is_one_tree(page: Page, pair: tuple[Made, Made]) -> None:
    a, b = pair
    page.goto(f"/p/{PROJECT}/compare?a={a.id}&b={b.id}")
    tree = page.get_by_role("tree", name="Spans of both")
    expect(tree.get_by_role("treeitem")).to_have_count(5)

    states = [re.sub(r"\s+", " ", row) for row in tree.get_by_role("treeitem").all_inner_texts()]
    assert [re.search(r"same|changed|only in [AB]", state)[0] for state in states] == [  # type: ignore[index]
        "same", "same", "changed", "only in B", "same",
    ]  # fmt: skip
    totals = page.get_by_role("row").filter(has_text="B − A")
    expect(totals).to_contain_text("+1.00 s")
    expect(totals).to_contain_text("+1")
    expect(totals).to_contain_text("+10")


def test_the_words_that_changed_are_marked_and_both_sides_lead_out(page: Page, pair: tuple[Made, Made]) -> None:
    a, b = pair
    page.goto(f"/p/{PROJECT}/compare?a={a.id}&b={b.id}")
    pane = page.get_by_role("region", name="Differences")
    expect(pane.get_by_role("heading", name="ask")).to_be_visible()  # the first difference
    expect(pane.locator("del")).to_have_text("sky")
    expect(pane.locator("ins")).to_have_text("sea")
    page.keyboard.press("d")
    expect(pane).to_contain_text("Only B has this span")
    page.keyboard.press("D")
    expect(page).to_have_url(re.compile(f"span={a.records[2]['id']}"))
    page.reload()
    expect(pane.get_by_role("heading", name="ask")).to_be_visible()
    for side, made in (("A", a), ("B", b)):
        link = pane.locator("header span", has_text=side).get_by_role("link")
        assert made.id in (link.first.get_attribute("href") or "")


def test_only_differences_keeps_what_is_above_them(page: Page, pair: tuple[Made, Made]) -> None:
    a, b = pair
    page.goto(f"/p/{PROJECT}/compare?a={a.id}&b={b.id}&only=diff")
    tree = page.get_by_role("tree", name="Spans of both")
    expect(tree.get_by_role("treeitem")).to_have_count(4)
    page.keyboard.press("o")
    expect(tree.get_by_role("treeitem")).to_have_count(5)


def test_a_trace_does_not_differ_from_itself(page: Page, pair: tuple[Made, Made]) -> None:
    a, _ = pair
    page.goto(f"/p/{PROJECT}/compare?a={a.id}&b={a.id}&only=diff")
    expect(page.get_by_text("No differences")).to_be_visible()
    expect(page.get_by_text("The two do not differ.")).to_be_visible()


def test_two_chosen_in_the_list_are_compared(page: Page, pair: tuple[Made, Made]) -> None:
    page.goto(f"/p/{PROJECT}/traces")
    expect(page.get_by_role("link", name="agent")).to_have_count(2)
    for key in ("x", "j", "x", "C"):
        page.keyboard.press(key)
    expect(page.get_by_role("tree", name="Spans of both")).to_be_visible()


def test_a_trace_is_found_scored_and_compared_by_keys_alone(page: Page, pair: tuple[Made, Made]) -> None:
    """30"""
    page.goto(f"/p/{PROJECT}/traces")
    expect(page.get_by_role("link", name="agent")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("agent")
    page.keyboard.press("s")
    first = page.get_by_role("tabpanel").get_by_role("button", name="1", exact=True)
    expect(first).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("rating saved")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("row").filter(has_text="rating 2")).to_be_visible()
    for key in ("x", "j", "x", "C"):
        page.keyboard.press(key)
    expect(page.get_by_role("tree", name="Spans of both")).to_be_visible()


def test_ids_can_be_pasted(page: Page, pair: tuple[Made, Made], server: str) -> None:
    a, b = pair
    page.goto(f"/p/{PROJECT}/compare")
    page.get_by_label("A", exact=True).fill(a.id)
    page.get_by_label("B", exact=True).fill(f"{server}/p/{PROJECT}/traces/{b.id}")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("tree", name="Spans of both")).to_be_visible()


@pytest.mark.slow
def test_two_traces_of_five_thousand_spans_are_compared(page: Page, server: str) -> None:
    a, b = (agent_run(PROJECT, 5000, start_us=NOW_US - n * 3600_000_000, seed=4) for n in (1, 2))
    b.records[4000]["output"] = "another"
    post(server, a.records + b.records)
    page.goto(f"/p/{PROJECT}/compare?a={a.id}&b={b.id}")
    tree = page.get_by_role("tree", name="Spans of both")
    expect(tree.get_by_role("treeitem").first).to_be_visible(timeout=30_000)
    different = page.get_by_role("region", name="Differences").get_by_role("heading", name=b.records[4000]["name"])
    expect(different).to_be_visible()
    assert page.evaluate("document.querySelectorAll('*').length") < 2000
