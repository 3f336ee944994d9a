"""What the page must never do with the text it shows, and what it may weigh."""

from __future__ import annotations

import gzip
import json
import re
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from .conftest import ROOT
from .made import SECOND, Made, post

UI = ROOT / "packages/server/src/trailmark_server/_ui"
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


def test_hostile_text_in_every_other_view_stays_text(page: Page, hostile: list[Made], server: str) -> None:
    """Lists of all of them; a thread, a comparison and a queue of some; names people give to views, scores and projects."""
    named = [text[:60] for text in TEXTS[:20]]
    for text in named:
        page.request.post(
            f"{server}/api/v1/views", data={"project": PROJECT, "name": text, "page": "traces", "params": {"q": text}}
        )
    page.request.put(
        f"{server}/api/v1/projects/{PROJECT}/score-defs", data=[{"name": text, "type": "boolean"} for text in named]
    )
    threads = [quote(one.records[0]["trace"]["thread_id"], safe="") for one in hostile[:24:4]]
    for path in (
        "threads", *(f"threads/{id}" for id in threads), "spans", "dashboard?t=24h&by=name", "dashboard?t=24h&by=tag", "review",
        f"compare?a={hostile[0].id}&b={hostile[1].id}", "settings?tab=views", "settings?tab=scores", "settings?tab=projects",
    ):  # fmt: skip
        page.goto(f"/p/{PROJECT}/{path}")
        expect(page.locator("main .loading")).to_have_count(0)
        expect(page.get_by_role("main")).not_to_be_empty()
        page.keyboard.press("PageDown")
        page.keyboard.press("j")
        assert page.evaluate("window.__pwned") is None, path
        assert page.locator("iframe, object, embed, style, main form[action], main base, main meta").count() == 0, path
        for link in page.get_by_role("main").get_by_role("link").all():
            assert re.match(r"https?:|mailto:|/", link.get_attribute("href") or "/"), path
    page.keyboard.press("g")
    page.keyboard.press("p")
    expect(page.get_by_role("option").first).to_be_visible()
    assert page.evaluate("window.__pwned") is None


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
