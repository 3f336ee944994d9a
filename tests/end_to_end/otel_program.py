"""A web service under OpenTelemetry, run by `test_otel_sdk.py`: real instrumentations, the real exporter."""

import sys

server, openai_url = sys.argv[1], sys.argv[2]

from fastapi import FastAPI  # noqa: E402
from fastapi.testclient import TestClient  # noqa: E402
from openai import OpenAI  # noqa: E402
from openinference.instrumentation import using_attributes  # noqa: E402
from openinference.instrumentation.openai import OpenAIInstrumentor  # noqa: E402
from opentelemetry import trace  # noqa: E402
from opentelemetry.exporter.otlp.proto.http import Compression  # noqa: E402
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: E402
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # noqa: E402
from opentelemetry.sdk.resources import Resource  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: E402

provider = TracerProvider(resource=Resource({"service.name": "web shop", "deployment.environment.name": "test"}))
exporter = OTLPSpanExporter(f"{server}/v1/traces", compression=Compression.Gzip)
provider.add_span_processor(BatchSpanProcessor(exporter))
trace.set_tracer_provider(provider)
OpenAIInstrumentor().instrument()

app = FastAPI()
FastAPIInstrumentor.instrument_app(app)
model = OpenAI(base_url=openai_url, api_key="sk-test")


@app.get("/ask")
def ask(q: str) -> str:
    messages = [{"role": "user", "content": q}]
    with using_attributes(session_id="chat-1", user_id="ann", tags=["beta"], metadata={"tier": "pro"}):
        stream = model.chat.completions.create(
            model="gpt-4o-mini", messages=messages, stream=True, stream_options={"include_usage": True}
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


@app.get("/fail")
def fail() -> None:
    raise ValueError("no")


client = TestClient(app, raise_server_exceptions=False)
assert client.get("/ask", params={"q": "Hi"}).json() == "Hello"
assert client.get("/fail").status_code == 500
assert provider.force_flush()
provider.shutdown()
