"""What the footer admits: spans that clients had to drop, records that come late, what the store takes."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, expect

from .conftest import clean_environment, serving, strict_page
from .made import Made, post

DROPS = """
import trailmark
for _ in range(150):
    trailmark.track(len)("x" * 100_000)
print(trailmark.stats()["dropped_because"]["full"])
"""


def test_the_footer_says_what_a_client_dropped_and_why_and_how_late_records_come(
    browser: Browser, tmp_path: Path
) -> None:
    env = {**clean_environment(tmp_path), "TRAILMARK_SPOOL_MAX_BYTES": "12000000"}
    done = subprocess.run([sys.executable, "-c", DROPS], env=env, check=True, capture_output=True, text=True)
    dropped = int(done.stdout)
    assert dropped
    with serving(tmp_path) as url, strict_page(browser, url, []) as page:
        page.goto("/p/Default%20Project/traces")  # not by way of "/": what goes on to it closes what was opened there
        footer = page.locator("footer")
        footer.get_by_role("button", name=f"{dropped} dropped by clients").click()
        row = page.get_by_role("row").filter(has_text="its spool was full")
        expect(row).to_contain_text(str(dropped))
        expect(row.get_by_role("cell").first).to_have_text(re.compile(r".+-\d+$"))
        expect(footer.get_by_text(re.compile(r"^Store [\d.]+ (KB|MB)$"))).to_be_visible()

        an_hour_ago = time.time_ns() // 1000 - 3600_000_000
        post(url, Made("late", "late", start_us=an_hour_ago, seed=1).records)
        page.reload()
        expect(footer.get_by_text(re.compile(r"Records come (1 h 0|59) min.* late"))).to_be_visible()
        post(url, Made("prompt", "late", start_us=time.time_ns() // 1000, seed=2).records)
        page.reload()
        expect(footer.get_by_text("Ingest is current")).to_be_visible()
        expect(footer.get_by_title(re.compile("^The last records came"))).to_be_visible()
