"""To an Opik server (self-hosted or Comet): full records in the two batch routes, scores in theirs.

PATCH only for edits by id of what another process recorded, never for an end.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
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
_JSON = {"Content-Type": "application/json"}


class OpikExporter:
    """POSTs `traces/batch` and `spans/batch`, PUTs `feedback-scores`."""

    def __init__(self, client: httpx2.Client, base: str) -> None:
        self._client = client
        self.link = base + "/v1/session/redirect/projects/?trace_id={trace_id}"
        self._root = base
        self._base = f"{base}/v1/private"

    def export(self, batch: Sequence[bytes]) -> None:
        records = [orjson.loads(record) for record in batch]
        traces = [_trace(r) for r in records if r["k"] == "trace" or "trace" in r]
        spans = [_span(r) for r in records if r["k"] == "span"]
        trace_scores = [score for r in records for score in _trace_scores(r)]
        span_scores = [score for r in records for score in _span_scores(r)]
        for method, route, key, items in (
            ("POST", "traces/batch", "traces", traces),
            ("POST", "spans/batch", "spans", spans),
            ("PUT", "traces/feedback-scores", "scores", trace_scores),
            ("PUT", "spans/feedback-scores", "scores", span_scores),
        ):
            for start in range(0, len(items), 1000):
                body = orjson.dumps({key: items[start : start + 1000]})
                post(self._client, f"{self._base}/{route}", body, _JSON, method=method)
        self._edit(records)
        for record in records:
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

    def _edit(self, records: list[dict[str, Any]]) -> None:
        refused = []
        for index, record in enumerate(records):
            if record["k"] != "patch":
                continue
            kind, id = ("spans", record["span_id"]) if record.get("span_id") else ("traces", record["trace_id"])
            if not record.get("trace_id"):
                refused.append(index)
                continue
            post(self._client, f"{self._base}/{kind}/{id}", orjson.dumps(_changes(record)), _JSON, method="PATCH")
        if refused:
            raise ExportError("Opik edits a span only with its trace_id", retryable=False, refused=tuple(refused))

    def close(self) -> None:
        self._client.close()


def _common(record: dict[str, Any]) -> dict[str, Any]:
    fields = {
        "project_name": record["project"],
        "name": record.get("name"),
        "start_time": _time(record["start_us"]),
        "end_time": _time(record.get("end_us")),
        "input": _payload(record, "input"),
        "output": _payload(record, "output"),
        "metadata": _metadata(record),
        "tags": record.get("tags"),
        "error_info": _error(record.get("error")),
        "last_updated_at": _time(max(record["ver"], record.get("end_us") or record["start_us"])),
        "source": "sdk",
    }
    return {key: value for key, value in fields.items() if value is not None}


def _metadata(record: dict[str, Any]) -> Any:
    """With what Opik has no field for."""
    more = {"user_id": record["user_id"]} if record.get("user_id") else {}
    if record.get("status") in ("cancelled", "interrupted"):
        more["trailmark_status"] = record["status"]
    return {**(record.get("metadata") or {}), **more} if more else record.get("metadata")


def _trace(record: dict[str, Any]) -> dict[str, Any]:
    own = record.get("trace", {})
    fields = _common({**record, **own, "metadata": {**record.get("metadata", {}), **own.get("metadata", {})}})
    fields["id"] = _v7(record["trace_id"] if record["k"] == "span" else record["id"], record["start_us"])
    source = own if record["k"] == "span" else record
    fields |= {key: source[key] for key in ("thread_id", "environment") if key in source}
    return fields


def _span(record: dict[str, Any]) -> dict[str, Any]:
    fields = _common(record)
    fields |= {
        "id": _v7(record["id"], record["start_us"]),
        "trace_id": _v7(record["trace_id"], record["start_us"]),
        "type": _TYPES.get(record["type"], "general"),
    }
    if record.get("parent_id"):
        fields["parent_span_id"] = _v7(record["parent_id"], record["start_us"])
    if record["type"] not in (*_TYPES, "general"):
        fields["metadata"] = {**fields.get("metadata", {}), "trailmark_type": record["type"]}
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


def _trace_scores(record: dict[str, Any]) -> list[dict[str, Any]]:
    if record["k"] == "score":
        return (
            _scores([record], record["trace_id"], record)
            if record.get("trace_id") and not record.get("span_id")
            else []
        )
    trace_id = record["id"] if record["k"] == "trace" else record["trace_id"]
    given = record.get("scores", []) if record["k"] == "trace" else record.get("trace", {}).get("scores", [])
    return _scores(given, trace_id, record)


def _span_scores(record: dict[str, Any]) -> list[dict[str, Any]]:
    if record["k"] == "score":
        return _scores([record], record["span_id"], record) if record.get("span_id") else []
    return _scores(record.get("scores", []), record["id"], record) if record["k"] == "span" else []


def _scores(scores: list[dict[str, Any]], id: str, record: dict[str, Any]) -> list[dict[str, Any]]:
    """Opik wants a number in every score: a label alone counts as 1."""
    return [
        {
            "id": _v7(id, record.get("start_us", record["ver"])),
            "project_name": record["project"],
            "name": score["name"],
            "value": 1.0 if score.get("value") is None else float(score["value"]),
            "category_name": score.get("label"),
            "reason": score.get("reason"),
            "source": "sdk",
        }
        for score in scores
    ]


def _time(us: int | None) -> str | None:
    if us is None:
        return None
    return datetime.fromtimestamp(us / 1e6, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _payload(record: dict[str, Any], key: str) -> Any:
    if key not in record:
        return None
    value = record[key]
    return value if isinstance(value, dict) else {key: value}


def _error(error: dict[str, str] | None) -> dict[str, str] | None:
    if error is None:
        return None
    return {"exception_type": error["type"], "message": error["message"], "traceback": error["traceback"] or "-"}


def _v7(id: str, start_us: int) -> str:
    """Opik takes UUIDv7 only: any other id becomes a stable one made of its hash and the start time."""
    if id[14] == "7":
        return id
    digest = bytearray((start_us // 1000).to_bytes(6, "big") + hashlib.sha256(id.encode()).digest()[:10])
    digest[6] = 0x70 | digest[6] & 0x0F
    digest[8] = 0x80 | digest[8] & 0x3F
    return str(UUID(bytes=bytes(digest)))
