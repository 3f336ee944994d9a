import asyncio
import copy
import pickle

import openai
import pytest
import trailmark
from fake_openai import chat, chat_stream
from trailmark_openai import instrument, track_openai, untrack_openai

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def bare(fake):
    with openai.OpenAI(base_url=fake.url, api_key="none", max_retries=0) as made:
        yield made


@pytest.fixture
def whole_process():
    undo = instrument()
    yield undo
    undo()


def test_the_same_client_comes_back_and_looks_the_same(bare):
    before = repr(type(bare))
    tracked = track_openai(bare)

    assert tracked is bare
    assert isinstance(tracked, openai.OpenAI)
    assert repr(type(tracked)) == before


def test_tracking_twice_is_tracking_once(client, fake, trail):
    assert track_openai(client) is client
    fake.answer(chat())
    client.chat.completions.create(**ASK)

    assert trail.tree() == "openai.chat (llm) ok"


def test_resources_made_before_tracking_are_tracked(bare, fake, trail):
    completions = bare.chat.completions
    track_openai(bare)
    fake.answer(chat())
    completions.create(**ASK)

    assert trail.tree() == "openai.chat (llm) ok"


@pytest.mark.parametrize("derive", [lambda c: c.with_options(timeout=5), lambda c: c.copy(), copy.copy])
def test_copies_are_tracked_once(client, fake, trail, derive):
    fake.answer(chat())
    derive(derive(client)).chat.completions.create(**ASK)

    assert trail.tree() == "openai.chat (llm) ok"


def test_other_clients_are_left_alone(client, bare, fake, trail):
    fake.answer(chat())
    bare.chat.completions.create(**ASK)

    assert trail.spans == []


def test_a_subclass_of_the_user_keeps_its_own_methods(fake, trail):
    class Mine(openai.OpenAI):
        def request(self, *args, **kwargs):
            self.count = getattr(self, "count", 0) + 1
            return super().request(*args, **kwargs)

    with track_openai(Mine(base_url=fake.url, api_key="none")) as mine:
        fake.answer(chat())
        mine.chat.completions.create(**ASK)

    assert (mine.count, isinstance(mine, Mine)) == (1, True)
    assert trail.tree() == "openai.chat (llm) ok"


@pytest.mark.parametrize("no_client", [None, "client", openai.OpenAI, object()])
def test_anything_else_is_refused_with_what_is_taken(no_client):
    with pytest.raises(TypeError, match="takes an OpenAI or AsyncOpenAI client"):
        track_openai(no_client)


def test_instrument_records_every_client_until_it_is_undone(bare, fake, trail):
    original = openai.OpenAI.request
    undo = instrument()
    fake.answer(chat())
    bare.chat.completions.create(**ASK)
    undo()
    fake.answer(chat())
    bare.chat.completions.create(**ASK)

    assert trail.tree() == "openai.chat (llm) ok"
    assert openai.OpenAI.request is original


def test_instrument_twice_is_once_and_undone_twice_is_undone_once(bare, fake, trail):
    original = openai.AsyncOpenAI.request
    first, second = instrument(), instrument()
    fake.answer(chat())
    bare.chat.completions.create(**ASK)
    first()
    second()

    assert trail.tree() == "openai.chat (llm) ok"
    assert openai.AsyncOpenAI.request is original


def test_a_tracked_client_in_an_instrumented_process_is_recorded_once(whole_process, bare, fake, trail):
    class Other(openai.OpenAI):  # its class is swapped while the process is instrumented
        pass

    with track_openai(Other(base_url=fake.url, api_key="none")) as other:
        for each in (track_openai(bare), other):
            fake.answer({"error": {"message": "again"}}, status=500, headers={"retry-after-ms": "1"})
            fake.answer(chat())
            each.with_options(max_retries=1).chat.completions.create(**ASK)

    assert [span["metadata"]["attempts"] for span in trail.spans] == [[500, 200], [500, 200]]


def test_a_tracked_client_stays_tracked_when_instrument_is_undone(whole_process, bare, fake, trail):
    track_openai(bare)
    whole_process()
    fake.answer(chat())
    bare.chat.completions.create(**ASK)

    assert trail.tree() == "openai.chat (llm) ok"


def test_many_async_calls_at_once_are_siblings(new_async_client, fake, trail):
    for _ in range(20):
        fake.answer(chat())

    @trailmark.track
    async def everything():
        async with new_async_client() as client:
            return await asyncio.gather(*(client.chat.completions.create(**ASK) for _ in range(20)))

    asyncio.run(everything())
    assert trail.tree() == "everything (general) ok" + "\n  openai.chat (llm) ok" * 20


def test_a_step_after_a_call_is_a_sibling_of_it(client, fake, trail):
    fake.answer(chat_stream("Hi"))

    @trailmark.track
    def step():
        pass

    @trailmark.track
    def answer():
        for _ in client.chat.completions.create(**ASK, stream=True):
            step()
            break

    answer()
    assert trail.tree().startswith("answer (general) ok\n  openai.chat (llm) ")
    assert "\n  step (general) ok" in trail.tree()


def test_an_untracked_client_is_what_it_was(client, fake, trail):
    kept = client.chat.completions
    assert untrack_openai(client) is client
    fake.answer(chat())
    kept.create(**ASK)

    assert type(client) is openai.OpenAI
    assert trail.spans == []


def test_untracking_what_is_not_tracked_changes_nothing(bare):
    assert type(untrack_openai(untrack_openai(bare))) is openai.OpenAI
    with pytest.raises(TypeError, match="untrack_openai takes an OpenAI or AsyncOpenAI client"):
        untrack_openai("client")


def test_a_client_can_be_tracked_again(client, fake, trail):
    track_openai(untrack_openai(client))
    fake.answer(chat())
    client.chat.completions.create(**ASK)

    assert trail.tree() == "openai.chat (llm) ok"


class Portable(openai.OpenAI):
    """A client whose author made it fit for pickle."""

    def __reduce__(self):
        return type(self), (), {"api_key": self.api_key}

    def __init__(self):
        super().__init__(api_key="none")


def test_a_client_that_can_be_pickled_still_can_and_comes_back_bare():
    with track_openai(Portable()) as client:
        client.api_key = "changed"
        back = pickle.loads(pickle.dumps(client))

    assert (type(back).__name__, back.api_key) == ("Portable", "changed")
    assert not hasattr(type(back), "_trailmark_bare")
    back.close()


def test_what_cannot_be_pickled_says_the_same(bare, client):
    told = []
    for each in (bare, client):
        with pytest.raises(TypeError) as caught:
            pickle.dumps(each)
        told.append(str(caught.value))

    assert told[0] == told[1]
