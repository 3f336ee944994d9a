"""The callback handler: LangChain's runs → spans. Nothing is pushed in a callback: LangChain is asked where it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from typing import Any, Final
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from trailmark.context import get_trace_url
from trailmark.instrumentation import UNSET, Span, continue_from, current, guard, read_headers, start_span

from trailmark_langchain import _mapping
from trailmark_langchain._mapping import readable
from trailmark_langchain._places import fill, lay_out, settle
from trailmark_langchain._runs import (
    Run,
    begins,
    close,
    find,
    hidden,
    is_open,
    key_of,
    late,
    open_run,
    run_above,
    watch,
)

__all__ = ["TrailmarkTracer"]

_CONTROL: Final = {"GraphBubbleUp", "GraphInterrupt", "NodeInterrupt", "ParentCommand"}  # how LangGraph says "later"
_KEEP_EVENTS: Final = 100
_NOWHERE: Final = nullcontext()
_HIDDEN: Final = "langsmith:hidden"  # LangGraph's word for its own inner steps
_HOLDS: Final = ("llm", "retriever")  # what is in their bodies is found by a place


class TrailmarkTracer(BaseCallbackHandler):
    """`chain.invoke(x, config={"callbacks": [TrailmarkTracer()]})`: every run as a span, nested where it belongs.

    `project_name`, `thread_id`, `user_id`, `tags` and `metadata` are those of traces that begin with a run;
    `headers` (traceparent, or Opik's) name the trace of another service to continue, whatever is current here. One
    tracer may be shared.
    """

    def __init__(
        self,
        *,
        project_name: str | None = None,
        thread_id: str | None = None,
        user_id: str | None = None,
        tags: Iterable[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        given = {"thread_id": thread_id, "user_id": user_id}
        self._trace_fields: dict[str, Any] = {key: str(value) for key, value in given.items() if value is not None}
        if isinstance(tags, str):
            raise TypeError(f"tags is {tags!r}; allowed: a list of texts")
        if tags is not None:
            self._trace_fields["tags"] = list(tags)
        if metadata is not None:
            self._trace_fields["metadata"] = dict(metadata)
        self._project = project_name
        self._remote = read_headers(headers) if headers else None
        self.trace_id: str | None = None
        """The id of the trace of the last topmost run."""
        watch()

    @property
    def trace_url(self) -> str | None:
        """Where a person sees that trace; None while nobody knows, see `trailmark.context.get_trace_url`."""
        return get_trace_url(self.trace_id) if self.trace_id is not None else None

    @property
    def run_inline(self) -> bool:  # type: ignore[override]  # langchain-core's is a plain attribute
        """False. Asked in the caller's context before each async callback: there the callback's place is laid out."""
        with guard("starting a LangChain span"):
            lay_out(is_open)
        return False

    def on_chain_start(
        self, serialized: dict[str, Any], inputs: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        with guard("starting a LangChain span"):
            metadata = kwargs.get("metadata") or {}
            is_agent = "lc_agent_name" in metadata and find(key_of(parent_run_id)) is None
            name = _mapping.name_of(serialized, kwargs, "chain")
            kind = "agent" if is_agent or name == "LangGraph" else "chain"
            self._start(run_id, parent_run_id, name, kind, kwargs, input=readable(inputs))

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[Any]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> None:
        with guard("starting a LangChain span"):
            asked = messages[0] if len(messages) == 1 else messages
            self._start_model(serialized, {"messages": readable(asked)}, run_id, parent_run_id, kwargs)

    def on_llm_start(
        self,
        serialized: dict[str, Any],
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> None:
        with guard("starting a LangChain span"):
            asked = prompts[0] if len(prompts) == 1 else prompts
            self._start_model(serialized, {"prompt": asked}, run_id, parent_run_id, kwargs)

    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        with guard("starting a LangChain span"):
            name = _mapping.name_of(serialized, kwargs, "tool")
            call_id = kwargs.get("tool_call_id")
            more = {"tool_call_id": call_id} if call_id else None
            given = input_str if inputs is None else readable(inputs)
            self._start(run_id, parent_run_id, name, "tool", kwargs, more, input=given)

    def on_retriever_start(
        self, serialized: dict[str, Any], query: str, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        with guard("starting a LangChain span"):
            name = _mapping.name_of(serialized, kwargs, "retriever")
            self._start(run_id, parent_run_id, name, "retriever", kwargs, input={"query": query})

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        with guard("ending a LangChain span"):
            self._end(run_id, kwargs, {"output": readable(outputs)})

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        with guard("ending a LangChain span"):
            fields: dict[str, Any] = {"output": readable(output)}
            if call_id := getattr(output, "tool_call_id", None):  # older versions do not tell it at the start
                fields["metadata"] = {"tool_call_id": call_id}
            self._end(run_id, kwargs, fields)

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **kwargs: Any) -> None:
        with guard("ending a LangChain span"):
            self._end(run_id, kwargs, {"output": {"documents": readable(documents)}})

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        with guard("ending a LangChain span"):
            fields = _mapping.answer_of(response)
            if (run := find(key_of(run_id))) is not None and run.span.has_usage:  # the provider's own hook knows better
                fields = {key: value for key, value in fields.items() if key not in ("usage", "usage_raw")}
            self._end(run_id, kwargs, fields)

    def on_llm_new_token(self, token: Any, *, run_id: UUID, chunk: Any = None, **kwargs: Any) -> None:  # noqa: ARG002
        with guard("watching a LangChain stream"):
            _streamed(run_id, is_text=bool(token or getattr(getattr(chunk, "message", None), "tool_call_chunks", None)))

    def on_stream_event(self, event: Any, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: ARG002
        with guard("watching a LangChain stream"):
            _streamed(run_id, is_text=event.get("event") == "content-block-delta")

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._failed(error, run_id, kwargs)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._failed(error, run_id, kwargs)

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._failed(error, run_id, kwargs)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._failed(error, run_id, kwargs)

    def on_retry(self, retry_state: Any, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: ARG002
        with guard("watching a LangChain run"):
            settle()
            if (run := find(key_of(run_id))) is not None:
                run.counts["retries"] = run.counts.get("retries", 0) + 1

    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **kwargs: Any) -> None:  # noqa: ARG002
        with guard("watching a LangChain run"):
            settle()
            if (run := find(key_of(run_id))) is not None:
                told = run.counts.setdefault("custom_events", [])
                if len(told) < _KEEP_EVENTS:
                    told.append({"name": name, **({"data": readable(data)} if run.span.keeps("output") else {})})

    def on_text(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Nothing a span shows."""
        settle()

    on_agent_action = on_agent_finish = on_text

    def _start_model(
        self,
        serialized: dict[str, Any],
        asked: dict[str, Any],
        run_id: UUID,
        parent_run_id: UUID | None,
        kwargs: dict[str, Any],
    ) -> None:
        params = {
            key: readable(value)
            for key, value in (kwargs.get("invocation_params") or {}).items()
            if value is not None and key not in ("_type", "model", "model_name", "api_key", "stream")
        }
        name = _mapping.name_of(serialized, kwargs, "model")
        fields = _mapping.facts_of(kwargs.get("metadata"), kwargs)
        self._start(run_id, parent_run_id, name, "llm", kwargs, input=asked | params, claimable=True, **fields)

    def _start(
        self,
        run_id: UUID,
        parent_run_id: UUID | None,
        name: str,
        kind: str,
        kwargs: dict[str, Any],
        more: dict[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        key = key_of(run_id)
        if not begins(key):  # another tracer, or the process-wide one, has it
            return
        run = None
        try:
            if kind in _HOLDS:
                fill(key, is_open, kwargs.get("batch_size") or 1)
            else:
                settle()
            told, above = kwargs.get("metadata"), run_above(parent_run_id)
            if above is not None and kind == "chain" and _HIDDEN in (kwargs.get("tags") or ()):
                run = hidden(key, above, _mapping.place_of(told))
                return
            if (told or more) and (metadata := _mapping.user_metadata(told) | (more or {})):
                fields["metadata"] = metadata
            if tags := _mapping.user_tags(kwargs.get("tags")):
                fields["tags"] = tags
            run = self._begun(key, above, name, kind, told or {}, fields)
        finally:
            open_run(key, run)

    def _begun(
        self, key: int, above: Run | None, name: str, kind: str, told: Mapping[str, Any], fields: dict[str, Any]
    ) -> Run | None:
        place = _mapping.place_of(told)
        if above is not None:
            span = start_span(name, type=kind, parent=above.span, **fields)
            if span is None:
                return None
            if place != above.place and not above.is_graph:
                above.is_graph = True
                if above.span.type == "chain":
                    above.span.set(type="agent")
            return Run(key, span, above, above.top or above, place)
        span = self._topmost(name, kind, _mapping.people_of(told), fields)
        if span is None:
            return None
        self.trace_id = span.trace_id
        return Run(key, span, None, None, place)

    def _topmost(self, name: str, kind: str, people: dict[str, str], fields: dict[str, Any]) -> Span | None:
        """The span of a run below no other: in the current span, unless the tracer was given another trace."""
        outside = current()
        if outside is not None and (self._remote is None or outside.trace_id == self._remote.trace_id):
            if people and outside.root.trace is not None:
                new: dict[str, Any] = {k: v for k, v in people.items() if k not in outside.root.trace.plain}
                outside.root.trace.update(**new)
            return start_span(name, type=kind, parent=outside, **fields)
        trace_fields = {**people, **self._trace_fields}
        with continue_from(self._remote) if self._remote is not None else _NOWHERE:
            return start_span(name, type=kind, project_name=self._project, trace_fields=trace_fields, **fields)

    def _end(self, run_id: UUID, kwargs: dict[str, Any], fields: dict[str, Any]) -> None:
        settle()
        key = key_of(run_id)
        was_left = "inputs" in kwargs and _has_model_open(key)
        run = close(key, was_left=was_left) or late(key)
        if run is None or run.is_hidden:
            return
        if "inputs" in kwargs:  # a streamed run learns them on the way
            fields["input"] = readable(kwargs["inputs"])
        if run.counts:
            fields["metadata"] = fields.get("metadata", {}) | run.counts
        output = UNSET
        if (
            run.span.claim != "taken" and not run.span.is_ended
        ):  # not a provider's answer there, nor one given up before:
            output = fields.pop("output")  # what was set by hand wins
        if fields:
            run.span.observe(**fields)
        run.span.end("cancelled" if was_left else "interrupted" if run.was_interrupted else None, output=output)

    def _failed(self, error: BaseException, run_id: UUID, kwargs: dict[str, Any]) -> None:
        with guard("ending a LangChain span"):
            settle()
            key = key_of(run_id)
            run = close(key, was_left=not isinstance(error, Exception)) or late(key)
            if run is None or run.is_hidden or run.span.is_ended:
                return
            fields: dict[str, Any] = {"metadata": dict(run.counts)} if run.counts else {}
            if "inputs" in kwargs:
                fields["input"] = readable(kwargs["inputs"])
            answered = kwargs.get("response")
            if answered is not None and getattr(answered, "generations", None):  # said before it failed
                said = _mapping.answer_of(answered)
                fields |= said | {"metadata": said.get("metadata", {}) | run.counts}
            kinds = {kind.__name__ for kind in type(error).__mro__}
            if not _CONTROL.isdisjoint(kinds):
                if run.above is not None and run.above.is_graph and "ParentCommand" not in kinds:
                    run.above.was_interrupted = True  # it is told to end well
                run.span.observe(**fields | {"output": readable(list(error.args))})
                run.span.end("interrupted")
                return
            run.span.observe(**fields)
            run.span.fail(error)
            run.span.end()


def _has_model_open(key: int) -> bool:
    """Of a streamed run that was left LangChain says only that it ended, before its model did."""
    run = find(key)
    return run is not None and any(other.is_model for other in list(run.inside.values()))


def _streamed(run_id: UUID, *, is_text: bool) -> None:
    settle()
    run = find(key_of(run_id))
    if run is None:
        return
    if is_text:
        run.span.mark_first_token()
    if run.span.claim == "open":  # its request is out: whoever asks a model now asks for something else
        run.span.claim = "taken"
