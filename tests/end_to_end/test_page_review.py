"""Judging by keys alone (case 29), and the settings behind it."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from .made import Made, post

PROJECT = "queue"
N = 20


@pytest.fixture(scope="module")
def queue(server: str) -> list[Made]:
    now = time.time_ns() // 1000
    traces = [
        Made("answer", PROJECT, start_us=now - n * 1_000_000, seed=n, input=f"question {n}", output=f"answer {n}")
        for n in range(N)
    ]
    bobs = [
        {"k": "score", "ver": now, "ts_us": now, "project": PROJECT, "trace_id": traces[0].id, "name": name, "value": 1,
         "source": "ui", "author": "bob"}
        for name in ("rating", "correct")
    ]  # fmt: skip
    post(server, [record for trace in traces for record in trace.records] + bobs)
    return traces


def test_twenty_traces_are_scored_by_keys_and_another_persons_score_stays(page: Page, queue: list[Made]) -> None:
    page.goto(f"/p/{PROJECT}/review")
    page.get_by_label("Signed").fill("bob")
    page.get_by_label("Signed").blur()
    expect(page.get_by_text(f"1 of {N} scored")).to_be_visible()
    page.get_by_label("Signed").fill("ann")
    page.get_by_label("Signed").blur()
    expect(page.get_by_text(f"0 of {N} scored")).to_be_visible()
    four = page.get_by_role("button", name="4 4", exact=True)
    for n in range(N):
        expect(page.get_by_text(f"{n + 1} of {N}", exact=True)).to_be_visible()
        expect(page.get_by_role("region", name="Output")).to_contain_text(f"answer {n}")
        page.keyboard.press("4")
        expect(four).to_have_attribute("aria-pressed", "true")
        page.keyboard.press("y")
        expect(page.get_by_text("scored", exact=True)).to_be_visible()
        page.keyboard.press("Enter")
    expect(page.get_by_text(f"{N} of {N} scored")).to_be_visible()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("u")
    expect(page.get_by_text("scored", exact=True)).to_be_hidden()
    expect(page.get_by_text(f"{N - 1} of {N} scored")).to_be_visible()
    page.get_by_label("Not scored yet").check()
    expect(page.get_by_text("1 of 1", exact=True)).to_be_visible()
    page.keyboard.press("4")
    expect(page.get_by_text(f"{N} of {N} scored")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="All of it is scored")).to_be_visible()

    page.goto(f"/p/{PROJECT}/traces?q=score.correct:true")
    expect(page.get_by_role("row").filter(has_text="answer")).to_have_count(N)
    page.goto(f"/p/{PROJECT}/traces/{queue[0].id}?tab=scores")
    panel = page.get_by_role("tabpanel")
    expect(panel.get_by_role("row").filter(has_text="bob").get_by_role("cell").nth(1)).to_have_text("1")
    expect(
        panel.get_by_role("row").filter(has_text="ann").filter(has_text="rating").get_by_role("cell").nth(1)
    ).to_have_text("4")


def test_a_queue_is_as_long_as_what_it_finds_and_a_link_leads_to_any_trace_of_it(page: Page, server: str) -> None:
    now = time.time_ns() // 1000
    long = [
        Made("answer", "long queue", start_us=now - n * 1000, seed=n, output=f"answer {n}", thread_id="talk", input="?")
        for n in range(520)
    ]
    post(server, [record for trace in long for record in trace.records])
    page.goto(f"/p/long queue/review?i={long[519].id}")
    expect(page.get_by_text("520 of 520", exact=True)).to_be_visible()
    expect(page.get_by_text("0 of 520 scored")).to_be_visible()
    expect(page.get_by_role("region", name="Output")).to_contain_text("answer 519")
    expect(page.get_by_role("region", name="Thread")).to_contain_text("Nothing was said before")
    page.keyboard.press("k")
    before = page.get_by_role("region", name="Thread")
    expect(before).to_contain_text("turn 2 of 520")
    expect(before.locator(".review-turn")).to_have_count(1)
    expect(before).to_contain_text("answer 519")

    rating, correct = page.get_by_role("group", name="rating"), page.get_by_role("group", name="correct")
    expect(rating).to_be_focused()
    page.keyboard.press("Tab")
    expect(correct).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(correct.get_by_role("button", name="yes")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("0 of 520 scored")).to_be_visible()


def test_what_is_defined_is_what_one_is_asked_for(page: Page, queue: list[Made]) -> None:
    page.goto(f"/p/{PROJECT} defined/settings?tab=scores")
    page.get_by_label("Name").first.fill("tone")
    page.get_by_label("Type").first.select_option("categorical")
    page.get_by_label("Categories").fill("warm, cold")
    page.get_by_role("button", name="Remove").nth(1).click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Scores: done")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("tone")
    expect(page.get_by_label("Categories")).to_have_value("warm, cold")


def test_a_view_is_renamed_and_deleted(page: Page, queue: list[Made]) -> None:
    page.goto(f"/p/{PROJECT}/spans?q=kind:agent")
    page.get_by_role("button", name="Views").click()
    page.get_by_label("Name of the view").fill("agents")
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto(f"/p/{PROJECT}/settings?tab=views")
    page.get_by_role("button", name="Rename agents").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("all agents")
    page.get_by_role("dialog").get_by_role("button", name="Rename", exact=True).click()
    page.get_by_role("link", name="all agents").click()
    expect(page).to_have_url(re.compile(f"/p/{PROJECT}/spans.*q=kind"))
    expect(page.get_by_role("row").filter(has_text="answer")).to_have_count(N)
    page.goto(f"/p/{PROJECT}/settings?tab=views")
    page.get_by_role("button", name="Delete all agents").click()
    expect(page.get_by_text("No saved views")).to_be_visible()


def test_projects_are_made_renamed_and_deleted_by_name(page: Page, queue: list[Made]) -> None:
    page.goto(f"/p/{PROJECT}/settings?tab=projects")
    page.get_by_label("Name of a new project").fill("<b>new</b>")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("button", name="Rename <b>new</b>").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("newer")
    page.get_by_role("dialog").get_by_role("button", name="Rename", exact=True).click()
    page.get_by_role("button", name="Delete newer").click()
    delete = page.get_by_role("button", name="Delete for good")
    expect(delete).to_be_disabled()
    page.get_by_role("dialog").get_by_role("textbox").fill("newer")
    delete.click()
    expect(page.get_by_role("button", name="Delete newer")).to_have_count(0)
    expect(page).to_have_url(re.compile(f"/p/{PROJECT}/settings"))


def test_a_price_of_ones_own_and_days_to_keep_are_set(page: Page, queue: list[Made]) -> None:
    page.goto(f"/p/{PROJECT}/settings?tab=prices")
    page.get_by_label("Model").fill("review-house-*")
    page.get_by_label("input", exact=True).fill("1.5")
    page.get_by_role("button", name="Set the price").click()
    expect(page.get_by_role("row").filter(has_text="review-house-*")).to_contain_text("1.5")
    page.get_by_role("button", name="Delete the price of review-house-*").click()
    expect(page.get_by_role("row").filter(has_text="review-house-*")).to_have_count(0)
    page.get_by_role("tab", name="Storage").click()
    page.get_by_role("spinbutton").last.fill("30")
    expect(page.get_by_text(f"Nothing of {PROJECT} is older")).to_be_visible()
