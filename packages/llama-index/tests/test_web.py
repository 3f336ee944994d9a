"""LlamaIndex below a request of FastAPI, and a request of FastAPI below a tool of LlamaIndex."""

import pytest
import trailmark

fastapi = pytest.importorskip("fastapi")
trailmark_fastapi = pytest.importorskip("trailmark_fastapi")
from fastapi.responses import StreamingResponse  # noqa: E402
from fastapi.testclient import TestClient  # noqa: E402
from llama_index.core.tools import FunctionTool  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # LlamaIndex's own event loops
QUERY = """\
GET /{how} (general) ok
  RetrieverQueryEngine.{a}query (chain) ok
    VectorIndexRetriever.{a}retrieve (retriever) ok
      MockEmbedding.{a}get_query_embedding (embedding) ok
    CompactAndRefine.{a}synthesize (chain) ok
      Model.{call} (llm) ok"""


@pytest.fixture
def client(model, index):
    app = fastapi.FastAPI()
    app.add_middleware(trailmark_fastapi.TrailmarkMiddleware)
    engine = index.as_query_engine(llm=model())
    streaming = index.as_query_engine(llm=model(), streaming=True)

    @app.get("/sync")
    def sync():
        return str(engine.query("What?"))

    @app.get("/async")
    async def awaited():
        return str(await engine.aquery("What?"))

    @app.get("/stream")
    def stream():
        return StreamingResponse(streaming.query("What?").response_gen)

    @app.get("/tool")
    def tool():
        return "tea"

    return TestClient(app)


@pytest.mark.parametrize(
    ("how", "prefix", "call"), [("sync", "", "chat"), ("async", "a", "achat"), ("stream", "", "stream_chat")]
)
def test_a_query_is_in_the_trace_of_its_request(traced, client, how, prefix, call):
    assert "It is tea." in client.get(f"/{how}").text
    assert traced.tree() == QUERY.format(how=how, a=prefix, call=call)


def test_a_request_that_a_tool_makes_is_in_the_tools_trace(traced, client):
    def look() -> str:
        """Look."""
        return client.get("/tool", headers=trailmark.context.distributed_headers()).json()

    assert FunctionTool.from_defaults(look).call().content == "tea"
    assert traced.tree() == "look (tool) ok\n  GET /tool (general) ok"
    assert len({span["trace_id"] for span in traced.spans}) == 1
