"""The contract of every integration, kept by this one."""

import inspect
import uuid

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.event_handlers import BaseEventHandler
from llama_index_instrumentation.span_handlers import SimpleSpanHandler
from pydantic import Field
from trailmark.testing.integration_contract import IntegrationContract
from trailmark_llama_index import _runs, instrument


class TestContract(IntegrationContract):
    instrument = staticmethod(instrument)

    @pytest.fixture(autouse=True)
    def _model(self, model):
        self.model = model

    def call(self):
        return self.model().chat([ChatMessage(role="user", content="Hi")])

    def fail(self):
        self.model(ValueError("no")).chat([ChatMessage(role="user", content="Hi")])

    def hooked(self):
        return [*get_dispatcher().span_handlers, *get_dispatcher().event_handlers]


class Heard(BaseEventHandler):
    """A user's own handler."""

    names: list[str] = Field(default_factory=list)

    def handle(self, event, **kwargs):
        self.names.append(type(event).__name__)


def test_handlers_of_the_user_are_left_in_place_and_miss_nothing(trail, model):
    root = get_dispatcher()
    before = [*root.span_handlers], [*root.event_handlers]
    mine = [(SimpleSpanHandler(), Heard()) for _ in range(2)]

    def add(spans, events):
        root.add_span_handler(spans)
        root.add_event_handler(events)

    try:
        add(*mine[0])
        undo = instrument()
        add(*mine[1])
        model().chat([ChatMessage(role="user", content="Hi")])
        undo()
        assert [*root.span_handlers] == [*before[0], mine[0][0], mine[1][0]]
        assert [*root.event_handlers] == [*before[1], mine[0][1], mine[1][1]]
        model().chat([ChatMessage(role="user", content="Hi")])
    finally:
        root.span_handlers, root.event_handlers = before
    assert len(trail.spans) == 1
    for spans, events in mine:
        assert [span.id_.partition("-")[0] for span in spans.completed_spans] == ["Model.chat", "Model.chat"]
        assert events.names == ["LLMChatStartEvent", "LLMChatEndEvent"] * 2


def test_a_handler_of_the_user_that_raises_costs_no_span(traced, model):
    class Broken(SimpleSpanHandler):
        def new_span(self, *args, **kwargs):
            raise RuntimeError("theirs")

    root, broken = get_dispatcher(), Broken()
    root.span_handlers.insert(0, broken)
    try:
        model().chat([ChatMessage(role="user", content="Hi")])
    finally:
        root.span_handlers.remove(broken)
    assert traced.tree() == "Model.chat (llm) ok"


def test_calls_whose_end_is_never_told_are_given_up_in_the_end(traced, model, monkeypatch):
    monkeypatch.setattr(_runs, "_KEEP_OPEN", 10)
    root, chat = get_dispatcher(), inspect.signature(abs).bind(1)
    for number in range(30):
        root.span_enter(f"Engine.query-{uuid.UUID(int=number)}", chat)
        root.span_enter(
            f"Engine._query-{uuid.UUID(int=100 + number)}", chat, parent_id=f"Engine.query-{uuid.UUID(int=number)}"
        )
    assert (len(_runs._open), len(_runs._folded)) == (10, 10)
    assert [span["status"] for span in traced.spans] == ["cancelled"] * 20 + ["running"] * 10
    for number in range(30):
        root.span_exit(f"Engine._query-{uuid.UUID(int=100 + number)}", chat)
        root.span_exit(f"Engine.query-{uuid.UUID(int=number)}", chat)
    assert (len(_runs._open), len(_runs._folded)) == (0, 0)
    assert [span["status"] for span in traced.spans] == ["cancelled"] * 20 + ["ok"] * 10
