"""What a browser keeps for somebody, and the ways in: sample traces, views and projects by the palette."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import strict_page
from .made import Made, post

PROJECT = "looks"
NOON_US = int(datetime(2026, 3, 1, 12, 34, 56, tzinfo=UTC).timestamp() * 1e6)


@pytest.fixture(scope="module")
def made(server: str) -> Made:
    trace = Made("at noon", PROJECT, start_us=NOON_US, seed=1)
    post(server, trace.records)
    return trace


def test_density_and_time_zone_are_chosen_and_kept(browser: Browser, server: str, made: Made) -> None:
    with strict_page(browser, server, [], timezone_id="Asia/Tokyo") as page:
        row = page.locator(".list-row").first
        page.goto(f"/p/{PROJECT}/traces")
        expect(row).to_contain_text("21:34:56")
        assert row.bounding_box()["height"] == 30  # type: ignore[index]
        page.goto(f"/p/{PROJECT}/settings")
        page.get_by_label("compact").check()
        page.get_by_label("UTC").check()
        page.goto(f"/p/{PROJECT}/traces")
        expect(row).to_contain_text("12:34:56")
        assert row.bounding_box()["height"] == 24  # type: ignore[index]


def test_sample_traces_fill_an_empty_project_only(page: Page, server: str, made: Made) -> None:
    page.goto("/p/to look around/traces")
    page.get_by_role("button", name="Load sample traces").click()
    expect(page.locator(".list-row").nth(10)).to_be_visible()
    page.locator(".list-row .row-link").first.click()
    expect(page.get_by_role("tree", name="Spans").get_by_role("treeitem").first).to_be_visible()
    again = page.request.post(f"{server}/api/v1/projects/{PROJECT}/samples", data={})
    assert (again.status, "has traces of its own" in again.json()["detail"]) == (409, True)


def test_the_palette_opens_views_and_makes_projects(page: Page, made: Made) -> None:
    page.goto(f"/p/{PROJECT}/traces?q=status:ok")
    page.get_by_role("button", name="Views").click()
    page.get_by_label("Name of the view").fill("only good ones")
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto(f"/p/{PROJECT}/settings")
    expect(page.get_by_role("tab", name="Views")).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search or jump").fill("only good")
    expect(page.get_by_role("option", name="only good ones")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/p/{PROJECT}/traces.*q=status%3Aok"))
    expect(page.locator(".list-row")).to_have_count(1)

    page.keyboard.press("g")
    page.keyboard.press("p")
    page.get_by_role("combobox", name="Project").fill("brand new")
    page.get_by_role("option", name="Make the project brand new").click()
    expect(page).to_have_url(re.compile("/p/brand%20new/traces"))
    expect(page.get_by_text("Waiting for the first trace")).to_be_visible()
