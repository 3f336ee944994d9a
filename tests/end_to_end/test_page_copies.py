"""What the page copies is run: calls of models as Python and curl, traces as JSON, Python and curl."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from .conftest import ROOT, clean_environment, pasted, strict_page
from .made import SECOND, Made, post

sys.path.insert(0, str(ROOT / "packages" / "openai" / "tests"))

from fake_openai import FakeOpenAI, chat

NOW = int(time.time()) * SECOND


def test_what_is_copied_of_a_call_and_of_a_trace_runs_as_it_stands(
    browser: Browser, server: str, tmp_path: Path
) -> None:
    asked = {
        "messages": [{"role": "user", "content": "It's \"quoted\"; $HOME `x`\n\u2028 ünï"}], "temperature": 0.2, "stop": None,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "strict": True}}}],
    }  # fmt: skip
    made = Made("copied", "copies", start_us=NOW, seed=1)
    made.span("ask", "llm", NOW, 500, parent_id=made.root, model="gpt-5.2", provider="openai", input=asked, output="x")
    post(server, made.records)
    with FakeOpenAI() as fake, strict_page(browser, server, []) as page:
        for _ in range(2):
            fake.answer(chat("hello"))
        page.goto(f"/p/copies/traces/{made.id}?span={made.records[1]['id']}")
        env = {**clean_environment(tmp_path), "OPENAI_BASE_URL": fake.url, "OPENAI_API_KEY": "sk-test"}
        python = copied(page, "Span actions", "Copy as Python")
        subprocess.run([sys.executable, "-c", python], env=env, check=True, capture_output=True)
        curl = copied(page, "Span actions", "Copy as curl")
        subprocess.run(["bash", "-ec", curl.replace("https://api.openai.com/v1", fake.url)], env=env, check=True)
        assert [(path, body) for path, _, body in fake.requests] == [
            ("/v1/chat/completions", {"model": "gpt-5.2", **asked}),
        ] * 2  # fmt: skip
        assert json.loads(copied(page, "Span actions", "Copy as JSON"))["input"] == asked

        told = subprocess.run(copied(page, "Actions", "Copy as curl"), shell=True, check=True, capture_output=True)
        assert json.loads(told.stdout)["trace"]["id"] == made.id
        assert json.loads(copied(page, "Actions", "Copy as JSON"))["trace"]["id"] == made.id
        program = copied(page, "Actions", "Copy as Python") + "print(trace)\n"
        told = subprocess.run([sys.executable, "-c", program], env=env, check=True, capture_output=True)
        assert made.id in told.stdout.decode()


def copied(page: Page, menu: str, item: str) -> str:
    page.get_by_role("button", name=menu, exact=True).click()
    page.get_by_role("menuitem", name=item).click()
    expect(page.locator(".toast")).to_have_text(re.compile("copied"))
    text = pasted(page)
    page.get_by_role("button", name="Dismiss").first.click()
    expect(page.locator(".toast")).to_have_count(0)
    return text
