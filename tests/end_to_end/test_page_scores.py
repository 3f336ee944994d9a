"""Scores given by hand on the trace's page (case 29, its first half)."""

from __future__ import annotations

import re
import time
from contextlib import suppress

import pytest
from playwright.sync_api import APIResponse, Error, Page, Route, expect

from .made import Made, post

PROJECT = "judged"


@pytest.fixture
def made(server: str) -> Made:
    trace = Made(
        "answer", PROJECT, start_us=time.time_ns() // 1000, seed=time.time_ns(), input="why?", output="because"
    )
    trace.span("ask", "llm", trace.start_us, 1000, parent_id=trace.root, model="gpt-4o-mini")
    now = time.time_ns() // 1000
    bobs = {"k": "score", "ver": now, "ts_us": now, "project": PROJECT, "trace_id": trace.id, "name": "rating",
            "value": 5, "source": "ui", "author": "bob", "reason": "<img src=x onerror=alert(1)>"}  # fmt: skip
    post(server, [*trace.records, bobs])
    return trace


def test_a_score_is_given_replaced_undone_and_taken_back_by_keys_and_clicks(page: Page, made: Made) -> None:
    page.goto(f"/p/{PROJECT}/traces/{made.id}")
    expect(page.get_by_role("treeitem").first).to_be_visible()
    page.keyboard.press("s")
    panel = page.get_by_role("tabpanel")
    expect(panel.get_by_role("row").filter(has_text="bob")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(panel.get_by_role("button", name="1", exact=True)).to_be_focused()
    panel.get_by_label("Signed").fill("ann")
    panel.get_by_role("button", name="4", exact=True).click()
    anns = panel.get_by_role("row").filter(has_text="ann")
    value = anns.get_by_role("cell").nth(1)
    expect(value).to_have_text("4")
    panel.get_by_role("button", name="2", exact=True).click()
    expect(value).to_have_text("2")

    page.get_by_role("button", name="Undo").last.click()
    expect(value).to_have_text("4")
    panel.get_by_label("Reason for rating").fill("cites its source")
    page.keyboard.press("Enter")
    expect(anns).to_contain_text("cites its source")
    expect(panel.get_by_role("row").filter(has_text="bob")).to_contain_text("5")
    anns.get_by_role("button", name="Take rating back").click()
    expect(anns).to_have_count(0)


def test_a_span_has_scores_of_its_own_and_any_name_will_do(page: Page, made: Made) -> None:
    page.goto(f"/p/{PROJECT}/traces/{made.id}?tab=scores")
    page.get_by_role("treeitem").filter(has_text="ask").click()
    expect(page).to_have_url(re.compile("span="))
    panel = page.get_by_role("tabpanel")
    expect(panel.get_by_role("row").filter(has_text="bob")).to_have_count(0)
    panel.get_by_role("button", name="Another score").click()
    panel.get_by_label("Name of the score").fill("tone")
    panel.get_by_label("Value", exact=True).fill("too cheerful")
    page.keyboard.press("Enter")

    expect(panel.get_by_role("row").filter(has_text="tone")).to_contain_text("too cheerful")


def test_a_score_given_before_the_others_have_come_is_not_lost_from_sight(page: Page, made: Made) -> None:
    held: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append((route, route.fetch()))

    page.route("**/api/v1/scores?*", hold)
    page.goto(f"/p/{PROJECT}/traces/{made.id}?tab=scores")
    four = page.get_by_role("tabpanel").get_by_role("button", name="4", exact=True)
    four.click()
    expect(four).to_have_attribute("aria-pressed", "true")
    route, answer = held[0]
    with suppress(Error):  # nobody waits for it any more
        route.fulfill(response=answer)
    expect(page.get_by_role("tabpanel").get_by_role("row").filter(has_text="bob")).to_be_visible()
    expect(four).to_have_attribute("aria-pressed", "true")


def test_a_comment_on_a_span_is_written_read_and_taken_back(page: Page, made: Made, server: str) -> None:
    said = {"trace_id": made.id, "text": "<img src=x onerror=alert(1)>\nsecond line", "author": "bob"}
    assert page.request.post(f"{server}/api/v1/comments", data=said).status == 201
    page.goto(f"/p/{PROJECT}/traces/{made.id}?tab=comments")
    panel = page.get_by_role("tabpanel")
    expect(panel.get_by_role("listitem")).to_have_count(1)
    expect(panel.get_by_role("listitem")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(panel.get_by_role("button", name="Take the comment back")).to_have_count(0)

    page.get_by_role("treeitem").filter(has_text="ask").click()
    expect(page).to_have_url(re.compile("span="))
    expect(panel.get_by_role("listitem")).to_have_count(0)
    panel.get_by_label("Signed").fill("ann")
    expect(panel.get_by_role("button", name="Comment", exact=True)).to_be_disabled()
    panel.get_by_label("Comment", exact=True).fill("the prompt lacks the date")
    panel.get_by_role("button", name="Comment", exact=True).click()
    expect(panel.get_by_role("listitem").filter(has_text="ann")).to_contain_text("the prompt lacks the date")
    expect(panel.get_by_label("Comment", exact=True)).to_have_value("")
    panel.get_by_role("button", name="Take the comment back").click()
    expect(panel.get_by_role("listitem")).to_have_count(0)
