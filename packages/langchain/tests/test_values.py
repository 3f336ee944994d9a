"""What a span shows of a run: values, names, tags, metadata; and what the settings leave out."""

import threading

import pytest
import trailmark
from chains import PROMPT, USAGE, chain, model, run, work
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langchain_core.vectorstores import InMemoryVectorStore
from trailmark.testing import record_trail
from trailmark_langchain import TrailmarkTracer


def test_names_tags_metadata_and_people_are_those_of_the_user(config, trail):
    given = {"session_id": "chat-7", "user_id": "ada", "team": "tea"}
    with_own = {**config, "run_name": "my chain", "tags": ["mine"], "metadata": given}
    chain().invoke({"question": "?"}, with_own)
    root, prompt, *_ = trail.spans
    assert (root["name"], root["tags"]) == ("my chain", ["mine"])
    assert prompt["tags"] == ["mine"]
    assert not any(key.startswith("ls_") for span in trail.spans for key in span["metadata"])
    assert root["metadata"]["team"] == "tea"
    [trace] = trail.traces
    assert (trace["thread_id"], trace["user_id"]) == ("chat-7", "ada")


def test_an_output_that_is_set_by_hand_stays(config, trail):
    def step(x):
        trailmark.update_current_span(output="by hand")
        return x

    assert RunnableLambda(step).invoke(1, config) == 1
    assert trail.spans[0]["output"] == "by hand"


def test_what_is_changed_after_the_call_was_recorded_as_it_was(config, trail):
    given = {"question": "before"}

    def change(value):
        value["question"] = "after"
        return value

    RunnableLambda(change).invoke(given, config)
    assert trail.spans[0]["input"] == {"question": "before"}


def test_state_that_cannot_be_serialised_does_no_harm(config, trail):
    cycle = {"lock": threading.Lock(), "text": "x" * 50_000_000}
    cycle["self"] = cycle
    assert RunnableLambda(lambda state: len(state)).invoke(cycle, config) == 3
    assert trail.spans[0]["status"] == "ok"
    assert sum(map(len, trail.raw)) < 20_000_000


def test_tables_streams_and_classes_are_shown_as_what_they_are_and_left_alone(config, trail):
    pandas = pytest.importorskip("pandas")
    pieces = iter([1, 2])
    state = {
        "table": pandas.DataFrame({"a": [1, 2]}),
        "pieces": pieces,
        "schema": HumanMessage,
        "raw": b"\x00" * 99_999,
    }
    assert RunnableLambda(lambda given: list(given["pieces"])).invoke(state, config) == [1, 2]
    shown = trail.spans[0]["input"]
    assert "DataFrame" in str(shown["table"])
    assert "list_iterator" in str(shown["pieces"])
    assert "HumanMessage" in str(shown["schema"])
    assert len(trail.raw[-1]) < 20_000


def test_messages_with_tools_show_calls_and_results(config, trail):
    call = {"name": "add", "args": {"a": 1}, "id": "c1"}
    history = [HumanMessage("Add."), AIMessage("", tool_calls=[call]), ToolMessage("1", tool_call_id="c1")]
    model(AIMessage("", tool_calls=[call])).invoke(history, config)
    [llm] = trail.spans
    assert llm["input"]["messages"][1]["tool_calls"] == [{"id": "c1", "name": "add", "args": {"a": 1}}]
    assert llm["input"]["messages"][2] == {"role": "tool", "content": "1", "tool_call_id": "c1"}
    assert llm["output"]["tool_calls"][0]["name"] == "add"


def test_an_answer_asked_for_in_several_choices_counts_its_usage_once(config, trail):
    from langchain_core.outputs import ChatGeneration, ChatResult

    class Twice(FakeListChatModel):
        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            said = [ChatGeneration(message=AIMessage(f"answer {n}", usage_metadata=USAGE)) for n in range(2)]
            return ChatResult(generations=said)

    Twice(responses=[""]).invoke("Hi", config)
    [llm] = trail.spans
    assert [message["content"] for message in llm["output"]] == ["answer 0", "answer 1"]
    assert sum(llm["usage"].values()) == 18


def test_a_custom_event_is_in_the_metadata_of_its_run(config, trail):
    from langchain_core.callbacks import dispatch_custom_event

    def step(x):
        dispatch_custom_event("halfway", {"percent": 50})
        return x

    RunnableLambda(step).invoke(1, config)
    assert trail.spans[0]["metadata"]["custom_events"] == [{"name": "halfway", "data": {"percent": 50}}]


@pytest.mark.parametrize("how", ["invoke", "stream"])
def test_nothing_said_found_or_done_is_recorded_when_the_settings_leave_it_out(how):
    from langchain_core.callbacks import dispatch_custom_event

    @tool
    def look(what: str) -> str:
        """Look."""
        return what

    def step(text):
        dispatch_custom_event("halfway", {"text": text})
        with trailmark.span("by hand", input="given by hand"):
            trailmark.update_current_span(output="told by hand")
        return work(look.invoke({"what": text}))

    asked = {"question": "marker"}
    docs = InMemoryVectorStore.from_texts(["marker"], DeterministicFakeEmbedding(size=4)).as_retriever()
    said = AIMessage("marker", tool_calls=[{"name": "look", "args": {"what": "marker"}, "id": "c"}])
    whole = (
        PROMPT
        | model(said).bind(stop=["marker"])
        | StrOutputParser()
        | step
        | docs
        | (lambda found: found[0].page_content)
    )
    with record_trail(capture_input=False, capture_output=False) as trail:
        config = {"callbacks": [TrailmarkTracer()]}
        run(how, whole, asked, config)
        with pytest.raises(ZeroDivisionError):
            (RunnableLambda(lambda x: x["question"]) | (lambda x: len(x) / 0)).invoke(asked, config)
    assert len(trail.spans) >= 9
    assert not [record for record in trail.raw if b"marker" in record]
    by_hand = trail.span("by hand")
    assert (by_hand["input"], by_hand["output"]) == ("given by hand", "told by hand")
    told = [span["metadata"]["custom_events"] for span in trail.spans if "custom_events" in span.get("metadata", {})]
    assert told == [[{"name": "halfway"}]]
