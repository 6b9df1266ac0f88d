"""Who may use the admin API, and that it leaves no trace where clients' requests are kept."""

from __future__ import annotations

from io import StringIO

import pytest

from mockserver.config import Settings
from mockserver.web.factory import application
from tests.admin.client import USERS, Admin, around, fresh, own, user
from tests.admin.test_routes import ROUTES, filled
from tests.harness import check_answer, contract, made

TOKEN = "t0ken-of-the-admin"


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_off_takes_every_route_away(method: str, path: str) -> None:
    """With admin=off each route is an unknown path, refused in the vendor's shape."""
    answer = fresh(admin="off").raw(method, f"/__admin{filled(path)}", b"{}")
    assert answer.status == 404
    check_answer(method, path, answer)


def test_off_leaves_the_vendors_api_and_the_probes() -> None:
    """With admin=off users are still created, and the probes answer."""
    api = made(admin="off")
    assert api.post(USERS, user()).status == 201
    assert [api.transport("GET", path, None, {}).status for path in ("/livez", "/readyz", "/metrics")] == [200] * 3


WRONG_TOKENS = [None, "", TOKEN, f"Basic {TOKEN}", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"]
WRONG_TOKENS += [f"Bearer x {TOKEN}", "Bearer \xff", f"Bearer {TOKEN.upper()}"]


@pytest.mark.parametrize("sent", WRONG_TOKENS)
def test_a_missing_or_wrong_token_is_a_401(sent: str | None) -> None:
    """Without the right token each route is a 401 that asks for it, shows nothing of it, and changes nothing."""
    open_one = own(admin_token=TOKEN)
    open_one.api().post(USERS, user())
    closed = Admin(open_one.transport, "w", {} if sent is None else {"authorization": sent})
    for method, path in ROUTES:
        answer = closed.call(method, filled(path), content=b"{}")
        assert (method, path, answer.status) == (method, path, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert TOKEN not in answer.raw.decode()
    allowed = Admin(open_one.transport, "w", {"authorization": f"Bearer {TOKEN}"})
    assert allowed.get("/state")["users"]["consumer"] == 1
    assert allowed.get("/worlds")["worlds"] == [{"name": "w"}]


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_the_right_token_lets_in(scheme: str) -> None:
    """The token is taken with the scheme in any case, as RFC 9110 has it."""
    assert Admin(own(admin_token=TOKEN).transport, "w", {"authorization": scheme + TOKEN}).get("/health")


def test_the_token_is_for_the_admin_api_alone() -> None:
    """The vendor's API, its document and the probes ask for no token."""
    admin = own(admin_token=TOKEN)
    assert admin.api().post(USERS, user()).status == 201
    for path in ("/openapi.json", "/livez", "/readyz", "/metrics"):
        assert admin.raw("GET", path).status == 200


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_secret_reaches_journal_or_log(log_format: str) -> None:
    """Token and keys stand in no journal and no log line, whoever sends them and wherever to."""
    stream = StringIO()
    settings = Settings(log_format=log_format, admin_token=TOKEN, tenancy="shared")
    admin = around(application(settings, stream, contract()), "default")
    admin.headers = {"authorization": f"Bearer {TOKEN}", "cookie": "sid=s3cret"}
    admin.call("GET", "/health")
    secrets = {**admin.headers, "proxy-authorization": "Basic s3cret"}
    admin.api("k3y-of-a-client").post(USERS, user(), headers=secrets)
    admin.api("k3y-of-a-client").get("/nowhere", headers=secrets)
    Admin(admin.transport, "default", {"authorization": f"Bearer {TOKEN}x"}).call("GET", "/health")
    kept = admin.call("GET", "/requests").raw.decode() + stream.getvalue()
    assert "POST" in kept
    assert not [secret for secret in (TOKEN, "k3y-of-a-client", "s3cret") if secret in kept]
    (entry, _) = admin.journal()
    shown = {entry["request"]["headers"][n] for n in ("x-api-key", "authorization", "cookie", "proxy-authorization")}
    assert shown == {"***"}


def test_no_admin_call_is_in_a_journal(admin: Admin) -> None:
    """Calls of the admin API and of the probes, good and bad, are no requests of a client: journal, counts, ids."""
    admin.api().post(USERS, user())
    for path in ("/health", "/requests", "/state", "/outcomes", "/settings"):
        admin.get(path)
    for path in ("/livez", "/readyz", "/metrics", "/openapi.json"):
        assert admin.raw("GET", path).status == 200
    admin.problem("GET", "/faults/none")
    admin.problem("POST", "/outcomes", {})
    assert admin.count() == 1
    assert [entry["request"]["url"] for entry in admin.journal()] == [USERS]
