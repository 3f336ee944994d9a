"""Clients of the real SDK against a fake service on loopback."""

import sys
from pathlib import Path

import openai
import pytest
import trailmark
from trailmark_openai import track_openai

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not: the fake service is shared by these tests

from fake_openai import FakeOpenAI

OLD = not hasattr(openai.OpenAI, "_send_request")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """A test of what an old openai does not have yet is skipped there. A newer one has to have it all."""
    try:
        return (yield)
    except (AttributeError, TypeError, RuntimeError) as error:
        is_theirs = type(getattr(error, "obj", None)).__module__.partition(".")[0] == "openai"
        if OLD and (is_theirs or "unexpected keyword" in str(error) or "Expected entry at `image`" in str(error)):
            pytest.skip(f"openai {openai.__version__}: {error}")
        raise


@pytest.fixture(scope="session")
def service():
    with FakeOpenAI() as running:
        yield running


@pytest.fixture
def fake(service):
    service.reset()
    return service


@pytest.fixture
def production(tmp_path):
    """Settings as outside of tests, with a back end that is dead, in this home; taken back at the end."""
    trailmark.configure(url="http://127.0.0.1:9", home=tmp_path, quiet=True, flush_timeout=0.1)
    yield tmp_path
    trailmark.configure(url=None, home=None, quiet=None, flush_timeout=None)


@pytest.fixture
def client(fake):
    with openai.OpenAI(base_url=fake.url, api_key="sk-test-0123456789abcdef", max_retries=2) as made:
        yield track_openai(made)


@pytest.fixture
def new_async_client(fake):
    """Made inside the test's own event loop."""

    def make(**options):
        options = {"base_url": fake.url, "api_key": "sk-test-0123456789abcdef", **options}
        return track_openai(openai.AsyncOpenAI(**options))

    return make


@pytest.fixture
def client_of(fake):
    """A client whose base URL names a real host, and whose requests reach the fake service: it is the proxy."""
    made = []

    def make(host, kind=openai.OpenAI, path="/v1", **options):
        proxy = fake.url.removesuffix("/v1")
        made.append(openai.DefaultHttpxClient(proxy=proxy))
        if kind is openai.OpenAI:
            options["base_url"] = f"http://{host}{path}"
        return kind(http_client=made[-1], api_key="sk-test-0123456789abcdef", **options)

    yield make
    for each in made:
        each.close()
