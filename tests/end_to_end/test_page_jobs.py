"""Actions on more traces than a request may wait for, on the page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .made import post
from .test_page_list import trace

MANY = 10_050


@pytest.mark.slow
def test_an_action_on_very_many_shows_how_far_it_is(page: Page, server: str) -> None:
    page.set_default_timeout(30_000)
    for first in range(0, MANY, 1000):
        post(server, [trace(n, "jobs").records[0] for n in range(first, min(first + 1000, MANY))])
    page.goto("/p/jobs/traces")
    page.get_by_label("Select all loaded").check()
    page.get_by_role("button", name="All that there are").click()
    seen(page, "10,050 chosen")
    page.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_label("Tag", exact=True).fill("checked")
    page.get_by_role("button", name="Do it").click()
    seen(page, "Tagging: .* of 10,050 traces|10,050 traces tagged")
    seen(page, "10,050 traces tagged")

    page.goto("/p/jobs/settings?tab=projects")
    page.get_by_role("button", name="Delete jobs").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("jobs")
    page.get_by_role("button", name="Delete for good").click()
    seen(page, "Deleting: .* of 10,050 traces|10,050 traces deleted")
    seen(page, "10,050 traces deleted")
    expect(page.get_by_role("button", name="Delete jobs")).to_have_count(0, timeout=30_000)


def seen(page: Page, text: str) -> None:
    """However busy the machine is: what a job comes to may take its time."""
    expect(page.get_by_text(re.compile(text)).first).to_be_visible(timeout=120_000)
