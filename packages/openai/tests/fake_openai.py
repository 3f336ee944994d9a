"""A fake OpenAI service: real sockets, scripted answers, and it remembers what it was asked."""

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 1, "cache_write_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 0},
}
PARTS = {
    "input": 4,
    "input_cached": 4,
    "input_cache_write": 2,
    "input_audio": 1,
    "output": 4,
    "output_reasoning": 3,
}
HEAD = {"id": "chatcmpl-1", "created": 1700000000, "model": "gpt-4o-mini-2024-07-18", "service_tier": "default"}


def chat(content="Hello there", **message):
    choice = {"index": 0, "finish_reason": "stop", "logprobs": None}
    choice["message"] = {"role": "assistant", "content": content, "refusal": None, **message}
    return {**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE}


def delta(index=0, finish_reason=None, logprobs=None, **said):
    choice = {"index": index, "delta": said, "finish_reason": finish_reason, "logprobs": logprobs}
    return {**HEAD, "object": "chat.completion.chunk", "choices": [choice], "usage": None}


def chat_stream(*words, usage=None):
    chunks = [
        delta(role="assistant", content=""),
        *(delta(content=word) for word in words),
        delta(finish_reason="stop"),
    ]
    if usage:
        chunks.append({**HEAD, "object": "chat.completion.chunk", "choices": [], "usage": usage})
    return sse(*chunks)


def sse(*events, done=True):
    """The bytes of each event, named by its type as the Responses API does."""
    data = []
    for event in events:
        name = f"event: {event['type']}\n" if "type" in event else ""
        data.append(f"{name}data: {json.dumps(event)}\n\n".encode())
    return [*data, b"data: [DONE]\n\n"] if done else data


def response(text="Hi", status="completed", **more):
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    item["content"] = [{"type": "output_text", "text": text, "annotations": []}]
    usage = {
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 5},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 6},
        "total_tokens": 29,
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1700000000,
        "model": "gpt-5-2025-08-07",
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "output": [item],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": usage,
        **more,
    }


class FakeOpenAI:
    """Answers in the order scripted; without a script, 500 that is not retried."""

    def __enter__(self):
        self.reset()
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reset(self):
        self.script, self.requests = deque(), []
        self.gate, self.reached = threading.Event(), threading.Event()

    def answer(self, body, status=200, headers=None, kind=None, cut=False, wait_after=None):
        """One answer: JSON, text, bytes, or a list of byte pieces for a stream.

        `cut` drops the connection before the end; `wait_after` pieces it waits for `gate` (and sets `reached`).
        """
        if isinstance(body, (dict, list)) and not (isinstance(body, list) and body and isinstance(body[0], bytes)):
            pieces, kind = [json.dumps(body).encode()], kind or "application/json"
        elif isinstance(body, list):
            pieces, kind = body, kind or "text/event-stream"
        else:
            pieces, kind = [body.encode() if isinstance(body, str) else body], kind or "text/plain"
        self.script.append((pieces, status, {"x-request-id": "req_1", **(headers or {})}, kind, cut, wait_after))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        """A client that hangs up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = self.headers.get("Content-Type") or ""
        self.fake.requests.append(
            (self.path, dict(self.headers), json.loads(body) if body and "json" in kind else body)
        )
        if not self.fake.script:
            no = {"error": {"message": "nothing is scripted"}}
            self.fake.answer(no, status=500, headers={"x-should-retry": "false"})
        self._send(*self.fake.script.popleft())

    do_GET = do_POST

    def _send(self, pieces, status, headers, kind, cut, wait_after):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Transfer-Encoding": "chunked", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            for n, piece in enumerate(pieces):
                if n == wait_after:
                    self.fake.reached.set()
                    self.fake.gate.wait(10)
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"" if cut else b"0\r\n\r\n")
        except ConnectionError:
            cut = True
        self.close_connection = self.close_connection or cut

    def log_message(self, *_):
        """Quiet."""
