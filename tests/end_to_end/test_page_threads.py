"""Threads as conversations (case 26)."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from .made import Made, post

PROJECT = "talks"
THREAD = 'talk/1 <b>"ü"</b>'
TURNS = 200
MINUTE = 60_000_000
NOW_US = time.time_ns() // 1000


@pytest.fixture(scope="module")
def talk(server: str) -> str:
    """A long conversation with a pause and a failure, and a short one; returns the address of the long one."""
    turns = []
    for n in range(TURNS):
        start = NOW_US - (TURNS - n) * MINUTE - (5 * 60 * MINUTE if n < 50 else 0)
        error = {"type": "ToolError", "message": "<i>no luck</i>", "traceback": None}
        turn = Made(
            "answer", PROJECT, start_us=start, seed=n, dur_us=2_000_000, input={"question": f"question {n}"},
            thread_id=THREAD, **({"status": "error", "error": error} if n == 3 else {"output": f"answer {n}"}),
        )  # fmt: skip
        turn.span(
            "ask", "llm", start, 1_000_000, parent_id=turn.root, model="gpt-4o-mini", usage={"input": 10, "output": 5}
        )
        turns.append(turn)
    other = Made(
        "answer", PROJECT, start_us=NOW_US - 1000 * MINUTE, seed=999, input="hello", output="hi", thread_id="short"
    )
    score = {
        "k": "score",
        "ver": NOW_US,
        "ts_us": NOW_US,
        "project": PROJECT,
        "thread_id": THREAD,
        "name": "solved",
        "value": True,
    }
    post(server, [record for made in [*turns, other] for record in made.records] + [score])
    return f"/p/{PROJECT}/threads/talk%2F1%20%3Cb%3E%22%C3%BC%22%3C%2Fb%3E"


def test_the_list_shows_first_words_last_words_and_sums(page: Page, talk: str) -> None:
    page.goto(f"/p/{PROJECT}/threads")
    row = page.get_by_role("listitem").filter(has_text="200 turns")

    expect(row).to_contain_text("question 0")
    expect(row).to_contain_text(f"answer {TURNS - 1}")
    expect(row).to_contain_text("3,000 tokens")
    expect(row).to_contain_text("solved true")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("short")
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"/threads$"))


def test_a_long_thread_reads_as_a_conversation_whose_totals_are_its_turns(page: Page, talk: str) -> None:
    page.goto(talk)

    expect(page.get_by_role("heading", level=1)).to_have_text(THREAD)
    head = page.locator(".thread-totals")
    expect(head).to_contain_text("200 turns · 6 min 40 s · 2,000 → 1,000 tokens")
    expect(page.get_by_text("1 failed")).to_be_visible()
    first = page.get_by_role("listitem").first
    expect(first).to_contain_text("question 0")
    expect(first).to_contain_text("answer 0")
    expect(page.get_by_role("listitem").nth(3)).to_contain_text("ToolError <i>no luck</i>")
    assert page.locator("*").count() < 2000


def test_one_jumps_to_a_turn_and_opens_its_spans_beside_it(page: Page, talk: str) -> None:
    page.goto(talk)
    page.get_by_label("Turn").fill("51")
    turn = page.get_by_role("listitem").filter(has_text="question 50")
    expect(turn).to_contain_text("5 h later")
    page.get_by_role("listitem").filter(has_text="answer 50").get_by_role("button", name="Spans").click()
    drawer = page.get_by_label("Peek")
    expect(drawer.get_by_role("treeitem").filter(has_text="ask")).to_be_visible()
    page.get_by_role("heading", level=1).first.click()
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile(r"turn=.*peek="))

    page.reload()
    expect(page.get_by_role("listitem").filter(has_text="question 51")).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()


def test_a_thread_that_is_not_there_says_so(page: Page, talk: str, allowed: list[str]) -> None:
    allowed.append("/threads/nothing")
    page.goto(f"/p/{PROJECT}/threads/nothing")

    expect(page.get_by_role("heading", name="No such thread")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="All threads").click()
    expect(page.get_by_role("listitem")).to_have_count(2)


def test_a_thread_is_scored_as_a_whole(page: Page, talk: str) -> None:
    page.goto(f"/p/{PROJECT}/threads/short")
    expect(page.get_by_role("heading", name="short")).to_be_visible()
    page.keyboard.press("s")
    sheet = page.get_by_role("dialog", name="Score the thread")
    expect(sheet.get_by_role("button", name="1", exact=True)).to_be_focused()
    sheet.get_by_role("button", name="4", exact=True).click()
    expect(page.locator(".thread-head .chip")).to_have_text("rating 4")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listitem").filter(has_text="hello")).to_contain_text("rating 4")
