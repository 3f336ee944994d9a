"""The filter language of page, CLI and `search_traces`: a text becomes a tree of conditions. Knows no SQL.

    status:error duration>2s model:claude* -tag:test "refund"
    any(kind:tool name:web_search duration>5s)
    score.faithfulness<0.7 cost>0.01 start>-24h metadata.tier:(pro,team)

Terms side by side mean AND; `OR`, `NOT`, `-` and parentheses combine them; `any(…)`: one single span satisfies all
of it. Operators: `:` equals (`*` is any text), `=`, `!=`, `>`, `>=`, `<`, `<=`, `~` contains; `a..b` is a range,
`(a,b)` a choice, `field:*` means the field is there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

__all__ = [
    "FIELDS",
    "SAME",
    "AllOf",
    "AnyOf",
    "Condition",
    "Node",
    "Not",
    "OneSpan",
    "Operator",
    "QueryError",
    "Text",
    "Value",
    "parse",
]

Operator = Literal["=", "!=", ">", ">=", "<", "<=", "~", "in", "range", "exists"]
Value = str | float

FIELDS: Final[dict[str, str]] = {
    "name": "text", "status": "text", "kind": "text", "model": "text", "provider": "text", "user": "text",
    "thread": "text", "tag": "text", "version": "text", "env": "text", "id": "text", "trace": "text",
    "error.type": "text", "duration": "time", "ttft": "time", "tokens": "number", "tokens.in": "number",
    "tokens.out": "number", "cost": "number", "spans": "number", "error": "number", "start": "moment", "has": "text",
}  # fmt: skip
SAME: Final = {"type": "kind", "session": "thread", "environment": "env", "user_id": "user", "thread_id": "thread"}
_OPEN: Final = ("score", "scored", "metadata", "attr")
_HAS: Final = ("error", "image", "audio", "feedback")
_UNITS: Final = {
    "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0,
    "k": 1e3, "M": 1e6, "B": 1.0, "KB": 1e3, "MB": 1e6, "%": 0.01,
}  # fmt: skip
_NUMBER: Final = re.compile(r"(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(us|ms|s|m|h|d|k|M|B|KB|MB|%)?\Z")
_TOKEN: Final = re.compile(
    r'\s*(?:(?P<open>any\(|\()|(?P<close>\))|(?P<not>-(?=[("\w])|NOT(?=[\s(]))|(?P<or>OR(?=[\s(]))|(?P<and>AND(?=[\s(]))'
    r'|(?P<field>[A-Za-z_]\w*(?:\.(?:[\w\-]+|"(?:[^"\\]|\\.)+"))*)(?P<op>!=|>=|<=|[:=<>~])|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<word>[^\s()]+|"))'
)
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)+)"')
_SCALAR: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s(),"]+)')
_MAX_LENGTH: Final = 4000
_MAX_DEPTH: Final = 50


class QueryError(ValueError):
    """What is wrong, where (`start`, `end`: positions in the text), and what is allowed there."""

    def __init__(self, message: str, start: int, end: int, expected: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message, self.start, self.end, self.expected = message, start, end, expected


@dataclass(frozen=True, slots=True)
class Text:
    """The words stand somewhere in name, input, output or error."""

    text: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A field compared with values; `key` is what follows `score.`, `scored.`, `metadata.` or `attr.`."""

    field: str
    key: str
    op: Operator
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Not:
    node: Node


@dataclass(frozen=True, slots=True)
class AllOf:
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class OneSpan:
    """One single span satisfies the whole condition."""

    node: Node


Node = Text | Condition | Not | AllOf | AnyOf | OneSpan


def parse(text: str, now: datetime | None = None) -> Node:
    """The tree of a query; the empty one holds for everything. QueryError with the place for what is not allowed."""
    if len(text) > _MAX_LENGTH:
        raise QueryError(f"a query has at most {_MAX_LENGTH} characters, this has {len(text)}", _MAX_LENGTH, len(text))
    parser = _Parser(text, now or datetime.now(UTC))
    node = parser.any_of(0)
    if parser.at < len(text) and (found := parser.peek()) is not None:
        raise QueryError('")" without "("', found.start(), found.end(), ("a term",))
    return node


class _Parser:
    def __init__(self, text: str, now: datetime) -> None:
        self.text, self.at, self._now = text, 0, now

    def peek(self) -> re.Match[str] | None:
        return _TOKEN.match(self.text, self.at)

    def any_of(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise QueryError(f"at most {_MAX_DEPTH} parentheses inside each other", self.at, self.at + 1)
        found = [self._all_of(depth)]
        while (token := self.peek()) is not None and token["or"]:
            self.at = token.end()
            found.append(self._all_of(depth))
        return found[0] if len(found) == 1 else AnyOf(tuple(found))

    def _all_of(self, depth: int) -> Node:
        found: list[Node] = []
        while (token := self.peek()) is not None and not token["close"] and not token["or"]:
            if token["and"]:
                self.at = token.end()
            else:
                found.append(self._term(token, depth))
        return found[0] if len(found) == 1 else AllOf(tuple(found))

    def _term(self, token: re.Match[str], depth: int) -> Node:
        self.at = token.end()
        if token["not"]:
            after = self.peek()
            if after is None or after["close"]:
                raise QueryError("nothing to negate", token.start(), token.end(), ("a term",))
            return Not(self._term(after, depth + 1))
        if token["open"]:
            node = self.any_of(depth + 1)
            end = self.peek()
            if end is None or not end["close"]:
                raise QueryError('")" is missing', token.start("open"), len(self.text), (")",))
            self.at = end.end()
            return OneSpan(node) if token["open"] == "any(" else node
        if token["field"]:
            return self._filter(token)
        if token["quoted"]:
            return Text(_unquoted(token["quoted"][1:-1]))
        return Text(token["word"])

    def _filter(self, token: re.Match[str]) -> Node:
        field, key = _field(token["field"])
        if not field:
            if token["op"] == ":" or token["op"] == "~":  # a link, a time: odd text is text
                rest = _SCALAR.match(self.text, self.at)
                self.at = rest.end() if rest else self.at
                return Text(self.text[token.start("field") : self.at])
            expected = (*FIELDS, *(f"{name}.NAME" for name in _OPEN))
            raise QueryError(f"unknown field {token['field']}", token.start("field"), token.end("field"), expected)
        op: Operator = "=" if token["op"] == ":" else token["op"]  # type: ignore[assignment]
        if self.text.startswith("(", self.at):
            return self._choice(field, key, op)
        scalar = _SCALAR.match(self.text, self.at)
        if scalar is None:
            raise QueryError(f"{token['field']}{token['op']} has no value", self.at, self.at + 1, ("a value", "*"))
        self.at = scalar.end()
        if scalar[2] == "*" and op == "=":
            return Condition(field, key, "exists", ())
        if scalar[2] and ".." in scalar[2] and op == "=":
            low, _, high = scalar[2].partition("..")
            return Condition(field, key, "range", (self._value(field, low, scalar), self._value(field, high, scalar)))
        value = scalar[2] if scalar[2] is not None else _unquoted(scalar[1])
        return Condition(field, key, op, (self._value(field, value, scalar, is_quoted=scalar[2] is None),))

    def _choice(self, field: str, key: str, op: Operator) -> Node:
        start, self.at = self.at, self.at + 1
        values: list[Value] = []
        while scalar := _SCALAR.match(self.text, self.at):
            text = scalar[2] if scalar[2] is not None else _unquoted(scalar[1])
            values.append(self._value(field, text, scalar, is_quoted=scalar[2] is None))
            self.at = scalar.end()
            if not self.text.startswith(",", self.at):
                break
            self.at += 1
        if not values or not self.text.startswith(")", self.at):
            raise QueryError("a choice is (a,b)", start, self.at + 1, (",", ")"))
        self.at += 1
        if op not in ("=", "!="):
            raise QueryError(f"{op} takes one value, not a choice", start, self.at, (":", "="))
        chosen = Condition(field, key, "in", tuple(values))
        return Not(chosen) if op == "!=" else chosen

    def _value(self, field: str, text: str, place: re.Match[str], *, is_quoted: bool = False) -> Value:
        kind = "text" if field == "scored" else FIELDS.get(field, "open")
        if field == "has" and text not in _HAS:
            raise QueryError(f"has:{text} is not known", place.start(), place.end(), _HAS)
        if kind == "text" or is_quoted:
            return text
        number = _NUMBER.match(text)
        if kind == "moment":
            return self._moment(text, number, place)
        if number is None:
            if kind == "open":
                return {"true": 1.0, "false": 0.0}.get(text, text)
            if kind == "number" and field == "error" and text in ("true", "false"):
                return float(text == "true")
            raise QueryError(
                f"{field} takes a number, not {text}", place.start(), place.end(), ("a number", "2s", "10k")
            )
        return float(number[1]) * _UNITS.get(number[2] or "", 1.0)

    def _moment(self, text: str, number: re.Match[str] | None, place: re.Match[str]) -> float:
        if number is not None and number[2] in ("s", "m", "h", "d"):
            return self._now.timestamp() + float(number[1]) * _UNITS[number[2]]
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            expected = ("-24h", "-7d", "2026-01-31", "2026-01-31T12:00")
            raise QueryError(f"{text} is no time", place.start(), place.end(), expected) from None
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _field(name: str) -> tuple[str, str]:
    """`(field, key)`; an empty field when there is none of that name."""
    name = SAME.get(name, name)
    if name in FIELDS:
        return name, ""
    head, _, key = name.partition(".")
    return (head, _QUOTED.sub(lambda part: _unquoted(part[1]), key)) if head in _OPEN and key else ("", "")


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
