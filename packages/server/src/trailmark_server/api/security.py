"""What every request must pass and every answer carries."""

from __future__ import annotations

import ipaddress
import logging
import secrets
import time
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trailmark_server import __version__
from trailmark_server.api.access import LOOPBACK, Access, is_loopback, is_public
from trailmark_server.api.deadlines import BODY_S, Body
from trailmark_server.api.load import KEY, Held, Load
from trailmark_server.api.observed import Observed
from trailmark_server.api.problems import Problem, problem, request_id
from trailmark_server.workspaces import current

__all__ = ["CSP", "Rules", "Security"]

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "font-src 'self'; connect-src 'self'; frame-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types trailmark-worker"
)
_FEATURES: Final = (  # of the browser, which neither the page nor a recorded document it shows may use
    "accelerometer", "autoplay", "bluetooth", "camera", "clipboard-read", "display-capture", "encrypted-media",
    "geolocation", "gyroscope", "hid", "idle-detection", "local-fonts", "magnetometer", "microphone", "midi", "payment",
    "picture-in-picture", "publickey-credentials-get", "screen-wake-lock", "serial", "storage-access", "usb",
    "window-management", "xr-spatial-tracking",
)  # fmt: skip
_HEADERS: Final = {
    "x-trailmark": __version__,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _FEATURES),
}
# What a page of another site may send without asking first (CORS): never taken for a change.
_SIMPLE: Final = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data")
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
log = logging.getLogger("trailmark.server")


@dataclass(frozen=True, slots=True)
class Rules:
    """`hosts`: names the server answers to beside loopback's; `any_address`: and to every plain IP address, which no
    foreign name can stand for. `root_path`: where a proxy serves it, `/trailmark`. `body_s`: how long a body may keep
    us waiting."""

    access: Access
    hosts: frozenset[str] = frozenset()
    any_address: bool = False
    root_path: str = ""
    body_s: float = BODY_S
    load: Load = field(default_factory=Load)


class Security:
    """Host allow-list against DNS rebinding, same-origin rule for changes, keys, headers; and no error without form."""

    def __init__(self, app: ASGIApp, rules: Rules, observed: Observed) -> None:
        self._app, self._rules, self._observed = app, rules, observed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # no websockets here
        began, sent = time.perf_counter(), [0]
        held = Held(self._rules.load)
        scope = {**_under(self._rules.root_path, scope), KEY: held}
        id_token = request_id.set(secrets.token_hex(8))
        body = Body(receive, self._rules.body_s)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent[0] = message["status"]
                headers = MutableHeaders(scope=message)
                headers.update({**_HEADERS, "X-Request-Id": request_id.get()})
                if body.is_late:  # the rest may still come, and is no request
                    headers["Connection"] = "close"
                headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
            await send(message)

        try:
            await self._answer(scope, body.receive, send_with_headers)
        except Exception:
            log.exception("%s %s failed (request %s)", scope["method"], scope["path"], request_id.get())
            if sent[0]:
                raise  # the answer has begun: only closing the connection tells that it is not whole
            failed = problem(500, "the server failed at this; its log has the reason under the request's id")
            await failed(scope, body.receive, send_with_headers)
        finally:
            held.release()
            workspace = scope.get("trailmark.workspace") or "-"
            self._observed.request(scope, sent[0], time.perf_counter() - began, workspace, request_id.get())
            request_id.reset(id_token)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        refusal = _refusal(scope["method"], headers, self._rules)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        try:
            workspace = self._rules.access.workspace(headers)
            if workspace is None and "authorization" in headers:
                self._rules.access.refuse(scope)
        except Problem as error:
            await problem(error.status, error.detail, **error.more)(scope, receive, send)
            return
        path = scope["path"].removeprefix(self._rules.root_path)
        if workspace is None and not is_public(path):
            await _unknown()(scope, receive, send)
            return
        scope["trailmark.workspace"] = workspace
        token = current.set(workspace) if workspace is not None else None
        try:
            await self._app(scope, receive, send)
        finally:
            if token is not None:
                current.reset(token)


def _under(root: str, scope: Scope) -> Scope:
    """The same whether the proxy in front takes its prefix off or leaves it."""
    if not root:
        return scope
    path: str = scope["path"]
    inside = path == root or path.startswith(f"{root}/")
    return {**scope, "root_path": root, "path": path if inside else root + path}


def _refusal(method: str, headers: Headers, rules: Rules) -> Response | None:
    hosts = headers.getlist("host")
    host = hosts[0] if len(hosts) == 1 else ""
    if not _is_ours(host, rules):
        known = ", ".join(sorted(LOOPBACK | rules.hosts))
        return problem(421, f"Host is {host[:200]!r}; this server answers to {known}; more with --allowed-host")
    if method in _SAFE:
        return None
    origin = headers.get("origin")
    if origin is not None and _netloc(origin) != host:
        return problem(
            403, f"Origin is {origin[:200]!r}; changes are taken from this server's own page and from programs"
        )
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return problem(403, "Sec-Fetch-Site says that another site asks; changes are taken from this server's own page")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if method == "POST" and kind in _SIMPLE:
        return problem(
            415, f"Content-Type is {kind!r}; allowed: application/json, application/x-ndjson, application/x-protobuf"
        )
    return None


def _unknown() -> Response:
    refused = problem(401, "this server wants a key: Authorization: Bearer <key>, or sign in on the page")
    refused.headers["WWW-Authenticate"] = "Bearer"
    return refused


def _is_ours(host: str, rules: Rules) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    if name is None or "@" in host or "/" in host:
        return False
    if is_loopback(name) or name in rules.hosts:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return rules.any_address and not address.is_unspecified


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
