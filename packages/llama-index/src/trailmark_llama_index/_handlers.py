"""LlamaIndex's dispatcher → spans: its span handler opens and ends them, its event handler fills them in."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from llama_index_instrumentation.base import BaseEvent
from llama_index_instrumentation.event_handlers import BaseEventHandler
from llama_index_instrumentation.span.simple import SimpleSpan
from llama_index_instrumentation.span_handlers import BaseSpanHandler
from trailmark.instrumentation import current, guard, start_span

from trailmark_llama_index import _mapping
from trailmark_llama_index._runs import Run, close, find, fold, open_run
from trailmark_llama_index._streams import Reading, async_watched, end_with, watched
from trailmark_llama_index._values import asked, readable

__all__ = ["Events", "Spans"]

_PARTS: Final = frozenset(  # public, and only ever made as a part of another call
    f"{prefix}{name}"
    for name in ("get_response", "predict", "stream", "split_text", "split_texts", "split_text_metadata_aware")
    for prefix in ("", "a")
)
_OWN: Final = frozenset(("_postprocess_nodes", "_apostprocess_nodes", "_select", "_aselect"))  # private, nothing above
_WRITES: Final = ("write_response_to_history", "awrite_response_to_history")  # a chat's stream, read in its own thread
_TAGS: Final = "llamaindex."
_PIECES: Final = frozenset(("LLMChatInProgressEvent", "LLMCompletionInProgressEvent"))
_ANSWERS: Final = frozenset(("LLMChatEndEvent", "LLMCompletionEndEvent"))
_HEARD: Final = _PIECES | _ANSWERS | {"StreamChatDeltaReceivedEvent", "ExceptionEvent", "SpanCancelledEvent"}


class Spans(BaseSpanHandler[SimpleSpan]):
    """Never raises: LlamaIndex would swallow it, and the span with it."""

    def span_enter(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any = None,
        parent_id: str | None = None,
        tags: dict[str, Any] | None = None,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        with guard("starting a LlamaIndex span"):
            _enter(id_, bound_args.arguments, instance, find(parent_id), tags or {})

    def span_exit(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,  # noqa: ARG002
        instance: Any = None,
        result: Any = None,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        with guard("ending a LlamaIndex span"):
            _exit(id_, instance, result)

    def span_drop(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,  # noqa: ARG002
        instance: Any = None,
        err: BaseException | None = None,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        with guard("ending a LlamaIndex span"):
            run = find(id_)
            if run is not None and (run.id == id_ or _method(id_) in _WRITES):
                _end(run, _chat_so_far(run, instance) if run.id != id_ else None, err)
            close(id_)

    def new_span(self, *args: Any, **kwargs: Any) -> None:
        """Not used: spans are kept in `_runs`."""

    def prepare_to_exit_span(self, *args: Any, **kwargs: Any) -> None:
        """Not used."""

    def prepare_to_drop_span(self, *args: Any, **kwargs: Any) -> None:
        """Not used."""


class Events(BaseEventHandler):
    """What the spans do not tell: how a model's stream goes on and ends, and that a step was cancelled."""

    def handle(self, event: BaseEvent, **kwargs: Any) -> None:  # noqa: ARG002
        kind = type(event).__name__
        if kind in _HEARD:  # most say nothing that the spans do not
            with guard("reading a LlamaIndex event"):
                run = find(event.span_id)
                if run is not None:
                    _told(run, kind, event)


def _enter(span_id: str, arguments: Mapping[str, Any], instance: Any, above: Run | None, tags: dict[str, Any]) -> None:
    method = _method(span_id)
    if above is not None and _is_part(method, instance, above):
        fold(span_id, above)
        return
    kind = _mapping.kind_of(instance, method)
    parent = above.span if above is not None else current()
    fields: dict[str, Any] = {}
    if kind in ("llm", "embedding"):
        fields = _mapping.model_of(instance)
    name = span_id[:-37].rpartition("<locals>.")[2].removesuffix(".__call__")
    if method in _OWN:
        name = name.replace("._", ".")
    elif kind == "tool":
        name = str(instance.metadata.name or name)
    own = {key: readable(value) for key, value in tags.items() if not key.startswith(_TAGS)}
    if own:
        fields["metadata"] = own
    span = start_span(name, type=kind, parent=parent, input=asked(arguments), claimable=kind == "llm", **fields)
    if span is not None:
        open_run(Run(span_id, span, id(instance), kind == "llm"))


def _method(span_id: str) -> str:
    return span_id[:-37].rpartition(".")[2]  # `Class.method-<uuid>`


def _is_part(method: str, instance: Any, above: Run) -> bool:
    """The private half of a call, a model's call that another of its own makes, and LlamaIndex's ways to get there."""
    if method in _PARTS or method in _WRITES or (method.startswith("_") and method not in _OWN):
        return True
    return above.is_model and above.instance_id == id(instance)


def _exit(span_id: str, instance: Any, result: Any) -> None:
    run = find(span_id)
    if run is None or run.id != span_id:
        close(span_id)
        if run is not None and _method(span_id) in _WRITES:
            run.answer = _chat_so_far(run, instance)
            run.is_read = True
            if run.is_streaming:
                _end(run, None, None)
    elif inspect.isgenerator(result) or inspect.isasyncgen(result):
        run.is_streaming = True  # a model's: its events tell the end; or nobody reads it
        run.stream = weakref.ref(result)
        end_with(result, partial(_left, run))
    elif type(result).__name__ == "StreamingAgentChatResponse":
        run.is_streaming = True
        end_with(result, partial(_left, run))
        if run.is_read:  # its thread was faster
            _end(run, None, None)
    elif not _reads_later(run, result):
        _end(run, result, None)


def _chat_so_far(run: Run, response: Any) -> dict[str, Any]:
    """Older versions write the text into the response only when it is read."""
    shown: dict[str, Any] = readable(response)
    return {**shown, "response": "".join(run.pieces).strip() or shown["response"]}


def _reads_later(run: Run, result: Any) -> bool:
    """Whether it is a streaming response: then its generator is watched, once for all calls that return it."""
    kind = type(result).__name__
    if kind not in ("StreamingResponse", "AsyncStreamingResponse") or result.response_gen is None:
        return False
    run.is_streaming = True
    reading: Reading | None = getattr(result, "_trailmark_reading", None)
    if reading is not None:
        reading.runs.append(run)
        return True
    reading = Reading(run, _end_read)
    watch = watched if kind == "StreamingResponse" else async_watched
    result.response_gen = watch(result.response_gen, reading)
    result._trailmark_reading = reading
    return True


def _end_read(run: Run, text: str | None, error: BaseException | None) -> None:
    _end(run, {"response": text}, error)


def _left(run: Run) -> None:
    with guard("ending a LlamaIndex span"):
        if find(run.id) is run:
            run.was_cancelled = True
            _end(run, {"response": "".join(run.pieces)} if run.pieces else None, None)


def _told(run: Run, kind: str, event: Any) -> None:
    if kind in _PIECES:
        response = event.response
        run.span.mark_first_token()
        run.answer = response
    elif kind in _ANSWERS:
        run.answer = event.response if event.response is not None else run.answer
        if run.is_streaming and run.is_model:
            _end(run, run.answer, None)
    elif kind == "StreamChatDeltaReceivedEvent":
        run.pieces.append(event.delta)
    elif kind == "ExceptionEvent" and run.is_streaming and run.is_model:
        _end(run, run.answer, event.exception)
    elif kind == "SpanCancelledEvent":
        run.was_cancelled = True


def _end(run: Run, result: Any, error: BaseException | None) -> None:
    """Once: whoever comes first."""
    if close(run.id) is None:
        return
    if result is None:
        result = run.answer
    if result is not None and run.span.type in ("llm", "embedding"):
        fields = _mapping.answer_of(result)
        if run.span.has_usage:  # the provider's own hook knows better
            fields = {"output": fields["output"]}
        run.span.observe(**fields)
    elif result is not None:
        run.span.observe(output=readable(result))
    if error is not None:
        run.span.fail(error)
    run.span.end("cancelled" if run.was_cancelled and error is None else None)
