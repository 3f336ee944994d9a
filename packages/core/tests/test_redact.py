"""Secrets do not reach the disk; what only looks a little like one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trailmark
from hypothesis import given
from hypothesis import strategies as st
from trailmark import spool
from trailmark._redact import MASK, Redactor, findings
from trailmark.testing import record_trail


def raw(home: Path) -> bytes:
    return b"".join(record for segment in spool.segments(home) for record in spool.read(segment, 1 << 40).records)


@trailmark.track
def call(**fields: Any) -> Any:
    return fields.get("answer")


@pytest.mark.parametrize(
    "key",
    [
        "api_key", "apikey", "apiKey", "API_KEY", "x-api-key", "OPENAI_API_KEY", "password", "dbPassword", "passwd", "secret",
        "client_secret", "Authorization", "proxy-authorization", "access_token", "refreshToken", "auth_token", "token",
        "Cookie", "set-cookie", "private_key", "aws_secret_access_key", "credentials", "passphrase",
    ],
)  # fmt: skip
def test_values_under_secret_keys_are_masked_at_any_depth(home: Path, key: str) -> None:
    call(config={"headers": [{key: "very-hidden-value-1"}]}, **{key.replace("-", "_"): "very-hidden-value-2"})
    assert b"very-hidden" not in raw(home)
    assert raw(home).count(b"[redacted]") >= 2


@pytest.mark.parametrize(
    "key",
    [
        "max_tokens",
        "tokens",
        "prompt_tokens",
        "tokenizer",
        "monkey",
        "keyboard",
        "author",
        "key",
        "primary_key",
        "secretary",
        "passport",
    ],
)
def test_harmless_keys_stay(home: Path, key: str) -> None:
    call(config={key: "visible"})
    assert raw(home).count(b"visible") == 2


def test_numbers_and_a_models_token_under_such_keys_stay(home: Path) -> None:
    call(config={"token": "hello", "access_token": 17, "password": None, "secret": True})
    assert b'"token":"hello","access_token":17,"password":null,"secret":true' in raw(home)


SHAPES = {
    "OpenAI": "sk-" + "proj-aB3dE5fG7hI9jK1lM3nO5",
    "Stripe": "sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc",
    "GitHub": "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "GitHub fine": "github_pat_" + "11ABCDEFG0abcdefghijklmnopqrstuvwxyz",
    "GitLab": "glpat-" + "ABCDEFGHIJKLMNOPQRST",
    "Slack": "xoxb-" + "123456789012-abcdefghijkl",
    "AWS": "AKIA" + "IOSFODNN7EXAMPLE",
    "Google": "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "Hugging Face": "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH",
    "JWT": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "bearer": "Bearer " + "abcdef0123456789abcdef",
    "PEM": "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    "URL": "postgres://admin:hunter2hunter2@db:5432/x",
}


@pytest.mark.parametrize("name", SHAPES)
def test_secrets_by_shape_are_masked_wherever_they_stand(home: Path, name: str) -> None:
    secret = SHAPES[name]
    hidden = "admin:hunter2hunter2" if name == "URL" else secret
    call(text=f"use {secret} please", answer=[f"ok: {secret}"])
    with trailmark.trace(f"named {secret}", metadata={"note": secret}, tags=[secret]) as trace:
        trace.score("good", 1, reason=f"because {secret}")
        trailmark.update_current_trace(user_id=secret)
    with pytest.raises(ValueError, match="leak"):
        fail(secret)
    written = json.dumps(raw(home).decode())
    assert json.dumps(hidden)[1:-1] not in raw(home).decode()
    assert json.dumps(json.dumps(hidden)[1:-1])[1:-1] not in written
    assert b"please" in raw(home)


PIECES = [
    "sk-", "ghp_", "gho_", "hf_", "github_pat_", "glpat-", "xoxb-", "AKIA", "ASIA", "AIza", "eyJ", "Bearer ", "Bearer\n", "_live_",
    "sk_test_", "-----BEGIN ", "PRIVATE KEY-----", "RSA ", "://", "a:b", "@", ".", "-", "_", " ", '"', "\\", "é", "\u2028", "0" * 16,
    "aB3" * 12, "A1" * 9,
]  # fmt: skip
pieces = st.lists(st.sampled_from(PIECES), max_size=7).map("".join)
keys = pieces | st.sampled_from(["api_key", "token", "text", "dbPassword", "max_tokens", "\u212aey", "role"])
values = st.recursive(
    pieces | st.floats() | st.none() | st.uuids() | pieces.map(lambda text: "plain words " * 60 + text),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=8,
)


@given(st.lists(values, min_size=1, max_size=3))
def test_the_quick_look_misses_nothing_that_a_thorough_one_masks(found: list[Any]) -> None:
    """A function of the user's makes every value go the long way."""
    with record_trail() as quick:
        for value in (*found, *found, found, found[::-1]):  # what was looked at before is known
            call(answer=value)
    with record_trail(redact=lambda value: value) as thorough:
        for value in (*found, *found, found, found[::-1]):
            call(answer=value)
    assert quick.spans == thorough.spans


@given(
    st.lists(pieces | st.sampled_from(["words ", "J" * 20, "B@" * 20]), max_size=9).map("".join),
    st.sampled_from(["", "plain words " * 200, "слова-A_言葉😀 " * 200]),
)
def test_what_has_the_shape_of_a_secret_is_never_recorded_as_it_is(text: str, before: str) -> None:
    """The command looks for shapes alone, the recorder for their rare letters first."""
    text = before + text
    with record_trail() as trail:
        call(answer=text)

    assert not findings(text, Redactor()) or trail.span("call")["output"] != text


@pytest.mark.parametrize("words", ["plain words ", "слова, ", "言葉", "😀 ñ ", "AA__--A_-", '"\\\n'])
@pytest.mark.parametrize("name", SHAPES)
def test_a_secret_is_found_at_every_place_of_a_long_text_in_any_script(name: str, words: str) -> None:
    around, redactor = words * 600, Redactor()
    hidden = json.dumps("hunter2hunter2" if name == "URL" else SHAPES[name])[1:-1].encode()
    for at in range(24):
        text = f"{around[at:]}{SHAPES[name]} {around}"
        assert hidden not in redactor(json.dumps(text, ensure_ascii=False).encode())


def test_a_chat_that_grows_is_looked_through_where_it_is_new_and_where_it_was_not_clean() -> None:
    token, turn = SHAPES["JWT"], "plain words " * 200
    with record_trail() as trail:
        for first in (turn, f"{turn} {token}"):
            for _ in range(3):
                call(answer=[first])
                call(answer=[first, f"{token} {turn}"])
                call(answer=[first, turn.upper(), f"{turn} {token} again"])

    assert token not in json.dumps(trail.spans)
    assert sum(json.dumps(span).count(MASK) for span in trail.spans) == 2 * (6 + 15)  # as input and as output


def test_a_token_is_masked_wherever_in_a_run_of_letters_it_begins() -> None:
    token = SHAPES["JWT"]
    with record_trail() as trail:
        call(answer=[f"id-{token}", f"eyJshort-{token}.", f"a.{token}", f"eyJ{'a' * 20}-eyJ{'b' * 20} {token}"])

    assert token not in json.dumps(trail.span("call")["output"])
    assert trail.span("call")["output"][3].startswith("eyJaaa")


def test_no_text_costs_the_square_of_its_length(home: Path) -> None:
    """That would be minutes of CPU for one of these: the limit is for a loop that does not end, not a budget."""
    program = """
import resource, trailmark
resource.setrlimit(resource.RLIMIT_CPU, (15, 15))
@trailmark.track
def call(text): pass
for piece in ("-eyJaaaaaaaaaaaa", "sk-", "Bearer ", "-----BEGIN ", "://a:", "a:b@", "@", "_live_"):
    for start in ("", "eyJ"):
        call(start + piece * (500_000 // len(piece)))
print(trailmark.stats()["recorded"])
"""
    env = {**os.environ, "TRAILMARK_HOME": str(home), "TRAILMARK_QUIET": "true"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)

    assert done.stdout == "32\n", done


@trailmark.track
def fail(secret: str) -> None:
    raise ValueError(f"leak: {secret}")


def test_text_that_only_looks_a_little_like_a_secret_stays(home: Path) -> None:
    text = "ask-me about sk-learn, eyJ, Bearer of news, AKIA, a-b_c, me@example.com, http://x/y@z, ghp_, xox-"
    call(text=text)
    assert raw(home).count(text.encode()) == 2


def test_it_can_be_turned_off_and_keys_can_be_allowed(home: Path) -> None:
    trailmark.configure(redact=False)
    call(password="open-1")
    trailmark.configure(redact=True, redact_allow=["session-token"])
    call(session_token="open-2", password="closed-3")
    trailmark.configure(redact=None, redact_allow=None)
    assert b"open-1" in raw(home)
    assert b"open-2" in raw(home)
    assert b"closed-3" not in raw(home)


def test_own_functions_see_plain_json_after_the_patterns() -> None:
    seen: list[Any] = []

    def shout(value: Any) -> Any:
        seen.append(value)
        return json.loads(json.dumps(value).replace("Ada", "NAME"))

    with record_trail(redact=shout) as trail:
        call(who={"name": "Ada", "password": "x"}, answer="hello Ada")
    span = trail.span("call")
    assert span["input"] == {"who": {"name": "NAME", "password": "[redacted]"}, "answer": "hello NAME"}
    assert span["output"] == "hello NAME"
    assert {"who": {"name": "Ada", "password": "[redacted]"}, "answer": "hello Ada"} in seen


def test_a_function_that_fails_lets_nothing_through(home: Path) -> None:
    def broken(value: Any) -> Any:
        raise RuntimeError("no")

    trailmark.configure(redact=broken)
    assert call(text="hidden", answer="hidden too") == "hidden too"
    trailmark.configure(redact=None)
    assert b"hidden" not in raw(home)
    assert b"the redactor failed" in raw(home)


def test_a_wrong_setting_names_what_is_allowed() -> None:
    with pytest.raises(trailmark.errors.SettingsError, match=r"redact is 7.*on or off, a function"):
        trailmark.configure(redact=7)


def test_the_command_shows_what_would_be_masked(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text(json.dumps({"a": [{"api_key": "k"}, "sk-" + "a" * 30], "b": "fine"}))
    command = [sys.executable, "-m", "trailmark", "redact", "--check", str(tmp_path / "in.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["$.a[0].api_key: the key", "$.a[1]: the shape of a secret (sk-a…)"]
    assert done.returncode == 1
    (tmp_path / "in.json").write_text("plain text with nothing")
    assert subprocess.run(command, capture_output=True, text=True, check=False).returncode == 0


def test_a_function_that_is_traced_or_updates_spans_ends_and_is_not_recorded_itself() -> None:
    @trailmark.track
    def looked_at(value: Any) -> Any:
        return value

    def own(value: Any) -> Any:
        trailmark.update_current_span(metadata={"seen": True})
        with trailmark.span("inside"):
            return looked_at(value)

    with record_trail(redact=own) as trail:
        assert trailmark.track(lambda value: value, name="call")(["a value"]) == ["a value"]

    assert trail.tree() == "call (general) ok"
    assert trail.span("call")["output"] == ["a value"]
