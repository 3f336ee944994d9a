"""What the page must never do with the text it shows; what everybody must be able to use; what it may weigh."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import ROOT, strict_page
from .made import SECOND, Made, agent_run, post

UI = ROOT / "packages/server/src/trailmark_server/_ui"
AXE = ROOT / "packages/server/ui/node_modules/axe-core/axe.min.js"
NOW = int(time.time()) * SECOND
PROJECT = "hostile"
RUN = "window.__pwned=(window.__pwned||0)+1"
TEXTS = [
    f"<script>{RUN}</script>", f"<img src=x onerror='{RUN}'>", f"<svg onload='{RUN}'></svg>", f"<body onload={RUN}>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>", f"<details open ontoggle={RUN}>", "<style>*{display:none}</style>",
    f"<input autofocus onfocus={RUN}>", f"<video><source onerror='{RUN}'></video>", "<base href='https://elsewhere.example/'>",
    "<meta http-equiv=refresh content='0;url=https://elsewhere.example'>", "<link rel=stylesheet href='https://elsewhere.example/x.css'>",
    "<form action='https://elsewhere.example'><button>x</button></form>", f"<a href='javascript:{RUN}'>x</a>", "<object data='https://elsewhere.example'>",
    f"[click](javascript:{RUN})", f"[click](JaVaScRiPt:{RUN})", f"[click](data:text/html,<script>{RUN}</script>)", f"[click](vbscript:{RUN})",
    "![pixel](https://elsewhere.example/pixel.png)", "![svg](data:image/svg+xml;base64,PHN2Zy8+)", "[https://good.example](https://elsewhere.example)",
    f'![x](x" onerror="{RUN})', f'<https://elsewhere.example/"onmouseover="{RUN}>', "[x]: javascript:alert(1)\n\n[x]", f"`<img onerror={RUN}>`",
    f"```html\n<script>{RUN}</script>\n```", f"${{{RUN}}}", f"{{{{constructor.constructor('{RUN}')()}}}}", f"');{RUN};('", f'";{RUN};"', "</script><script>1",
    "\u202eevil\u202c", "\u2066a\u2069", "a\u200bb", "\u0000\u0001\u001b[31m", "\ufeffbom", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘", "نص عربي مع English", "👩‍👩‍👧‍👦" * 20,
    "__proto__", "constructor", "toString", "hasOwnProperty", "../../../etc/passwd", "%00", "%2e%2e%2f", "//elsewhere.example", "\\\\elsewhere\\share",
    "*a_ " * 2000, "[" * 2000, ">" * 2000 + " q", "(" * 2000, "`" * 2000, "|a" * 2000 + "\n" + "|-" * 2000, "- " * 1000 + "x", "&lt;script&gt;", "&#x6a;avascript:1",
    "x" * 1_000_000, "NaN", "' OR 1=1 --",
]  # fmt: skip


def test_the_pack_is_as_large_as_it_says() -> None:
    assert len(TEXTS) >= 60


@pytest.fixture(scope="module")
def hostile(server: str) -> list[Made]:
    """21: every text in every field a client can fill."""
    made = []
    for n, text in enumerate(TEXTS):
        short = text[:2000]
        one = Made(
            short, PROJECT, start_us=NOW - (n + 1) * SECOND, seed=n, input={"q": text, short: [text]}, output=text, tags=[short[:200]],
            user_id=short[:200], thread_id=short[:200], environment=short[:200], metadata={short: text, "__proto__": {"x": text}},
            scores=[{"name": short[:200], "label": short, "reason": short}], status="error",
            error={"type": short, "message": text, "traceback": f'  File "{short}"\n{short}'},
        )  # fmt: skip
        chat = {
            "messages": [
                {"role": "user", "content": text},
                {"role": short[:50], "content": [{"type": "image_url", "image_url": {"url": text}}]},
            ]
        }
        call = {"id": "1", "function": {"name": short, "arguments": json.dumps({short: short})}}
        answer = {
            "choices": [{"message": {"role": "assistant", "content": text, "tool_calls": [call], "refusal": short}}]
        }
        one.span(short, "llm", one.start_us + 5, 10, parent_id=one.root, model=short[:200], provider=short[:200], input=chat, output=answer,
                 metadata={short: text}, tags=[short[:200]], usage={"input": 3}, usage_raw={short: short})  # fmt: skip
        made.append(one)
    post(server, [record for one in made for record in one.records], size=4)
    return made


def test_hostile_text_in_the_list_stays_text(page: Page, hostile: list[Made]) -> None:
    columns = "time,name,io,models,scores,tags,user,thread,env,metadata.__proto__,score.__proto__"
    page.goto(f"/p/{PROJECT}/traces?cols={columns}")
    expect(page.get_by_role("grid").locator(".list-row").first).to_be_visible()
    for _ in range(3):
        page.keyboard.press("PageDown")
    page.get_by_role("button", name="Columns").click()
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Filter traces").fill("user:")
    expect(page.get_by_role("option").first).to_be_visible()
    assert page.evaluate("window.__pwned") is None
    assert page.evaluate("({}).x") is None


PARTS = 8


@pytest.mark.parametrize("part", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, PARTS))])
def test_hostile_text_in_every_pane_stays_text(page: Page, hostile: list[Made], part: int) -> None:
    for one in hostile[part::PARTS]:
        page.goto(f"/p/{PROJECT}/traces/{one.id}?span={one.records[1]['id']}")
        panel = page.get_by_role("tabpanel")
        expect(panel).to_be_visible()
        for tab in page.get_by_role("tab").all_inner_texts():
            page.get_by_role("tab", name=re.sub(r"\d+$", "", tab).strip()).click()
            expect(panel).not_to_be_empty()
        assert page.evaluate("window.__pwned") is None
        for link in panel.get_by_role("link").all():
            assert re.match(r"https?:|mailto:|/", link.get_attribute("href") or "/")
    assert page.locator("iframe, object, embed, style").count() == 0


def test_the_answers_forbid_what_the_page_does_not_need(page: Page, server: str, allowed: list[str]) -> None:
    allowed.append("requires 'TrustedHTML'")
    answer = page.request.get(f"{server}/")
    policy = answer.headers["content-security-policy"]
    for rule in (
        "default-src 'none'",
        "script-src 'self'",
        "require-trusted-types-for 'script'",
        "frame-ancestors 'none'",
    ):
        assert rule in policy
    assert "unsafe" not in policy
    page.goto("/")
    assert (
        page.evaluate(
            "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'taken' } catch (e) { return e.name } })()"
        )
        == "TypeError"
    )


def test_long_markdown_is_read_aside_by_the_only_worker_there_is(page: Page, server: str) -> None:
    made = Made("long", "aside", start_us=NOW, seed=1, output="# Head\n\n" + "text **bold** `code`\n\n" * 4000)
    post(server, made.records)
    page.goto(f"/p/aside/traces/{made.id}")
    page.get_by_role("button", name=re.compile(r"Render .* as Markdown")).click()
    expect(page.locator(".markdown h1")).to_have_text("Head")


def axe(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    found = page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
        ".then(r => r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + ' ' + n.failureSummary).join(' | ')))"
    )
    return list(found)


@pytest.fixture(scope="module")
def seen(server: str) -> Made:
    made = agent_run(
        "seen", 60, start_us=NOW - 100 * SECOND, seed=5, tags=["prod"], scores=[{"name": "q", "value": 0.2}]
    )
    running = Made("running", "seen", start_us=NOW - 5 * SECOND, seed=6, dur_us=None)
    post(server, made.records + running.records)
    return made


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, browser: Browser, server: str) -> Iterator[Page]:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in packages/server/ui")
    with strict_page(browser, server, ["404"], color_scheme=request.param, bypass_csp=False) as page:
        yield page


def test_every_state_of_every_page_is_accessible(themed: Page, seen: Made) -> None:
    """30: the list, its sheets and drawer, the trace, its tabs, dialogs, an empty and a missing page."""
    page = themed
    faults: dict[str, Any] = {}

    def check(what: str) -> None:
        if found := axe(page):
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
    page.keyboard.press("/")
    page.keyboard.type("name:research_agent.run")
    page.keyboard.press("Enter")
    expect(page.locator(".list-row")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("research_agent.run")
    for _ in range(3):
        page.keyboard.press("j")
    expect(page.get_by_label("Details").get_by_role("heading", level=2)).to_contain_text("planner.chat")
    page.keyboard.press("2")
    expect(page.get_by_role("tab", name="Input / output")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.get_by_role("grid")).to_be_visible()


def test_the_help_lists_every_key_that_is_bound(page: Page, seen: Made) -> None:
    """30"""
    page.goto("/p/seen/traces")
    expect(page.locator(".list-row").first).to_be_visible()
    page.keyboard.press("?")
    for what in (
        "Next trace",
        "Peek",
        "Filter by this cell",
        "Show new traces",
        "Live on, off",
        "Search or jump",
        "Go to a project",
    ):
        expect(page.get_by_role("dialog", name="Keys").get_by_text(what, exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    page.goto(f"/p/seen/traces/{seen.id}")
    expect(page.get_by_role("tree", name="Spans")).to_be_visible()
    page.keyboard.press("?")
    for what in (
        "Next error",
        "Zoom to this span",
        "Critical path",
        "As text, as rendered",
        "Copy link",
        "Older trace",
    ):
        expect(page.get_by_role("dialog", name="Keys").get_by_text(what, exact=True)).to_be_visible()


def test_a_theme_that_was_chosen_is_there_before_the_first_paint(page: Page, seen: Made) -> None:
    page.goto("/p/seen/traces")
    page.get_by_role("button", name="Theme: system").click()
    page.get_by_role("menuitem", name="Dark").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 18, 20)"


def test_the_page_weighs_no_more_than_it_may() -> None:
    """Initial script 120 KB, style 12 KB, any later chunk 60 KB (gzip); everything 1.5 MB."""

    def zipped(file: Path) -> int:
        return len(gzip.compress(file.read_bytes()))

    named = {Path(path).name for path in re.findall(r'(?:src|href)="([^"]+)"', (UI / "index.html").read_text())}
    scripts = [file for file in UI.rglob("*.js") if file.name in named]
    styles = [file for file in UI.rglob("*.css") if file.name in named]
    assert 0 < sum(map(zipped, scripts)) <= 120_000
    assert 0 < sum(map(zipped, styles)) <= 12_000
    later = [file for file in UI.rglob("*.js") if file not in scripts]
    assert max(map(zipped, later)) <= 60_000
    assert sum(file.stat().st_size for file in UI.rglob("*") if file.is_file()) <= 1_500_000
