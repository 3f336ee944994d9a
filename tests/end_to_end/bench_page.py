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

from playwright.sync_api import CDPSession, Page, sync_playwright

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
# How long each frame took while the tree was scrolled from its first row to its last, 900 px a frame.
SCROLL = """new Promise(done => {
  const tree = document.querySelector('[role=tree]'), frames = [];
  const box = [tree, ...tree.querySelectorAll('*'), tree.parentElement].find(one => one.scrollHeight > one.clientHeight + 900);
  let before = performance.now();
  requestAnimationFrame(function next(now) {
    frames.push(now - before);
    before = now;
    box.scrollTop += 900;
    if (box.scrollTop + box.clientHeight < box.scrollHeight - 1) requestAnimationFrame(next);
    else done(frames.slice(1));
  });
})"""
LIVE_S, LIVE_FACTOR = 1800, 30
Row = tuple[str, float, int] | tuple[str, float, int, str]


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
        rows: list[Row] = [*cold(browser, url, "list, 100,000 traces", f"/p/{PROJECT}/traces", ".list-row", 800)]
        for spans, one in made.items():
            limit = 1000 if spans == 10_000 else 1600
            rows += cold(browser, url, f"trace, {spans:,} spans", f"/p/{PROJECT}/traces/{one.id}", ".tree-row", limit)
        rows += steps(browser, url, made[10_000])
        rows += [scrolled(browser, url, made[10_000]), grown(browser, url)]
        browser.close()
    for name, found, limit, *unit in rows:
        of = unit[0] if unit else "ms"
        print(f"{name:56} {found:8.1f} {of:2}   budget {limit:5} {of:2}   {'' if found <= limit else 'OVER'}")


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


def scrolled(browser: Any, url: str, made: Made) -> Row:
    """How many frames of a fast scroll over everything came late."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(f"{url}/p/{PROJECT}/traces/{made.id}")
    page.locator(".tree-row").first.wait_for()
    page.evaluate(DRAWN.format(act=PRESS.format(key="c")))
    frames = page.evaluate(SCROLL)
    page.context.close()
    return (
        "10,000 spans: frames over 50 ms while scrolling",
        100 * sum(one > 50 for one in frames) / len(frames),
        10,
        "%",
    )


def grown(browser: Any, url: str) -> Row:
    """What 30 minutes of a live list with a new trace a second leave on the heap, LIVE_FACTOR times as fast."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(f"{url}/p/{PROJECT}/traces")
    page.locator(".list-row").first.wait_for()
    session = page.context.new_cdp_session(page)
    before = heap(session)
    for second in range(LIVE_S // LIVE_FACTOR):
        start = now_us()
        new = [Made("live", PROJECT, start_us=start + n, seed=second * LIVE_FACTOR + n) for n in range(LIVE_FACTOR)]
        post(url, [record for one in new for record in one.records])
        page.wait_for_timeout(1000 - (now_us() - start) / 1000 if now_us() - start < SECOND else 1)
    page.wait_for_timeout(5000)  # the last of them come in
    after = heap(session)
    page.context.close()
    return f"live list, 30 min {LIVE_FACTOR} times as fast: heap grown by", (after - before) / 1e6, 10, "MB"


def heap(session: CDPSession) -> float:
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"])


def timed(page: Page, act: str, times: int, summary: Callable[[list[float]], float]) -> float:
    return summary([page.evaluate(DRAWN.format(act=act)) for _ in range(times)])


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


if __name__ == "__main__":
    main()
