"""Keys, sessions, workspaces: who is let in, and to what. Real sockets, a real server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from trailmark_server.api import create_app
from trailmark_server.api.access import Access, WrongKeys
from trailmark_server.api.security import Rules
from trailmark_server.keys import Keys
from trailmark_server.store import StoreError, open_store

from .conftest import answering, new_id, span

PING = "/api/is-alive/ping"
PROJECTS = "/api/v1/projects"


@contextmanager
def serving(home: Path, **rules: Any) -> Iterator[tuple[httpx2.Client, Any]]:
    store = open_store(home / "trailmark.db")
    app = create_app(store, home, rules=Rules(Access(Keys(home), is_required=rules.pop("is_required", False)), **rules))
    with answering(app) as client:
        yield client, app
    app.state.stores.close()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
def http(tmp_path: Path, keys: Keys) -> Iterator[httpx2.Client]:
    with serving(tmp_path) as (client, _):
        yield client


def bearer(secret: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}", **more}


def post(http: httpx2.Client, record: dict[str, Any], headers: dict[str, str]) -> httpx2.Response:
    return http.post("/api/v1/ingest", content=orjson.dumps(record), headers=headers)


def names(http: httpx2.Client, headers: dict[str, str]) -> list[str]:
    return [project["name"] for project in http.get(PROJECTS, headers=headers).json()]


def test_without_keys_loopback_asks_for_none(http: httpx2.Client) -> None:
    assert http.get(PROJECTS).status_code == 200
    assert http.get("/api/v1/session").json() == {"auth": False, "workspace": "default", "admin": True}


def test_the_first_key_closes_the_server_while_it_runs(http: httpx2.Client, keys: Keys) -> None:
    key, secret = keys.create("ada", "default")
    refused = http.get(PROJECTS)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert "wants a key" in refused.json()["detail"]
    for given in (f"Bearer {secret}", f"bearer {secret}", secret):
        assert http.get(PROJECTS, headers={"Authorization": given}).status_code == 200
    keys.revoke(key.id)
    keys.create("bob", "default")
    assert http.get(PROJECTS, headers=bearer(secret)).status_code == 401


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer x", "Basic dTpw", "tm_00000000_" + "A" * 43, "Bearer " + "é", "x" * 5000]
)
def test_what_is_no_key_is_refused(http: httpx2.Client, keys: Keys, given: str) -> None:
    _, secret = keys.create("ada", "default")
    headers = [(b"Authorization", given.encode())]
    assert http.get(PROJECTS, headers=headers).status_code == 401
    assert http.get(PROJECTS, headers=bearer(secret[:-1] + ("A" if secret[-1] != "A" else "B"))).status_code == 401
    assert http.get(PROJECTS, params={"api_key": secret, "key": secret}).status_code == 401


def test_a_key_sees_its_own_workspace_only(http: httpx2.Client, keys: Keys) -> None:
    (_, red), (_, blue) = keys.create("r", "red"), keys.create("b", "blue")
    secret_trace = span(project="plans", name="secret")
    assert post(http, secret_trace, bearer(red)).status_code == 200
    assert (names(http, bearer(red)), names(http, bearer(blue))) == (["plans"], [])
    url = f"/api/v1/traces/{secret_trace['trace_id']}"
    assert http.get(url, headers=bearer(red)).status_code == 200
    for path in (url, f"{url}/spans/{secret_trace['id']}", f"/api/v1/private/traces/{secret_trace['trace_id']}"):
        assert http.get(path, headers=bearer(blue)).status_code == 404, path
    assert http.delete(url, headers=bearer(blue)).status_code == 404
    # the same ids written from the other side are another trace
    assert post(http, {**secret_trace, "name": "mine", "ver": 99}, bearer(blue)).status_code == 200
    assert http.get(url, headers=bearer(red)).json()["trace"]["name"] == "secret"


def test_a_workspace_that_is_not_the_keys_is_refused(http: httpx2.Client, keys: Keys) -> None:
    _, secret = keys.create("r", "red")
    for asked, status in (("red", 200), ("default", 200), ("blue", 403), ("../red", 403)):
        assert http.get(PROJECTS, headers=bearer(secret, **{"Comet-Workspace": asked})).status_code == status


def test_clients_of_another_workspace_are_not_shown(http: httpx2.Client, keys: Keys) -> None:
    (_, red), (_, blue) = keys.create("r", "red"), keys.create("b", "blue")
    report = {"x-trailmark-client": '{"client": "c1", "mode": "disk", "dropped": {"full": 3}}'}
    post(http, span(), bearer(red, **report))
    assert len(http.get("/api/v1/meta", headers=bearer(red)).json()["clients"]) == 1
    meta = http.get("/api/v1/meta", headers=bearer(blue)).json()
    assert (meta["clients"], meta["workspace"], meta["auth"]) == ([], "blue", True)


def routes_of(app: Any) -> set[tuple[str, str]]:
    """Every (method, path) the application answers to, however its routers are nested."""
    found: set[tuple[str, str]] = set()
    waiting = [(route, "") for route in app.routes]
    while waiting:
        route, head = waiting.pop()
        inner = getattr(route, "original_router", None)
        if inner is not None:
            waiting += [(one, head + getattr(route, "prefix", "")) for one in inner.routes]
        elif getattr(route, "methods", None):
            found |= {(method, head + route.path) for method in route.methods}
        else:
            raise AssertionError(f"{route!r}: this test does not know what it answers to")
    return found


# Each is public because it holds nothing that was recorded. A new route belongs here only for that reason.
FOR_ANYONE = {
    ("GET", "/api/is-alive/ping"), ("GET", "/is-alive/ping"), ("GET", "/healthz"), ("GET", "/readyz"),
    ("GET", "/api/v1/session"), ("POST", "/api/v1/session"), ("DELETE", "/api/v1/session"),
    ("GET", "/api/v1/session/redirect/projects/"), ("GET", "/t/{trace_id}"), ("GET", "/{path:path}"),
}  # fmt: skip


def test_every_route_wants_a_key_unless_it_is_listed(tmp_path: Path, keys: Keys) -> None:
    _, other = keys.create("ada", "default")
    keys.revoke(keys.all()[0].id)
    keys.create("bob", "default")
    with serving(tmp_path) as (http, app):
        routes = routes_of(app)
        assert len(routes) > 60
        assert routes >= FOR_ANYONE
        for method, path in sorted(routes - FOR_ANYONE):
            url = path.replace("{project:path}", "p").replace("{id:path}", "i")
            while "{" in url:
                url = url[: url.index("{")] + new_id() + url[url.index("}") + 1 :]
            for headers in (
                {},
                bearer(other),
                {"Cookie": "trailmark_session=x.9999999999.y"},
                {"Authorization": "Bearer"},
            ):
                answer = http.request(method, url, headers=headers)
                assert answer.status_code in (401, 429), (method, url, headers, answer.status_code)


def test_a_session_is_a_cookie_no_script_can_read(http: httpx2.Client, keys: Keys) -> None:
    key, secret = keys.create("ada", "red")
    assert http.post("/api/v1/session", json={"key": "tm_no"}).status_code == 401
    signed = http.post("/api/v1/session", json={"key": secret})
    cookie = signed.headers["set-cookie"]
    assert signed.json() == {"auth": True, "workspace": "red", "admin": False}
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert secret not in cookie
    assert http.get(PROJECTS).status_code == 200  # the client keeps the cookie
    assert http.get("/api/v1/session").json()["workspace"] == "red"
    value = http.cookies["trailmark_session"]
    for forged in (
        value[:-1] + ("0" if value[-1] != "0" else "1"),
        value.replace(value.split(".")[1], "99999999999"),
        f"{key.id}.1.x",
        key.id,
    ):
        assert (
            httpx2.get(
                str(http.base_url).rstrip("/") + PROJECTS,
                headers={"Cookie": f"trailmark_session={forged}"},
                trust_env=False,
            ).status_code
            == 401
        )
    keys.revoke(key.id)
    keys.create("bob", "red")
    assert http.get(PROJECTS).status_code == 401


def test_a_session_outlives_the_server_and_ends_with_its_secret(tmp_path: Path, keys: Keys) -> None:
    _, secret = keys.create("ada", "default")
    with serving(tmp_path) as (http, _):
        http.post("/api/v1/session", json={"key": secret})
        cookie = {"Cookie": f"trailmark_session={http.cookies['trailmark_session']}"}
    assert (tmp_path / "session.key").stat().st_mode & 0o777 == 0o600
    with serving(tmp_path) as (http, _):
        assert http.get(PROJECTS, headers=cookie).status_code == 200
        (tmp_path / "session.key").unlink()
        assert http.get(PROJECTS, headers=cookie).status_code == 401


def test_who_sends_many_wrong_keys_is_told_to_wait_and_the_right_one_passes(http: httpx2.Client, keys: Keys) -> None:
    _, secret = keys.create("ada", "default")
    answers = [http.get(PROJECTS, headers=bearer("tm_no")) for _ in range(10)]
    answers += [http.post("/api/v1/session", json={"key": "tm_no"}) for _ in range(10)]
    assert {answer.status_code for answer in answers} == {401}
    for late in (http.get(PROJECTS, headers=bearer("tm_no")), http.post("/api/v1/session", json={"key": "tm_no"})):
        assert late.status_code == 429
        assert 0 < int(late.headers["retry-after"]) <= 61
        assert late.json()["retry_after_s"] == int(late.headers["retry-after"])
    assert http.get(PROJECTS).status_code == 401  # no key is no wrong key
    assert http.get(PROJECTS, headers=bearer(secret)).status_code == 200
    assert http.post("/api/v1/session", json={"key": secret}).status_code == 200


def test_wrong_keys_are_counted_by_address_and_minute() -> None:
    now = [1000.0]
    wrong = WrongKeys(lambda: now[0])
    one, other = {"client": ("10.0.0.1", 5)}, {"client": ("10.0.0.2", 5)}
    assert [wrong.wait_s(one) for _ in range(21)] == [0] * 20 + [61]
    assert wrong.wait_s(other) == 0
    now[0] += 60
    assert wrong.wait_s(one) == 0


def test_signing_out_takes_the_cookie_away(http: httpx2.Client, keys: Keys) -> None:
    _, secret = keys.create("ada", "default")
    http.post("/api/v1/session", json={"key": secret})
    assert http.delete("/api/v1/session").status_code == 204
    assert http.get(PROJECTS).status_code == 401


def test_a_permalink_says_nothing_to_strangers(http: httpx2.Client, keys: Keys) -> None:
    _, secret = keys.create("ada", "default")
    one = span(project="secret plans")
    post(http, one, bearer(secret))
    assert http.get(f"/t/{one['trace_id']}").status_code == 200  # the page, which asks for a key
    assert http.get(f"/t/{one['trace_id']}", headers=bearer(secret)).status_code == 307


def test_keys_are_kept_as_hashes_and_shown_once(tmp_path: Path, keys: Keys) -> None:
    key, secret = keys.create("ada", "default")
    file = tmp_path / "keys.json"
    assert secret not in file.read_text()
    assert secret.split("_", 2)[2] not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert Keys(tmp_path).find(secret) == key
    assert Keys(tmp_path).find(secret + "x") is None


@pytest.mark.parametrize("workspace", ["", "../x", "a/b", "A", "a..b", "x" * 64, ".x"])
def test_a_workspace_is_a_plain_name(keys: Keys, workspace: str) -> None:
    with pytest.raises(StoreError, match="workspace is"):
        keys.create("ada", workspace)


def test_a_broken_key_file_lets_nobody_in(http: httpx2.Client, tmp_path: Path, keys: Keys) -> None:
    _, secret = keys.create("ada", "default")
    (tmp_path / "keys.json").write_text("{")
    assert http.get(PROJECTS, headers=bearer(secret)).status_code >= 400
    assert http.get(PROJECTS).status_code >= 400


def test_a_server_that_needs_keys_stays_closed_without_any(tmp_path: Path) -> None:
    with serving(tmp_path, is_required=True) as (http, _):
        assert http.get(PROJECTS).status_code == 401
        assert http.get(PING).status_code == 200


def test_names_it_was_told_and_plain_addresses_are_its_own(tmp_path: Path) -> None:
    with serving(tmp_path, hosts=frozenset({"traces.example"}), any_address=True) as (http, _):
        for host, status in (("traces.example", 200), ("traces.example:443", 200), ("10.0.0.5:7171", 200), ("evil.example", 421),
                             ("traces.example.evil.example", 421), ("0.0.0.0", 421), ("a@traces.example", 421)):  # fmt: skip
            assert http.get(PROJECTS, headers={"Host": host}).status_code == status, host


@pytest.mark.parametrize("root", ["/trail", "/a/b"])
def test_a_proxy_may_serve_it_under_a_path(tmp_path: Path, keys: Keys, root: str) -> None:
    _, secret = keys.create("ada", "default")
    with serving(tmp_path, root_path=root) as (http, _):
        for path in (f"{root}{PROJECTS}", PROJECTS):  # whether the proxy leaves its prefix or takes it off
            assert http.get(path).status_code == 401
            assert http.get(path, headers=bearer(secret)).status_code == 200
        assert http.get("/trailing/api/v1/projects").status_code == 401
        page = http.get(f"{root}/p/x/traces")
        if "trailmark-base" in page.text:
            assert f'content="{root}"' in page.text
            assert f'src="{root}/boot.js"' in page.text
            assert 'src="/' not in page.text.replace(f'src="{root}/', "")
        assert f"Path={root}" in http.post(f"{root}/api/v1/session", json={"key": secret}).headers["set-cookie"]
        one = span()
        post(http, one, bearer(secret))
        moved = http.get(f"{root}/t/{one['trace_id']}", headers=bearer(secret))
        assert moved.headers["location"].startswith(f"{root}/p/Default%20Project/traces/")


def test_a_fault_of_ours_is_a_problem_with_a_request_id(
    http: httpx2.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer = http.get("/api/v1/traces/none")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    (tmp_path / "keys.json").write_text("{")
    broken = http.get(PROJECTS)
    assert broken.status_code == 500
    assert broken.headers["content-type"] == "application/problem+json"
    assert broken.json()["request_id"] == broken.headers["x-request-id"]
    assert broken.headers["x-content-type-options"] == "nosniff"
    assert "Traceback" not in broken.text


def test_health_readiness_and_metrics(http: httpx2.Client, keys: Keys) -> None:
    assert http.get("/healthz").json() == {"state": "ok"}
    assert http.get("/readyz").json() == {"state": "ok"}
    post(http, span(), {})
    text = http.get("/metrics").text
    assert 'trailmark_requests_total{area="ingest",method="POST",status="200"} 1' in text
    assert 'trailmark_records_total{outcome="accepted"} 1' in text
    assert 'trailmark_store_bytes{workspace="default"}' in text
    for line in text.splitlines():
        assert line.startswith("# TYPE ") or (len(line.rsplit(" ", 1)) == 2 and float(line.rsplit(" ", 1)[1]) >= 0)
    keys.create("ada", "default")
    assert http.get("/metrics").status_code == 401
    assert http.get("/healthz").status_code == 200


def test_the_first_key_made_on_the_page_is_an_admins_and_only_its_session_makes_more(
    http: httpx2.Client, keys: Keys
) -> None:
    first = http.post("/api/v1/keys", json={"name": "me"})
    assert (first.status_code, first.json()["admin"], first.headers["cache-control"]) == (201, True, "no-store")
    secret = first.json()["key"]
    assert http.get("/api/v1/keys").status_code == 401
    assert http.get("/api/v1/keys", headers=bearer(secret)).status_code == 403  # a program's key makes no keys

    http.post("/api/v1/session", json={"key": secret})
    made = http.post("/api/v1/keys", json={"name": "ci", "workspace": "red"}).json()
    assert not made["admin"]
    known = http.get("/api/v1/keys").json()
    assert [(key["name"], key["workspace"], key["admin"]) for key in known] == [
        ("me", "default", True), ("ci", "red", False),
    ]  # fmt: skip
    assert secret not in str(known)
    assert keys.all()[0].hash not in str(known)
    assert http.get(PROJECTS, headers=bearer(made["key"])).status_code == 200
    assert http.delete(f"/api/v1/keys/{first.json()['id']}").status_code == 409
    assert http.delete(f"/api/v1/keys/{made['id']}").status_code == 204
    assert http.delete(f"/api/v1/keys/{made['id']}").status_code == 404
    for wrong in ({"name": ""}, {"name": "x", "workspace": "../x"}, {"name": "x", "role": "root"}, {"name": "a\nb"}):
        assert http.post("/api/v1/keys", json=wrong).status_code in (400, 422), wrong


@pytest.mark.parametrize(
    "passed_on",
    [{"X-Forwarded-For": "10.0.0.5"}, {"X-Forwarded-Proto": "https"}, {"Forwarded": "for=10.0.0.5"}, {"Via": "1.1 proxy"},
     {"X-Real-IP": "10.0.0.5"}, {"Host": "traces.example"}],
)  # fmt: skip
def test_the_first_key_is_never_made_through_a_proxy(tmp_path: Path, keys: Keys, passed_on: dict[str, str]) -> None:
    with serving(tmp_path, hosts=frozenset({"traces.example"})) as (http, _):
        assert http.post("/api/v1/keys", json={"name": "x"}, headers=passed_on).status_code == 403
        assert not http.get("/api/v1/session", headers=passed_on).json()["admin"]
        assert http.get("/api/v1/session").json()["admin"]
    assert keys.all() == []


def test_the_first_key_is_never_made_under_a_proxys_path(tmp_path: Path) -> None:
    with serving(tmp_path, root_path="/trail") as (http, _):
        refused = http.post("/trail/api/v1/keys", json={"name": "x"})
    assert (refused.status_code, "trailmark keys create" in refused.json()["detail"]) == (403, True)


def test_a_session_of_another_key_and_another_site_make_no_keys(http: httpx2.Client, keys: Keys) -> None:
    (_, plain), (_, admin) = keys.create("ci", "default"), keys.create("ada", "default", is_admin=True)
    http.post("/api/v1/session", json={"key": plain})
    for method, path in (("GET", ""), ("POST", ""), ("DELETE", "/" + keys.all()[0].id)):
        assert http.request(method, f"/api/v1/keys{path}", json={"name": "x"}).status_code == 403
    http.post("/api/v1/session", json={"key": admin})
    elsewhere = {"Origin": "https://evil.example"}
    assert http.post("/api/v1/keys", json={"name": "x"}, headers=elsewhere).status_code == 403
    assert len(keys.all()) == 2
