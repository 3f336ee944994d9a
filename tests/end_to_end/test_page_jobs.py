"""Actions on more traces than a request may wait for, on the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .made import post
from .test_page_list import trace

MANY = 10_050


@pytest.mark.slow
def test_an_action_on_very_many_shows_how_far_it_is_and_can_be_stopped(page: Page, server: str) -> None:
    for first in range(0, MANY, 1000):
        post(server, [trace(n, "jobs").records[0] for n in range(first, min(first + 1000, MANY))])
    page.goto("/p/jobs/traces")
    page.get_by_label("Select all loaded").check()
    page.get_by_role("button", name="All that there are").click()
    expect(page.get_by_text("10,050 chosen")).to_be_visible()
    page.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_label("Tag", exact=True).fill("checked")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_text("of 10,050 traces")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("traces tagged, then stopped")).to_be_visible()

    page.goto("/p/jobs/settings?tab=projects")
    page.get_by_role("button", name="Delete jobs").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("jobs")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("Deleting: ")).to_be_visible()
    expect(page.get_by_text("10,050 traces deleted")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name="Delete jobs")).to_have_count(0)
