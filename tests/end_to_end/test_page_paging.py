"""The list scrolled to where its first page ends, and far beyond, while others arrive (cases 3 and 4 of the list)."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect

from .made import Made, post
from .test_page_list import NOW, SECOND, link, rows, trace

DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
SHOWN = """[...document.querySelectorAll('.list-row')].map(row =>
    [Number(row.ariaRowIndex), row.querySelector('.row-link').textContent])"""


def test_pages_neither_lose_nor_double_a_row_while_others_arrive(page: Page, server: str) -> None:
    """4"""
    project = "paging"
    post(server, [r for n in range(450) for r in trace(n, project).records])
    page.goto(f"/p/{project}/traces")
    expect(link(page, 0)).to_be_visible()
    scroller = page.locator(".grid-scroll")
    seen: dict[int, str] = dict(page.evaluate(SHOWN))
    assert "trace 40" not in seen.values()
    scroller.evaluate("e => { e.scrollTop += 600 }")
    expect(link(page, 40)).to_be_visible()  # who is at the top gets what arrives at once
    come = 1000
    while not {f"trace {n}" for n in range(450)} <= set(seen.values()):
        post(server, [r for n in range(come, come + 5) for r in trace(n, project, NOW + n * SECOND).records])
        come += 5
        for index, name in page.evaluate(SHOWN):
            assert seen.setdefault(index, name) == name, f"row {index} was {seen[index]}, is {name}"
        scroller.evaluate("e => { e.scrollTop += 600 }")
        page.evaluate(DRAWN)
        assert come < 2000, "the end was not reached"
    assert [seen[index] for index in sorted(seen)] == [f"trace {n}" for n in range(450)]


@pytest.mark.slow
def test_a_hundred_thousand_traces_are_scrolled_without_a_gap(page: Page, server: str) -> None:
    """3, 4: to row 20,000; no id twice, DOM small; while others arrive."""
    project = "many"
    batch = [
        {
            "k": "trace", "id": made.id, "ver": 2, "project": project, "name": f"t{n}", "status": "ok",
            "start_us": made.start_us, "end_us": made.start_us + 5,
        }
        for n in range(100_000)
        for made in [Made("x", project, start_us=NOW - (n + 1) * 1000, seed=n)]
    ]  # fmt: skip
    post(server, batch)
    page.goto(f"/p/{project}/traces")
    expect(page.get_by_text("of 100,000")).to_be_visible()
    scroller = page.locator(".grid-scroll")
    reached = 0
    deadline = time.monotonic() + 240
    while reached < 20_000 and time.monotonic() < deadline:
        reached = scroller.evaluate("e => { e.scrollTop += 20000; return Math.floor(e.scrollTop / 30) }")
        if reached % 4000 < 700:
            post(server, trace(5000 + reached, project, int(time.time() * SECOND)).records)
        page.wait_for_timeout(40)
    assert reached >= 20_000
    names = rows(page).locator(".row-link").all_inner_texts()
    numbers = [int(name[1:]) for name in names]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert page.evaluate("document.querySelectorAll('*').length") < 2000
