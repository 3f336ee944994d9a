"""Which request is a call of a model and what its span is called; who answers. Pure look-ups."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

import openai

__all__ = ["provider_of", "route"]

_ROUTES: Final = {
    "/chat/completions": ("openai.chat", "llm"),
    "/responses": ("openai.responses", "llm"),
    "/responses/compact": ("openai.responses.compact", "llm"),
    "/completions": ("openai.completions", "llm"),
    "/embeddings": ("openai.embeddings", "embedding"),
    "/moderations": ("openai.moderations", "guardrail"),
    "/decisions": ("openai.decisions", "llm"),
    "/images/generations": ("openai.images.generate", "llm"),
    "/images/edits": ("openai.images.edit", "llm"),
    "/images/variations": ("openai.images.variation", "llm"),
    "/audio/speech": ("openai.audio.speech", "llm"),
    "/audio/transcriptions": ("openai.audio.transcriptions", "llm"),
    "/audio/translations": ("openai.audio.translations", "llm"),
    "/videos": ("openai.videos", "llm"),
    "/threads/runs": ("openai.threads.runs", "llm"),
    "/batches": ("openai.batches", "general"),
    "/files": ("openai.files", "general"),
}
_WITH_ID: Final = (
    (re.compile(r"/threads/[^/]+/runs(/[^/]+/submit_tool_outputs)?"), ("openai.threads.runs", "llm")),
    (re.compile(r"/vector_stores/[^/]+/search"), ("openai.vector_stores.search", "retriever")),
    (re.compile(r"/agents/sessions(/[^/]+/events)?"), ("openai.agents.sessions", "agent")),
    (re.compile(r"/agents/automations/[^/]+/invocations"), ("openai.agents.automations", "agent")),
    (re.compile(r"/batches/[^/]+/cancel"), ("openai.batches.cancel", "general")),
)
_DOWNLOAD: Final = re.compile(r"/files/[^/]+/content")
# What a program administers; no model answers, and some of it is secrets.
_NO_CALL: Final = re.compile(
    r"/(models|files|uploads|fine_tuning|containers|skills|webhooks|webhook_endpoints|conversations|evals|organization"
    r"|projects|admin|vector_stores|batches|assistants|threads|agents|vaults|chatkit|realtime|live|safety"
    r"|content_provenance_checks|audio/voices|audio/voice_consents)(/|$)"
)
_ID: Final = re.compile(r"/[^/]*\d[^/]*")  # a path names many things by id; a span's name must not
_HOSTS: Final = (
    ("api.openai.com", "openai"),
    ("openai.azure.com", "azure"),
    ("services.ai.azure.com", "azure"),
    ("cognitiveservices.azure.com", "azure"),
    ("openrouter.ai", "openrouter"),
    ("api.groq.com", "groq"),
    ("api.together.xyz", "together"),
    ("api.fireworks.ai", "fireworks"),
    ("api.deepseek.com", "deepseek"),
    ("api.mistral.ai", "mistral"),
    ("api.x.ai", "xai"),
    ("api.perplexity.ai", "perplexity"),
    ("api.cerebras.ai", "cerebras"),
    ("integrate.api.nvidia.com", "nvidia"),
    ("generativelanguage.googleapis.com", "google"),
    ("aiplatform.googleapis.com", "vertex"),
    ("amazonaws.com", "bedrock"),
    ("api.aws", "bedrock"),
    ("api.anthropic.com", "anthropic"),
)
_MOST_KNOWN: Final = 256
_known: dict[int, tuple[Any, type[Any], str]] = {}  # by the address of the client: taking one apart is dear
_PORTS: Final = {11434: "ollama", 1234: "lmstudio", 8000: "vllm"}  # on this machine; a guess


def route(method: str, url: str) -> tuple[str, str] | None:
    """Span name and type of a request; None for what is no call of a model. New routes get a name of their own."""
    path = url.partition("?")[0].rstrip("/")
    if method.lower() != "post":
        return ("openai.files.content", "general") if _DOWNLOAD.fullmatch(path) else None
    known = _ROUTES.get(path)
    if known is not None:
        return known
    if _NO_CALL.search(path):
        return next((found for pattern, found in _WITH_ID if pattern.fullmatch(path)), None)
    if "://" in path:
        path = urlsplit(path).path
    return f"openai{_ID.sub('', path if path.startswith('/') else f'/{path}').replace('/', '.')}", "general"


def provider_of(client: Any) -> str:
    """Who answers: by the client's class, then by its host. Loopback speaks for OpenAI, as a proxy or a test would."""
    url = client.base_url
    known = _known.get(id(url))
    if known is None or known[0] is not url or known[1] is not type(client):
        while len(_known) >= _MOST_KNOWN:
            _known.pop(next(iter(_known), 0), None)
        _known[id(url)] = known = (url, type(client), _provider(client, url))
    return known[2]


def _provider(client: Any, url: Any) -> str:
    runtime = getattr(client, "_provider_runtime", None)
    if runtime is not None and isinstance(name := getattr(runtime, "name", None), str):
        return name
    if isinstance(client, (openai.AzureOpenAI, openai.AsyncAzureOpenAI)):
        return "azure"
    host = str(url.host)
    for suffix, name in _HOSTS:
        if host.endswith(suffix) and (len(host) == len(suffix) or host[-len(suffix) - 1] in ".-"):
            return name
    if host in ("127.0.0.1", "localhost", "::1"):
        return _PORTS.get(url.port or 0, "openai")
    return host
