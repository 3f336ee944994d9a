"""The tour, from the program to the page."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

TRACES = ["openai.chat", "my_llm_application", "my_short_running_task", "private", "add_up", "stream_answer", "divide"]


def open_trace(page: Page, name: str) -> None:
    page.goto("/p/Default%20Project/traces")
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)


def test_the_list_shows_every_trace_of_the_tour(page: Page, toured: str) -> None:
    page.goto("/p/Default%20Project/traces")
    for name in TRACES:
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="my_llm_application")).to_contain_text("translation_quality 0.95")
    for project, name in (("my_project", "other_project"), ("Client demo", "my_trace")):
        page.keyboard.press("g")
        page.keyboard.press("p")
        page.get_by_role("combobox", name="Project").fill(project)
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()


def test_a_trace_shows_its_tree_tokens_cost_scores_and_tags(page: Page, toured: str) -> None:
    open_trace(page, "my_llm_application")
    tree = page.get_by_role("tree", name="Spans")
    for name in ("my_llm_application", "llm_chain", "retrieve_context", "generate_response", "openai.chat"):
        expect(tree.get_by_role("treeitem").filter(has_text=name).first).to_be_visible()
    expect(page.get_by_text("llm_chatbot").first).to_be_visible()
    page.get_by_role("tab", name="Scores").click()
    table = page.get_by_role("table")
    for text in ("translation_quality", "0.95", "sentiment", "verdict", "good", "cited"):
        expect(table).to_contain_text(text)
    tree.get_by_role("treeitem").filter(has_text="openai.chat").click()
    page.get_by_role("tab", name="Input / output").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("You said:")
    details = page.get_by_label("Details")
    expect(details).to_contain_text("gpt-4o-mini")
    expect(details.locator("dl")).to_contain_text("$0.0000")
    page.get_by_role("tab", name="Usage").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("Together")
    expect(page).to_have_url(re.compile(r"(?=.*span=)(?=.*tab=usage)"))


def test_an_error_shows_type_message_and_traceback(page: Page, toured: str) -> None:
    open_trace(page, "divide")
    expect(page.get_by_text("ZeroDivisionError").first).to_be_visible()
    page.get_by_role("treeitem").nth(1).click()
    page.get_by_role("tab", name="Error").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("division by zero")
    expect(page.get_by_role("tabpanel")).to_contain_text("return a / b")


def test_the_tree_is_walked_with_the_keyboard(page: Page, toured: str) -> None:
    open_trace(page, "my_llm_application")
    tree = page.get_by_role("tree", name="Spans")
    tree.focus()
    page.keyboard.press("End")
    expect(page.get_by_label("Details").get_by_role("heading", level=2)).to_contain_text("openai.chat")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(tree.get_by_role("treeitem")).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(tree.get_by_role("treeitem")).to_have_count(5)


def test_a_search_narrows_the_list_and_the_address_holds_it(page: Page, toured: str) -> None:
    page.goto("/p/Default%20Project/traces")
    page.get_by_role("combobox", name="Filter traces").fill("status:error")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="divide", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="private", exact=True)).to_have_count(0)
    page.reload()
    expect(page.get_by_role("combobox", name="Filter traces")).to_have_value("status:error")
    expect(page.get_by_role("link", name="divide", exact=True)).to_be_visible()


def test_a_link_to_a_trace_leads_to_it(page: Page, toured: str) -> None:
    open_trace(page, "divide")
    id = page.url.split("/traces/")[1].partition("?")[0]
    page.goto(f"/t/{id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("divide")


def test_hostile_text_stays_text(page: Page, toured: str, home: Path) -> None:
    import subprocess
    import sys

    from .conftest import clean_environment

    program = """
import trailmark
bad = "<img src=x onerror=alert(1)><script>alert(2)</script>\\u202e"
with trailmark.trace(bad, input={bad: bad}, tags=[bad], metadata={"__proto__": bad}) as t:
    t.score(bad, label=bad, reason=bad)
    t.update(output=bad)
"""
    subprocess.run([sys.executable, "-c", program], env=clean_environment(home), check=True, capture_output=True)
    page.goto("/p/Default%20Project/traces")
    page.get_by_role("link", name="<img src=x").first.click()
    page.get_by_role("tab", name="Scores").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("<script>")
    page.get_by_role("treeitem").nth(1).click()
    for tab in ("Input / output", "Metadata", "Raw"):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tabpanel")).to_contain_text("<script>")
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_drawn_in_both_schemes(page: Page, toured: str, scheme: str, tmp_path: Path) -> None:
    """With TRAILMARK_SCREENSHOTS set, the pictures stay there to be looked at."""
    folder = Path(os.environ.get("TRAILMARK_SCREENSHOTS") or tmp_path)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto("/p/Default%20Project/traces")
    expect(page.get_by_role("link", name="divide", exact=True)).to_be_visible()
    page.screenshot(path=folder / f"list-{scheme}.png")
    open_trace(page, "my_llm_application")
    page.get_by_role("treeitem").filter(has_text="openai.chat").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("You said:")
    page.screenshot(path=folder / f"trace-{scheme}.png")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(16, 18, 20)")
