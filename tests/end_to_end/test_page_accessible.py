"""What everybody must be able to use: assistive technology, keys alone, small and enlarged windows, other colours (case 30)."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from .conftest import ROOT, strict_page
from .made import SECOND, Made, agent_run, post

AXE = ROOT / "packages/server/ui/node_modules/axe-core/axe.min.js"
UI = ROOT / "packages/server/ui/src"
NOW = int(time.time()) * SECOND


RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
FAULTS = """(run) => axe.run(document, {...run, resultTypes: ['violations']}).then(found => found.violations.map(
  one => one.id + ': ' + one.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + ' ' + n.failureSummary).join(' | ')))"""
# What can be used and is cut off where nothing scrolls to it.
CUT = """() => [...document.querySelectorAll('button, input, select, textarea, a[href]')].filter(one => {
  const box = one.getBoundingClientRect();
  if (!one.checkVisibility() || !box.width || (box.left >= -1 && box.right <= innerWidth + 1)) return false;
  for (let up = one.parentElement; up; up = up.parentElement)
    if (/auto|scroll/.test(getComputedStyle(up).overflowX) && up.scrollWidth > up.clientWidth) return false;
  return true;
}).map(one => one.outerHTML.slice(0, 160))"""


def axe(page: Page, run: dict[str, Any]) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    return list(page.evaluate(FAULTS, run))


@pytest.fixture(scope="module")
def seen(server: str) -> Made:
    score = {"name": "q", "value": 0.2}
    made = agent_run(
        "seen", 60, start_us=NOW - 100 * SECOND, seed=5, tags=["prod"], thread_id="talk", user_id="mara", scores=[score]
    )
    running = Made("running", "seen", start_us=NOW - 5 * SECOND, seed=6, dur_us=None, thread_id="talk")
    post(server, made.records + running.records)
    return made


@pytest.fixture(scope="module")
def other(server: str) -> Made:
    made = agent_run("seen", 40, start_us=NOW - 90 * SECOND, seed=7, thread_id="talk")
    post(server, made.records)
    return made


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, browser: Browser, server: str) -> Iterator[tuple[Page, dict[str, Any]]]:
    """A page, and what axe looks for on it: in the dark, only what is another there."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in packages/server/ui")
    rules = (
        {"type": "tag", "values": RULES} if request.param == "light" else {"type": "rule", "values": ["color-contrast"]}
    )
    with strict_page(browser, server, ["404"], color_scheme=request.param) as page:
        yield page, {"runOnly": rules}


def places(page: Page, seen: Made, other: Made) -> Iterator[str]:
    """One page after the other, each opened and there when its name comes."""

    def at(path: str, shown: Locator) -> None:
        page.goto(path)
        expect(shown).to_be_visible()

    at("/p/seen/threads", page.get_by_role("listitem").first)
    yield "threads"
    at("/p/seen/threads/talk", page.get_by_role("heading", level=1))
    expect(page.get_by_role("button", name="Spans").first).to_be_visible()
    yield "thread"
    at("/p/seen/dashboard?t=24h", page.locator(".chart-area").first)
    expect(page.get_by_role("region", name="Slowest names")).to_be_visible()
    yield "dashboard"
    page.get_by_role("button", name="Table").first.click()
    yield "dashboard with a table"
    at(f"/p/seen/compare?a={seen.id}&b={other.id}", page.get_by_role("treeitem").first)
    yield "compare"
    at("/p/seen/review", page.get_by_role("heading", name="Output"))
    yield "review"
    at("/p/seen/spans", page.locator(".list-row").first)
    yield "spans"
    at(f"/p/seen/traces/{seen.id}?tab=scores", page.get_by_role("table"))
    page.get_by_role("button", name="Another score").click()
    yield "scores"
    said = {"trace_id": seen.id, "text": "look here", "author": ""}
    assert page.request.post("/api/v1/comments", data=said).ok
    at(f"/p/seen/traces/{seen.id}?tab=comments", page.get_by_role("button", name="Take the comment back").first)
    yield "comments"
    at("/settings", page.get_by_role("tab").first)
    at("/p/seen/settings", page.get_by_role("tab").first)
    for tab in page.get_by_role("tab").all():
        tab.click()
        expect(page.get_by_role("tabpanel")).not_to_be_empty()
        yield f"settings, {tab.inner_text()}"
    at("/projects", page.get_by_role("heading", level=1))
    yield "projects"


def test_every_page_is_accessible_to_assistive_technology(
    themed: tuple[Page, dict[str, Any]], seen: Made, other: Made
) -> None:
    page, run = themed
    faults = {name: found for name in places(page, seen, other) if (found := axe(page, run))}
    assert not faults, json.dumps(faults, indent=1)


def test_nothing_is_cut_off_in_a_small_or_enlarged_window(page: Page, seen: Made, other: Made) -> None:
    """390 is a phone; 320 is 1,280 at 400 %; 720 is 1,440 at 200 %."""
    faults = {}

    def look(name: str) -> None:
        for width in (320, 390, 720):
            page.set_viewport_size({"width": width, "height": 844})
            if page.evaluate("document.documentElement.scrollWidth") > width:
                faults[f"{name} at {width}"] = "the window scrolls sideways"
            if cut := page.evaluate(CUT):
                faults[f"{name} at {width}"] = cut
        page.set_viewport_size({"width": 1440, "height": 900})

    page.goto("/p/seen/traces")
    expect(page.locator(".list-row").first).to_be_visible()
    look("list")
    page.get_by_role("grid").focus()
    page.keyboard.press("x")
    page.keyboard.press("Space")
    expect(page.get_by_label("Peek").get_by_role("tabpanel")).to_be_visible()
    look("peek and choice")
    page.goto(f"/p/seen/traces/{seen.id}?span={seen.records[2]['id']}")
    expect(page.locator(".message").first).to_be_visible()
    look("trace")
    page.goto("/p/nothing%20here/traces")
    expect(page.get_by_text("Waiting for the first trace")).to_be_visible()
    look("empty")
    for name in places(page, seen, other):
        look(name)
    assert not faults, json.dumps(faults, indent=1)


def test_forced_colours_and_no_motion_are_respected(browser: Browser, server: str, seen: Made) -> None:
    with strict_page(browser, server, [], forced_colors="active", reduced_motion="reduce") as page:
        page.goto("/p/seen/traces")
        row = page.locator(".list-row.selected")
        expect(row).to_be_visible()
        assert row.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
        running = page.locator(".list-row").filter(has_text="running").first
        running.get_by_role("link").click()
        expect(page.get_by_role("treeitem").first).to_be_visible()
        assert page.evaluate("document.getAnimations().length") == 0
        bar = page.get_by_role("treeitem").nth(1).locator(".bar")
        assert "gradient" in bar.evaluate("one => getComputedStyle(one).backgroundImage")  # hatched, as it runs


def test_what_opens_gives_the_focus_back_where_it_was(page: Page, seen: Made) -> None:
    def opens(button: Locator, sheet: Locator) -> None:
        button.focus()
        page.keyboard.press("Enter")
        expect(sheet.locator("button, input").first).to_be_visible()
        page.keyboard.press("Tab")
        assert sheet.evaluate("one => one.contains(document.activeElement)")
        page.keyboard.press("Escape")
        expect(sheet).to_be_hidden()
        expect(button).to_be_focused()

    def button(name: str) -> Locator:
        return page.get_by_role("button", name=name, exact=True)

    page.goto("/p/seen/traces")
    expect(page.locator(".list-row").first).to_be_visible()
    opens(button("Columns ▾"), page.get_by_role("dialog", name="Columns"))
    opens(button("All time ▾"), page.get_by_role("dialog", name="Time"))
    opens(button("Views"), page.get_by_role("dialog", name="Views"))
    opens(button("Theme: system"), page.get_by_role("menu"))
    opens(button("Keys"), page.get_by_role("dialog", name="Keys"))
    opens(page.get_by_role("button", name="Search or jump"), page.locator("dialog"))
    page.goto(f"/p/seen/traces/{seen.id}")
    expect(page.get_by_role("treeitem").first).to_be_visible()
    opens(button("View"), page.get_by_role("dialog", name="View"))
    opens(button("Actions"), page.get_by_role("menu"))


def test_every_state_of_the_list_and_the_trace_is_accessible(themed: tuple[Page, dict[str, Any]], seen: Made) -> None:
    """The list, its sheets and drawer, the trace, its tabs, dialogs, an empty and a missing page."""
    page, run = themed
    faults: dict[str, Any] = {}

    def check(what: str) -> None:
        if found := axe(page, run):
            faults[what] = found

    page.goto("/p/seen/traces")
    expect(page.locator(".list-row").first).to_be_visible()
    check("list")
    page.get_by_role("button", name="Columns").click()
    check("columns")
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Filter traces").fill("status:")
    expect(page.get_by_role("option").first).to_be_visible()
    check("suggestions")
    page.keyboard.press("Escape")
    page.get_by_role("grid").focus()
    page.keyboard.press("x")
    page.keyboard.press("Space")
    expect(page.get_by_label("Peek").get_by_role("tabpanel")).to_be_visible()
    check("peek and choice")
    page.goto(f"/p/seen/traces/{seen.id}")
    expect(page.get_by_role("tree", name="Spans").get_by_role("treeitem").first).to_be_visible()
    check("trace")
    page.get_by_role("treeitem").filter(has_text="planner.chat").first.click()
    expect(page.locator(".message").first).to_be_visible()
    for tab in page.get_by_role("tab").all():
        tab.click()
        check(f"tab {tab.inner_text()}")
    page.get_by_role("button", name="View").click()
    check("view")
    page.keyboard.press("Escape")
    page.get_by_role("tree", name="Spans").focus()
    page.keyboard.press("e")
    page.get_by_role("tab", name="Error").click()
    expect(page.locator(".error-line")).to_be_visible()
    check("error")
    page.keyboard.press("?")
    check("help")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("option").first).to_be_visible()
    check("palette")
    page.goto("/p/nothing%20here/traces")
    expect(page.get_by_text("Waiting for the first trace")).to_be_visible()
    check("empty")
    page.goto("/no/such/page")
    check("not found")
    page.goto("/p/seen/traces/00000000-0000-7000-8000-000000000000")
    expect(page.get_by_role("heading", name="There is no such trace")).to_be_visible()
    check("no trace")
    assert not faults, json.dumps(faults, indent=1)


def test_a_person_without_a_mouse_goes_from_the_list_into_a_span_and_back(page: Page, seen: Made) -> None:
    page.goto("/")
    expect(page.get_by_role("grid")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.keyboard.type("seen")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/p/seen/traces"))
    expect(page.get_by_role("grid")).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.type("name:research_agent.run tag:prod")
    page.keyboard.press("Enter")
    expect(page.locator(".list-row")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("research_agent.run")
    expect(page.get_by_role("tree", name="Spans")).to_be_focused()
    for key in ("j", "ArrowDown", "j"):
        page.keyboard.press(key)
    expect(page.get_by_label("Details").get_by_role("heading", level=2)).to_contain_text("planner.chat")
    page.keyboard.press("2")
    expect(page.get_by_role("tab", name="Input / output")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.get_by_role("grid")).to_be_visible()


BINDING = re.compile(r"""keys: "[^"]+",\s*label: ["`]([^"`]+)["`]""")


def bound(*files: str) -> set[str]:
    """The labels of the keys that these sources bind."""
    texts = [(UI / file).read_text().replace("${one}", "trace").replace("${of}", "traces") for file in files]
    return {label for text in texts for label in BINDING.findall(text)}


@pytest.mark.parametrize(
    ("path", "shown", "files"),
    [
        ("traces", ".list-row", ["pages/traces/useListKeys.ts", "ui/useBrush.ts"]),
        ("traces/{id}", ".tree-row", ["pages/trace/TraceView.tsx", "pages/trace/PaneFrame.tsx"]),
        ("dashboard", ".chart-area", ["pages/dashboard/DashboardPage.tsx", "ui/useBrush.ts"]),
        ("review", ".review-head", ["pages/review/Card.tsx"]),
    ],
)
def test_the_help_lists_every_key_that_is_bound(
    page: Page, seen: Made, path: str, shown: str, files: list[str]
) -> None:
    """30"""
    page.goto(f"/p/seen/{path.format(id=seen.id)}")
    expect(page.locator(shown).first).to_be_visible()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    wanted = bound("App.tsx", *files)
    assert len(wanted) > 4
    assert wanted <= {name.strip() for name in dialog.locator("dd").all_inner_texts()}


def test_a_theme_that_was_chosen_is_there_before_the_first_paint(page: Page, seen: Made) -> None:
    page.goto("/p/seen/traces")
    page.get_by_role("button", name="Theme: system").click()
    page.get_by_role("menuitem", name="Dark").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 18, 20)"
