"""Times of the page in a real Chromium against a real server, beside their budgets: first paint, rows, keys, filter,
folding. On a busy machine read ratios, not the last digit."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from .conftest import FLAGS, serving
from .made import SECOND, Made, agent_run, post

__all__ = ["main"]

PROJECT = "bench"
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"
# How long until the page has drawn what a step changed: two frames after it.
DRAWN = """new Promise(done => {{
  const begun = performance.now();
  {act};
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun)));
}})"""
# Tasks that held the main thread for longer than 50 ms, since this was asked last.
WATCH = """window.held = [];
new PerformanceObserver(list => held.push(...list.getEntries().map(one => one.duration))).observe({type: 'longtask'})"""
HELD = "held.splice(0).reduce((a, b) => Math.max(a, b), 0)"
PRESS = """document.activeElement.dispatchEvent(
  new KeyboardEvent('keydown', {{key: '{key}', bubbles: true, cancelable: true}}))"""


def main() -> None:
    chromium = shutil.which("chromium") or sys.exit("no Chromium")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as url, sync_playwright() as playwright:
        made = {
            spans: agent_run(PROJECT, spans, start_us=now_us() - 9000 * SECOND, seed=spans)
            for spans in (10_000, 30_000)
        }
        for one in made.values():
            post(url, one.records)
        post(url, listed(100_000))
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        rows = [*cold(browser, url, "list, 100,000 traces", f"/p/{PROJECT}/traces", ".list-row", 800)]
        for spans, one in made.items():
            limit = 1000 if spans == 10_000 else 1600
            rows += cold(browser, url, f"trace, {spans:,} spans", f"/p/{PROJECT}/traces/{one.id}", ".tree-row", limit)
        rows += steps(browser, url, made[10_000])
        browser.close()
    for name, found, limit in rows:
        print(f"{name:48} {found:8.0f} ms   budget {limit:5} ms   {'' if found <= limit else 'OVER'}")


def now_us() -> int:
    return int(time.time() * SECOND)


def listed(count: int) -> list[dict[str, Any]]:
    start = now_us() - 20_000 * SECOND
    ids = (Made("x", PROJECT, start_us=start - n * SECOND, seed=n) for n in range(count))
    return [
        {"k": "trace", "id": one.id, "ver": 2, "project": PROJECT, "name": f"t{n}", "status": "ok",
         "input": {"q": "How many seats?"}, "start_us": one.start_us, "end_us": one.start_us + 1000 * n}
        for n, one in enumerate(ids)
    ]  # fmt: skip


def cold(browser: Any, url: str, name: str, path: str, row: str, limit: int) -> list[tuple[str, float, int]]:
    """Medians of three loads without a cache."""
    paints, shown = [], []
    for _ in range(3):
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        begun = time.perf_counter()
        page.goto(url + path, wait_until="commit")
        page.locator(row).first.wait_for()
        shown.append((time.perf_counter() - begun) * 1000)
        paints.append(page.evaluate(PAINT))
        page.context.close()
    return [
        (f"{name}: first paint", statistics.median(paints), 600),
        (f"{name}: rows visible", statistics.median(shown), limit),
    ]


def steps(browser: Any, url: str, made: Made) -> list[tuple[str, float, int]]:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(f"{url}/p/{PROJECT}/traces/{made.id}")
    page.locator(".tree-row").first.wait_for()
    found = [
        ("10,000 spans: open all (c)", timed(page, PRESS.format(key="c"), 4, max), 100),
        ("10,000 spans: j to drawn, p95", timed(page, PRESS.format(key="j"), 60, p95), 60),
        ("10,000 spans: zoom (z)", timed(page, PRESS.format(key="z"), 4, max), 100),
    ]
    typed = (
        "(() => { const f = document.querySelector('[aria-label=\"Filter spans\"]');"
        "Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(f, f.value + 'a');"
        "f.dispatchEvent(new Event('input', {bubbles: true})) })()"
    )
    found.append(("10,000 spans: a letter into the filter", timed(page, typed, 3, max), 100))
    found += held(page, url, made)
    page.context.close()
    return found


def held(page: Page, url: str, made: Made) -> list[tuple[str, float, int]]:
    """The longest that something else had to wait for the page."""
    page.goto(f"{url}/p/{PROJECT}/traces/{made.id}")
    page.locator(".tree-row").first.wait_for()
    page.evaluate(WATCH)
    page.keyboard.press("c")
    page.evaluate(HELD)
    page.evaluate(f"(async () => {{ for (let n = 0; n < 90; n++) await {DRAWN.format(act=PRESS.format(key='j'))} }})()")
    walked = page.evaluate(HELD)
    large = Made(
        "large", PROJECT, start_us=now_us(), seed=1, output=[{"row": n, "text": "x" * 40} for n in range(80_000)]
    )
    post(url, large.records)
    page.goto(f"{url}/p/{PROJECT}/traces/{large.id}?span={large.root}&tab=io")
    page.get_by_role("button", name="Load all").wait_for()
    page.evaluate(WATCH)
    page.get_by_role("button", name="Load all").click()
    page.get_by_role("button", name="Load all").wait_for(state="detached")
    page.evaluate(DRAWN.format(act=""))
    return [("holding j: longest task", walked, 100), ("a value of 5 MB: longest task", page.evaluate(HELD), 100)]


def timed(page: Page, act: str, times: int, summary: Callable[[list[float]], float]) -> float:
    return summary([page.evaluate(DRAWN.format(act=act)) for _ in range(times)])


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


if __name__ == "__main__":
    main()
