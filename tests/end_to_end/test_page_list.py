"""The list of traces: filter, columns, time, live rows, drawer, actions on many. Numbers are those of the page's cases."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from .conftest import clean_environment, pasted, serving, strict_page
from .made import ERROR, SECOND, Made, post

PROJECT = "list"
NOW = int(time.time()) * SECOND
LIST = f"/p/{PROJECT}/traces"
COUNT = 400


def trace(n: int, project: str = PROJECT, start_us: int | None = None) -> Made:
    at = NOW - n * 60 * SECOND if start_us is None else start_us
    failed = {"status": "error", "error": ERROR} if n % 10 == 3 else {"output": f"answer {n}"}
    made = Made(
        f"trace {n}", project, start_us=at, seed=1000 + n, dur_us=(n + 1) * 10_000, input={"question": f"question {n}"},
        tags=["even" if n % 2 == 0 else "odd"], user_id=f"user {n % 5}", metadata={"tier": "pro" if n % 3 else "team"},
        scores=[{"name": "quality", "value": (n % 10) / 10}], **failed,
    )  # fmt: skip
    made.span(
        "call", "llm", at + 10, 500, parent_id=made.root, model="gpt-5.2" if n % 4 else "claude-5", usage={"input": n}
    )
    return made


@pytest.fixture(scope="module")
def listed(server: str) -> str:
    post(server, [record for n in range(COUNT) for record in trace(n).records])
    return server


def rows(page: Page) -> Locator:
    return page.get_by_role("grid", name="Traces").locator(".list-row")


def link(page: Page, n: int) -> Locator:
    return page.get_by_role("link", name=f"trace {n}", exact=True)


def filter_field(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Filter traces")


def test_a_query_narrows_and_reload_and_back_restore(page: Page, listed: str) -> None:
    """5"""
    page.goto(LIST)
    expect(link(page, 0)).to_be_visible()
    filter_field(page).fill("status:error tag:odd")
    page.keyboard.press("Enter")
    expect(link(page, 0)).to_have_count(0)
    expect(page.get_by_text(f"{COUNT // 10} traces")).to_be_visible()
    page.reload()
    expect(filter_field(page)).to_have_value("status:error tag:odd")
    link(page, 13).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("trace 13")
    page.go_back()
    expect(link(page, 3)).to_be_visible()
    page.go_back()
    expect(link(page, 0)).to_be_visible()
    expect(filter_field(page)).to_have_value("")


def test_back_and_reload_lead_to_the_row_and_the_place_one_was_at(page: Page, listed: str) -> None:
    """5"""
    page.goto(LIST)
    expect(link(page, 0)).to_be_visible()
    scroller = page.locator(".grid-scroll")
    while not link(page, 250).is_visible():
        scroller.evaluate("e => { e.scrollTop = Math.min(e.scrollTop + 600, 235 * 30) }")  # never past it
        page.wait_for_timeout(20)
    scroller.evaluate("e => { e.scrollTop = 225 * 30 }")
    rows(page).filter(has=link(page, 230)).locator(".cell-io").dispatch_event("click")
    place = scroller.evaluate("e => e.scrollTop")
    active = page.locator(".list-row.selected")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("trace 230")
    page.go_back()
    expect(active).to_contain_text("trace 230")
    assert scroller.evaluate("e => e.scrollTop") == place
    page.reload()
    expect(active).to_contain_text("trace 230")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Traces").click()
    page.get_by_role("link", name="Dashboard").click()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Traces").click()
    expect(active).to_contain_text("trace 0")


def test_what_a_page_shows_is_asked_for_beside_its_scripts_and_once(page: Page, listed: str) -> None:
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url.removeprefix(listed)) if "/api/" in one.url else None)
    one = trace(3)
    for address, shown, first in (
        (f"{LIST}?q=user%3A%22user+3%22", link(page, 3), f"/api/v1/projects/{PROJECT}/traces?limit=200&q=user%3A%22user+3%22&sort=-start"),
        (f"{LIST}/{one.id}", page.get_by_role("treeitem").first, f"/api/v1/traces/{one.id}/skeleton?figures_up_to=2000"),
    ):  # fmt: skip
        asked.clear()
        page.goto(address)
        expect(shown).to_be_visible()
        assert asked[0] == first
        assert asked.count(first) == 1


def test_what_cannot_be_read_is_underlined_and_the_rows_stay(page: Page, listed: str) -> None:
    """6: and Enter with open suggestions runs the text as typed."""
    page.goto(LIST)
    expect(link(page, 0)).to_be_visible()
    filter_field(page).press_sequentially("duration>fast")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("duration takes a number")
    expect(page.locator(".filter-underline span")).to_have_text("fast")
    expect(link(page, 0)).to_be_visible()
    expect(page).not_to_have_url(re.compile("q="))
    filter_field(page).fill("")
    filter_field(page).press_sequentially("tag:od")
    expect(page.get_by_role("option", name="odd")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=tag%3Aod$"))
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()


def test_tab_completes_a_field_and_a_value_and_touches_nothing_else(page: Page, listed: str) -> None:
    """7"""
    page.goto(LIST)
    filter_field(page).press_sequentially("status:error ta")
    expect(page.get_by_role("option", name="tag")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(filter_field(page)).to_have_value("status:error tag:")
    option = page.get_by_role("option", name="even")
    expect(option).to_contain_text(re.compile(r"\d+"))
    page.keyboard.press("Escape")
    expect(option).to_have_count(0)
    expect(filter_field(page)).to_be_focused()
    filter_field(page).press_sequentially("ev")
    page.get_by_role("option", name="even").click()
    expect(filter_field(page)).to_have_value("status:error tag:even ")
    page.keyboard.press("Tab")
    expect(filter_field(page)).not_to_be_focused()


def test_dragging_over_the_strip_sets_the_time(page: Page, listed: str) -> None:
    """9"""
    page.goto(LIST)
    box = page.locator(".strip svg").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 10, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"t=\d+\.\.\d+"))
    expect(link(page, 0)).to_have_count(0)
    expect(link(page, 215)).to_be_visible()
    page.get_by_role("button", name="All time", exact=True).click()
    expect(link(page, 0)).to_be_visible()


def test_columns_are_chosen_pinned_moved_resized_and_shared_by_the_link(
    browser: Browser, page: Page, listed: str
) -> None:
    """10"""
    page.goto(LIST)
    page.get_by_role("button", name="Columns").click()
    page.get_by_label("Add a column").fill("score.quality")
    page.get_by_role("checkbox", name="score.quality").click()
    page.get_by_role("button", name="Pin Trace").click()
    page.get_by_label("Add a column").fill("metadata.tier")
    page.get_by_role("checkbox", name="metadata.tier").click()
    page.keyboard.press("Escape")
    heads = page.get_by_role("columnheader")
    expect(heads.nth(1)).to_have_text("Trace")
    cost = page.get_by_role("button", name="Cost")
    cost.press("Alt+ArrowLeft")
    before = page.get_by_role("columnheader", name="Cost").bounding_box()
    assert before is not None
    page.get_by_role("button", name="Cost").press("Shift+ArrowRight")
    expect(page).to_have_url(re.compile(r"cols=.*cost%3A\d+"))
    after = page.get_by_role("columnheader", name="Cost").bounding_box()
    assert after is not None
    assert after["width"] > before["width"]
    names = heads.all_inner_texts()
    assert [name.strip() for name in names if name.strip()][-2:] == ["quality", "tier"]
    page.reload()
    expect(heads).to_have_text(names)
    with strict_page(browser, listed, []) as other:
        other.goto(page.url)
        expect(other.get_by_role("columnheader")).to_have_text(names)
        expect(other.locator(".list-row").first).to_contain_text("0")


def test_a_row_is_a_link(page: Page, listed: str) -> None:
    """11: Ctrl+Enter and a middle click open a tab of their own."""
    page.goto(LIST)
    with page.context.expect_page() as opened:
        link(page, 1).click(button="middle")
    expect(opened.value.get_by_role("heading", level=1)).to_contain_text("trace 1")
    page.get_by_role("grid").focus()
    page.keyboard.press("ArrowDown")
    with page.context.expect_page() as opened:
        page.keyboard.press("Control+Enter")
    expect(opened.value.get_by_role("heading", level=1)).to_contain_text("trace 1")


def test_the_drawer_follows_the_keys_and_gives_the_focus_back(page: Page, listed: str) -> None:
    """12"""
    page.goto(LIST)
    page.get_by_role("grid").focus()
    page.keyboard.press("Space")
    peek = page.get_by_label("Peek")
    for n in range(5):
        expect(peek.get_by_role("heading", level=1)).to_contain_text(f"trace {n}")
        expect(peek.get_by_role("tabpanel")).to_contain_text(f"question {n}")
        page.keyboard.press("j")
    page.keyboard.press("Escape")
    expect(peek).to_have_count(0)
    expect(page.get_by_role("grid")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("trace 5")


def test_a_cell_is_a_filter(page: Page, listed: str) -> None:
    page.goto(LIST)
    expect(link(page, 0)).to_be_visible()
    page.get_by_role("grid").focus()
    page.keyboard.press("f")
    expect(filter_field(page)).to_have_value('name:"trace 0"')


def test_many_are_tagged_and_deleted_only_as_many_as_were_seen(page: Page, server: str) -> None:
    post(server, [record for n in range(30) for record in trace(n, "bulk").records])
    page.goto("/p/bulk/traces")
    expect(link(page, 0)).to_be_visible()
    page.get_by_role("grid").focus()
    page.keyboard.press("x")
    for _ in range(4):
        page.keyboard.press("j")
    page.keyboard.press("X")
    expect(page.get_by_text("5 chosen")).to_be_visible()
    page.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_label("Tag", exact=True).fill("checked")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_text("5 traces tagged")).to_be_visible()
    filter_field(page).fill("tag:checked")
    page.keyboard.press("Enter")
    expect(page.get_by_text("5 traces", exact=True)).to_be_visible()
    page.get_by_label("Select all loaded").check()
    page.get_by_role("button", name="All that match").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export JSONL").click()
    assert len(Path(download.value.path()).read_text().splitlines()) >= 10
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete 5 traces").click()
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()


def test_a_view_is_saved_and_opened(page: Page, listed: str) -> None:
    page.goto(f"{LIST}?q=status%3Aerror")
    page.get_by_role("button", name="Views").click()
    page.get_by_label("Name of the view").fill("Failures")
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto(LIST)
    page.get_by_role("link", name="Failures").click()
    expect(filter_field(page)).to_have_value("status:error")


def test_new_rows_enter_at_the_top_and_wait_while_somebody_reads(page: Page, server: str) -> None:
    """25"""
    project = "live"
    post(server, [record for n in range(200) for record in trace(n + 1, project).records])
    page.goto(f"/p/{project}/traces")
    expect(link(page, 1)).to_be_visible()
    post(server, trace(900, project, NOW + SECOND).records)
    expect(rows(page).first).to_contain_text("trace 900")
    page.locator(".grid-scroll").evaluate("e => { e.scrollTop = 2000 }")
    expect(link(page, 70)).to_be_visible()
    post(server, [r for n in (901, 902) for r in trace(n, project, NOW + n * SECOND).records])
    expect(page.get_by_role("button", name="2 new")).to_be_visible()
    assert page.locator(".grid-scroll").evaluate("e => e.scrollTop") == 2000
    page.keyboard.press(".")
    expect(rows(page).first).to_contain_text("trace 902")
    expect(page.locator(".pill")).to_have_count(0)

    page.evaluate(HIDE)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(1500)  # longer than a poll
    assert not asked
    page.evaluate(HIDE.replace("hidden", "visible"))
    post(server, trace(903, project, NOW + 903 * SECOND).records)
    expect(rows(page).first).to_contain_text("trace 903")


HIDE = """() => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' });
    document.dispatchEvent(new Event('visibilitychange'));
}"""


def test_the_first_trace_of_a_new_home_opens_by_the_quickstart_as_it_stands(browser: Browser, tmp_path: Path) -> None:
    """1, 2"""
    with (
        serving(tmp_path) as url,
        strict_page(browser, url, [], permissions=["clipboard-read", "clipboard-write"]) as page,
    ):
        page.goto("/")
        expect(page.get_by_text("Waiting for the first trace")).to_be_visible()
        page.get_by_role("button", name="Copy quickstart").click()
        expect(page.get_by_role("button", name="Copy quickstart")).to_have_text("Copied")
        code = pasted(page)
        assert url in code
        program = tmp_path / "program.py"
        program.write_text(code)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        subprocess.run([sys.executable, program], env=clean_environment(elsewhere), check=True, capture_output=True)
        expect(page.get_by_role("link", name="answer", exact=True)).to_be_visible(timeout=10_000)


def test_a_server_that_went_away_is_said_and_found_again(browser: Browser, tmp_path: Path) -> None:
    """25, 30"""
    allowed: list[str] = ["ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "Failed to fetch"]
    with serving(tmp_path) as url:
        post(url, trace(1, "away").records)
        port = url.rpartition(":")[2]
        opened = strict_page(browser, url, allowed)
        page = opened.__enter__()
        page.goto("/p/away/traces")
        expect(link(page, 1)).to_be_visible()
    expect(page.get_by_text("The server does not answer.").first).to_be_visible(timeout=15_000)
    expect(link(page, 1)).to_be_visible()
    with serving(tmp_path, "--port", port) as url:
        post(url, trace(2, "away").records)
        expect(link(page, 2)).to_be_visible(timeout=20_000)
        expect(page.locator(".banner")).to_have_count(0)
        opened.__exit__(None, None, None)
