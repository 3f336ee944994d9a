"""A small OpenAI-compatible server on this machine, for when there is no key: it answers with what it was asked."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def use() -> None:
    """Point the OpenAI client to the stand-in, unless there is a key for the real API."""
    if os.environ.get("OPENAI_API_KEY"):
        return
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ |= {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": f"http://127.0.0.1:{server.server_port}/v1"}
    print("OPENAI_API_KEY is not set: a stand-in on this machine answers instead of the real API.")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question = str(asked["messages"][-1]["content"])
        words = f"You said: {question}".split(" ")
        usage = {"prompt_tokens": len(question.split()) + 8, "completion_tokens": len(words)}
        usage["total_tokens"] = sum(usage.values())
        head = {"id": "chatcmpl-stand-in", "created": 0, "model": asked["model"]}
        wants_tools = asked.get("tools") and asked["messages"][-1]["role"] != "tool"
        calls = [*map(_call, asked["tools"])] if wants_tools else []
        if asked.get("stream"):
            pieces = [{"content": f"{word} "} for word in words]
            if calls:
                pieces = [piece for n, call in enumerate(calls) for piece in _in_pieces(n, call)]
            wants_usage = (asked.get("stream_options") or {}).get("include_usage")
            self.send(b"".join(_chunks(head, pieces, usage if wants_usage else None)), "text/event-stream")
            return
        message = {"role": "assistant", "content": " ".join(words)}
        if calls:
            message = {"role": "assistant", "content": None, "tool_calls": calls}
        choices = [{"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}]
        answer = {**head, "object": "chat.completion", "choices": choices, "usage": usage}
        self.send(json.dumps(answer).encode(), "application/json")

    def send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _call(tool):
    """Each tool once, with an argument of the kind it asks for."""
    kinds = tool["function"]["parameters"]["properties"]
    arguments = {name: "tea" if kind.get("type") == "string" else 3 for name, kind in kinds.items()}
    function = {"name": tool["function"]["name"], "arguments": json.dumps(arguments)}
    return {"id": f"call_{function['name']}", "type": "function", "function": function}


def _in_pieces(n, call):
    """A call of a tool as a stream brings it."""
    arguments = call["function"]["arguments"]
    first = {"index": n, **call, "function": {**call["function"], "arguments": ""}}
    rest = [{"index": n, "function": {"arguments": piece}} for piece in (arguments[:5], arguments[5:])]
    return [{"tool_calls": [piece]} for piece in (first, *rest)]


def _chunks(head, said, usage):
    pieces = [{"role": "assistant", "content": None if "tool_calls" in said[0] else ""}, *said, {}]
    reason = "tool_calls" if "tool_calls" in said[0] else "stop"
    for n, delta in enumerate(pieces):
        choice = {"index": 0, "delta": delta, "finish_reason": reason if n == len(pieces) - 1 else None}
        yield _event({**head, "object": "chat.completion.chunk", "choices": [choice]})
    if usage:
        yield _event({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def _event(data) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"
