"""To an Opik server (self-hosted or Comet): full records in the two batch routes, scores in theirs.

PATCH only for edits by id of what another process recorded, never for an end.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from trailmark.errors import ExportError
from trailmark.exporters._http import post, put_elsewhere

if TYPE_CHECKING:
    import httpx2

__all__ = ["OpikExporter"]

_TYPES = {"llm": "llm", "tool": "tool", "guardrail": "guardrail"}
_OWN_TYPES = frozenset((*_TYPES, "general"))
_JSON = {"Content-Type": "application/json"}
_AT_ONCE, _MOST_ITEMS = 50, 1000  # encoded, and in a request


class OpikExporter:
    """POSTs `traces/batch` and `spans/batch`, PUTs `feedback-scores`."""

    def __init__(self, client: httpx2.Client, base: str) -> None:
        self._client = client
        self.link = base + "/v1/session/redirect/projects/?trace_id={trace_id}"
        self._root = base
        self._base = f"{base}/v1/private"

    def export(self, batch: Sequence[bytes]) -> None:
        told = _Told()
        apart: dict[int, dict[str, Any]] = {}  # what goes by routes of its own, by its place in the batch
        for index, encoded in enumerate(batch):
            record = orjson.loads(encoded)
            if record["k"] in ("patch", "file"):
                apart[index] = record
            else:
                told.add(record)
        for method, route, key, items in (
            ("POST", "traces/batch", b"traces", told.traces),
            ("POST", "spans/batch", b"spans", told.spans),
            ("PUT", "traces/feedback-scores", b"scores", told.trace_scores),
            ("PUT", "spans/feedback-scores", b"scores", told.span_scores),
        ):
            for body in items.bodies(key):
                post(self._client, f"{self._base}/{route}", body, _JSON, method=method)
        self._edit({index: record for index, record in apart.items() if record["k"] == "patch"})
        for record in apart.values():
            if record["k"] == "file":
                self._upload(record)

    def _upload(self, record: dict[str, Any]) -> None:
        kind = "span" if record.get("span_id") else "trace"
        start = {
            "file_name": record["name"],
            "num_of_file_parts": 1,
            "mime_type": record["content_type"],
            "project_name": record["project"],
            "entity_type": kind,
            "entity_id": _v7(record[f"{kind}_id"], record["ts_us"]),
            "path": base64.b64encode(self._root.encode()).decode(),
        }
        data = base64.b64decode(record["data"])
        url = f"{self._base}/attachment/upload-start"
        answer = post(self._client, url, orjson.dumps(start), _JSON)
        try:
            told = orjson.loads(answer.body)
            upload_id, [target] = told["upload_id"], told["pre_sign_urls"]
        except (ValueError, KeyError, TypeError) as error:
            raise ExportError(f"{url}: an answer that is none: {answer.body[:100]!r}", retryable=True) from error
        if urlsplit(target).netloc == urlsplit(self._root).netloc:  # the key is for that host alone
            post(self._client, target, data, {}, method="PUT", compressed=False)
            return
        tag = put_elsewhere(target, data)
        if upload_id == "BEMinIO":  # its server looks for itself
            return
        parts = [{"e_tag": tag, "part_number": 1}]
        done = {**start, "file_size": len(data), "upload_id": upload_id, "uploaded_file_parts": parts}
        post(self._client, f"{self._base}/attachment/upload-complete", orjson.dumps(done), _JSON)

    def _edit(self, patches: dict[int, dict[str, Any]]) -> None:
        refused = []
        for index, record in patches.items():
            kind, id = ("spans", record["span_id"]) if record.get("span_id") else ("traces", record["trace_id"])
            if not record.get("trace_id"):
                refused.append(index)
                continue
            post(self._client, f"{self._base}/{kind}/{id}", orjson.dumps(_changes(record)), _JSON, method="PATCH")
        if refused:
            raise ExportError("Opik edits a span only with its trace_id", retryable=False, refused=tuple(refused))

    def close(self) -> None:
        self._client.close()


class _Items:
    """Of one route, as JSON: the dicts of a whole batch would set off the garbage collector."""

    def __init__(self) -> None:
        self._new: list[dict[str, Any]] = []
        self._encoded: list[bytes] = []

    def add(self, item: dict[str, Any]) -> None:
        self._new.append(item)
        if len(self._new) == _AT_ONCE:
            self._encode()

    def bodies(self, key: bytes) -> Iterator[bytes]:
        """A thousand items in each."""
        if self._new:
            self._encode()
        for start in range(0, len(self._encoded), _MOST_ITEMS // _AT_ONCE):
            yield b'{"%b":[%b]}' % (key, b",".join(self._encoded[start : start + _MOST_ITEMS // _AT_ONCE]))

    def _encode(self) -> None:
        self._encoded.append(orjson.dumps(self._new)[1:-1])
        self._new.clear()


class _Told:
    """What a batch says, by Opik's routes."""

    def __init__(self) -> None:
        self.traces, self.spans, self.trace_scores, self.span_scores = _Items(), _Items(), _Items(), _Items()

    def add(self, record: dict[str, Any]) -> None:
        """A span, a trace or a score."""
        kind = record["k"]
        if kind == "span":
            common = _common(record)
            self.spans.add(_span(record, common))
            _add_scores(self.span_scores, record.get("scores"), record["id"], record)
            if "trace" in record:
                self.traces.add(_trace_of_root(record, common))
                _add_scores(self.trace_scores, record["trace"].get("scores"), record["trace_id"], record)
        elif kind == "trace":
            self.traces.add(_trace(record, record, record["id"]))
            _add_scores(self.trace_scores, record.get("scores"), record["id"], record)
        elif kind == "score" and record.get("span_id"):
            _add_scores(self.span_scores, [record], record["span_id"], record)
        elif kind == "score" and record.get("trace_id"):
            _add_scores(self.trace_scores, [record], record["trace_id"], record)


def _common(record: dict[str, Any]) -> dict[str, Any]:
    """What Opik's traces and spans both have. By hand: most of what a span's delivery costs the process is here."""
    start_us, end_us = record["start_us"], record.get("end_us")
    fields: dict[str, Any] = {
        "project_name": record["project"],
        "start_time": _time(start_us),
        "last_updated_at": _time(max(record["ver"], end_us or start_us)),
        "source": "sdk",
    }
    if end_us is not None:
        fields["end_time"] = _time(end_us)
    for key in ("name", "tags"):
        if record.get(key) is not None:
            fields[key] = record[key]
    for key in ("input", "output"):
        if key in record:
            fields[key] = _payload(record, key)
    if (metadata := _metadata(record)) is not None:
        fields["metadata"] = metadata
    if (error := record.get("error")) is not None:
        fields["error_info"] = _error(error)
    return fields


def _metadata(record: dict[str, Any]) -> Any:
    """With what Opik has no field for."""
    more = {"user_id": record["user_id"]} if record.get("user_id") else {}
    if record.get("status") in ("cancelled", "interrupted"):
        more["trailmark_status"] = record["status"]
    return {**(record.get("metadata") or {}), **more} if more else record.get("metadata")


def _trace_of_root(record: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    """The trace as its root span tells of it; mostly it says nothing of its own."""
    own = record["trace"]
    if not own:
        return {**common, "id": _v7(record["trace_id"], record["start_us"])}
    metadata = {**(record.get("metadata") or {}), **(own.get("metadata") or {})}
    return _trace({**record, **own, "metadata": metadata}, own, record["trace_id"])


def _trace(record: dict[str, Any], told: dict[str, Any], id: str) -> dict[str, Any]:
    fields = {**_common(record), "id": _v7(id, record["start_us"])}
    return fields | {key: told[key] for key in ("thread_id", "environment") if key in told}


def _span(record: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    start_us, type = record["start_us"], record["type"]
    fields = {
        **common,
        "id": _v7(record["id"], start_us),
        "trace_id": _v7(record["trace_id"], start_us),
        "type": _TYPES.get(type, "general"),
    }
    if record.get("parent_id"):
        fields["parent_span_id"] = _v7(record["parent_id"], start_us)
    if type not in _OWN_TYPES:
        fields["metadata"] = {**fields.get("metadata", {}), "trailmark_type": type}
    fields |= {key: record[key] for key in ("model", "provider") if key in record}
    if "total_cost" in record:
        fields["total_estimated_cost"] = record["total_cost"]
    if record.get("usage"):
        fields["usage"] = _usage(record["usage"], record.get("usage_raw"))
    return fields


def _changes(record: dict[str, Any]) -> dict[str, Any]:
    given = record["changes"]
    names = ("name", "metadata", "tags", "thread_id", "environment", "model", "provider")
    fields = {key: given[key] for key in names if key in given}
    fields |= {key: _payload(given, key) for key in ("input", "output") if key in given}
    if given.get("user_id"):
        fields["metadata"] = _metadata(given)
    fields["project_name"] = record["project"]
    if record.get("span_id"):
        fields["trace_id"] = record["trace_id"]
    if "type" in given:
        fields["type"] = _TYPES.get(given["type"], "general")
    if "usage" in given:
        fields["usage"] = _usage(given["usage"], given.get("usage_raw"))
    if "total_cost" in given:
        fields["total_estimated_cost"] = given["total_cost"]
    return fields


def _usage(parts: dict[str, int], raw: Any) -> dict[str, int]:
    prompt = sum(n for part, n in parts.items() if part.startswith("input"))
    completion = sum(n for part, n in parts.items() if part.startswith("output"))
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return usage | dict(_leaves("original_usage", raw or _as_openai(parts)))


def _as_openai(parts: dict[str, int]) -> dict[str, Any]:
    """The parts where Opik looks for them when it calculates costs."""
    details = {"cached_tokens": parts.get("input_cached"), "audio_tokens": parts.get("input_audio")}
    done = {"reasoning_tokens": parts.get("output_reasoning"), "audio_tokens": parts.get("output_audio")}
    return {
        "prompt_tokens_details": details,
        "completion_tokens_details": done,
        "cache_creation_input_tokens": parts.get("input_cache_write"),
    }


def _leaves(path: str, value: Any) -> list[tuple[str, int]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _leaves(f"{path}.{key}", item)]
    return [(path, value)] if isinstance(value, int) and not isinstance(value, bool) else []


def _add_scores(items: _Items, scores: list[dict[str, Any]] | None, id: str, record: dict[str, Any]) -> None:
    """Opik wants a number in every score: a label alone counts as 1."""
    for score in scores or ():
        items.add(
            {
                "id": _v7(id, record.get("start_us", record["ver"])),
                "project_name": record["project"],
                "name": score["name"],
                "value": 1.0 if score.get("value") is None else float(score["value"]),
                "category_name": score.get("label"),
                "reason": score.get("reason"),
                "source": "sdk",
            }
        )


def _time(us: int) -> str:
    seconds, rest = divmod(us, 1_000_000)
    return f"{_second(seconds)}.{rest:06d}Z"


@functools.lru_cache(1024)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _payload(record: dict[str, Any], key: str) -> Any:
    if key not in record:
        return None
    value = record[key]
    return value if isinstance(value, dict) else {key: value}


def _error(error: dict[str, str]) -> dict[str, str]:
    return {"exception_type": error["type"], "message": error["message"], "traceback": error["traceback"] or "-"}


def _v7(id: str, start_us: int) -> str:
    """Opik takes UUIDv7 only: any other id becomes a stable one made of its hash and the start time."""
    if id[14] == "7":
        return id
    digest = bytearray((start_us // 1000).to_bytes(6, "big") + hashlib.sha256(id.encode()).digest()[:10])
    digest[6] = 0x70 | digest[6] & 0x0F
    digest[8] = 0x80 | digest[8] & 0x3F
    return str(UUID(bytes=bytes(digest)))
