"""Keys made, shown once and revoked on the page, and signing in with one."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, expect
from trailmark_server.keys import Keys

from .conftest import serving, strict_page
from .made import agent_run, post


def asked(url: str, key: str | None = None) -> int:
    request = urllib.request.Request(
        f"{url}/api/v1/projects", headers={"Authorization": f"Bearer {key}"} if key else {}
    )
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code


def test_the_first_key_closes_the_server_and_one_signs_in_with_it(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path) as url, strict_page(browser, url, ["401", "409"]) as page:
        made = agent_run("closed", 8, start_us=1_760_000_000_000_000)
        post(url, made.records)
        page.goto("/settings?tab=keys")
        expect(page.get_by_text("There is no key")).to_be_visible()
        page.get_by_label("Name of a new key").fill("<i>ada</i>")
        page.get_by_role("button", name="Make a key").click()
        secret = page.get_by_role("dialog").locator("pre").inner_text()
        assert re.fullmatch(r"tm_[0-9a-f]{8}_[\w-]{43}", secret)
        page.get_by_role("button", name="I have it").click()
        expect(page.get_by_text(secret)).to_have_count(0)
        assert (asked(url), asked(url, secret)) == (401, 200)

        page.get_by_label("Name of a new key").fill("ci")
        page.get_by_label("sees workspace").fill("red")
        page.get_by_role("button", name="Make a key").click()
        other = page.get_by_role("dialog").locator("pre").inner_text()
        page.get_by_role("button", name="I have it").click()
        assert asked(url, other) == 200
        page.get_by_role("button", name="Revoke ci").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke", exact=True).click()
        expect(page.get_by_role("row").filter(has_text="red")).to_have_count(0)
        assert asked(url, other) == 401

        page.get_by_role("button", name="Sign out").click()
        page.goto(f"/p/closed/traces/{made.id}")
        field = page.get_by_label("Key", exact=True)
        field.fill(other)
        field.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("not known")
        field.fill(secret)
        field.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("research_agent.run")
        assert page.evaluate("document.cookie") == ""
        assert not any(secret in str(value) for value in page.evaluate("Object.values(localStorage)"))


def test_who_may_not_make_keys_reads_how_they_are_made(browser: Browser, tmp_path: Path) -> None:
    _, secret = Keys(tmp_path).create("plain", "default")
    with serving(tmp_path) as url, strict_page(browser, url, ["401"]) as page:
        page.goto("/settings?tab=keys")
        page.get_by_label("Key", exact=True).fill(secret)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("trailmark keys create NAME --admin")).to_be_visible()
        expect(page.get_by_role("button", name="Make a key")).to_have_count(0)
