"""A world's clock and settings, and the probes and figures of the server."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mockserver.errors import Unavailable
from mockserver.world.memory import MemoryStore
from mockserver.world.redis import RedisStore
from mockserver.world.sqlite import SqliteStore
from tests.admin.client import EVENTS, USERS, Admin, event, fresh, own, user

START = 1767225600000  # 2026-01-01T00:00:00Z


def test_the_clock_freezes_ticks_and_runs_again(admin: Admin) -> None:
    """A frozen clock is one millisecond further with each request and with nothing else; freeze=false lets it run."""
    assert admin.get("/clock")["frozen"] is False
    for given in ("2026-01-01T00:00:00Z", START, str(START), "2026-01-01T01:00:00+01:00"):
        assert admin.post("/clock", {"freeze": given}) == {"now": START, "frozen": True}
    for _ in range(3):
        admin.api().get(f"{USERS}/u")
        admin.get("/state")
    assert admin.get("/clock") == {"now": START + 3, "frozen": True}
    assert [entry["request"]["loggedDate"] for entry in admin.journal()] == [START, START + 1, START + 2]
    assert admin.post("/clock", {"freeze": False})["frozen"] is False
    assert admin.get("/clock")["now"] > START + 10**9
    now = admin.post("/clock", {"freeze": True})["now"]
    assert admin.get("/clock")["now"] == now > START + 10**9


@pytest.mark.parametrize("freeze", [True, False])
def test_the_clock_is_set_and_advanced(admin: Admin, freeze: bool) -> None:
    """Set and advance move the clock, which goes on as it did, running or frozen."""
    admin.post("/clock", {"freeze": freeze})
    admin.api().get(f"{USERS}/u")
    assert admin.post("/clock", {"set": START})["frozen"] is freeze
    assert START <= admin.get("/clock")["now"] <= START + (0 if freeze else 5000)
    admin.post("/clock", {"advanceMs": 3_600_000})
    admin.post("/clock", {"advanceMs": -600_000})
    now = admin.get("/clock")
    assert START + 3_000_000 <= now["now"] <= START + 3_000_000 + (0 if freeze else 5000)
    assert now["frozen"] is freeze


def test_concurrent_advances_are_all_kept() -> None:
    """Each of many advances at once counts: a change of the clock is atomic."""
    admin = fresh()
    admin.post("/clock", {"freeze": START})
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: admin.post("/clock", {"advanceMs": 1000}), range(100)))
    finally:
        sys.setswitchinterval(before)
    assert admin.get("/clock")["now"] == START + 100_000


def test_the_ttl_of_a_fault_follows_the_clock(admin: Admin) -> None:
    """A fault with ttlMs fires until the world's clock has passed it, wherever real time is."""
    admin.post("/clock", {"freeze": START})
    admin.post("/faults", {"effect": {"status": 503}, "ttlMs": 1000})
    api = admin.api()
    told = []
    for advance in (0, 990, 100, -500):
        admin.post("/clock", {"advanceMs": advance})
        told.append(api.get(f"{USERS}/u").status)
    assert told == [503, 503, 404, 503]


def test_a_fault_outlives_no_clearing_of_the_journal() -> None:
    """Emptying the journal is no change of time: a fault whose time is over stays over."""
    admin = fresh()
    admin.post("/clock", {"freeze": START})
    admin.post("/faults", {"effect": {"status": 503}, "ttlMs": 5})
    api = admin.api()
    assert [api.get(f"{USERS}/u").status for _ in range(7)] == [503] * 5 + [404] * 2
    admin.delete("/requests")
    assert api.get(f"{USERS}/u").status == 404


def test_no_vendor_answer_shows_the_clock(admin: Admin) -> None:
    """Server time never shows in a vendor answer: at any time the answers are the same."""
    answers = []
    for number, at in enumerate((START, 5)):
        one = admin.of(f"{admin.world}-{number}")
        one.post("/clock", {"freeze": at})
        api = one.api()
        sent = [api.post(USERS, user()), api.post(EVENTS, event()), api.get(f"{USERS}/u"), api.get(f"{USERS}/none")]
        answers.append([(answer.status, answer.raw) for answer in sent])
    assert answers[0] == answers[1]


SETTINGS: list[tuple[dict[str, Any], tuple[str, str, Any], int, str]] = [
    ({"validation": "lenient"}, ("POST", USERS, {"userId": "x"}), 201, ""),
    ({"validation": "strict"}, ("POST", USERS, user("x", odd=1)), 400, "odd"),
    ({"onDuplicate": "reject"}, ("POST", USERS, user("u")), 400, "u"),
    ({"onDuplicate": "merge"}, ("GET", f"{USERS}/u", None), 200, '"userId"'),
    ({"answers": "example"}, ("GET", f"{USERS}/nobody", None), 200, "nobody"),
    ({"answers": "generated", "seed": 3}, ("GET", f"{USERS}/nobody", None), 200, "nobody"),
    ({"outcome": "clean"}, ("POST", USERS, user("x")), 201, "executedRules"),
]


@pytest.mark.parametrize(("settings", "request_", "status", "said"), SETTINGS, ids=str)
def test_a_setting_is_of_its_world_at_once(
    admin: Admin, settings: dict[str, Any], request_: tuple[str, str, Any], status: int, said: str
) -> None:
    """What is set for a world holds from its next request on, and DELETE brings the server's settings back."""
    admin.api().post(USERS, user("u"))
    defaults = admin.get("/settings")["settings"]
    shown = admin.call("PATCH", "/settings", settings).body
    assert shown == {"settings": {**defaults, **settings}, "own": settings} == admin.get("/settings")
    method, path, body = request_
    answer = admin.api().call(method, path, body)
    assert answer.status == status
    assert said in answer.raw.decode()
    assert admin.delete("/settings") == {"settings": defaults, "own": {}}


def test_the_probes_ask_for_no_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    """The probes answer without a key, and readyz fails where the store does."""
    admin = own()
    assert (admin.raw("GET", "/livez").status, admin.raw("GET", "/livez").body) == (200, {"status": "alive"})
    assert admin.raw("GET", "/readyz").body["status"] == "ready"

    def away(*_: object) -> None:
        raise Unavailable("the store is away")

    for kind in (MemoryStore, SqliteStore, RedisStore):
        monkeypatch.setattr(kind, "ping", away)
    answer = admin.raw("GET", "/readyz")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert admin.raw("GET", "/livez").status == 200


def figures(admin: Admin) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Each sample of /metrics by name and labels, as Prometheus reads it."""
    answer = admin.raw("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(answer.raw.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_metrics_count_by_operation_and_status_alone() -> None:
    """Counts are of all worlds, labelled by operation and status; no id, world or key is in them."""
    admin = own(journal_size=2)
    for world in ("w", "secret-world"):
        api = admin.of(world).api()
        for number in range(3):
            api.post(USERS, user(f"secret-id-{number}"))
        api.get(f"{USERS}/secret-none")
        api.get("/secret-path")
        api.post("/transactions", {})
    counted = figures(admin)
    requests = {
        (dict(labels)["operation"], dict(labels)["status"]): value
        for labels, value in counted["mockserver_requests_total"].items()
    }
    assert requests == {
        ("createConsumerUser", "201"): 6,
        ("getConsumerUser", "404"): 2,
        ("unmatched", "404"): 2,
        ("verifyTransaction", "400"): 2,
    }
    assert {tuple(dict(labels)) for labels in counted["mockserver_requests_total"]} == {("operation", "status")}
    assert counted["mockserver_worlds"] == {(): 2}
    assert b"secret" not in admin.raw("GET", "/metrics").raw
    assert figures(own())["mockserver_worlds"] == {(): 0}


def test_metrics_without_prometheus_client_are_a_501(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the optional package is missing the answer says how to get it, and all else works."""
    admin = own()
    monkeypatch.delitem(sys.modules, "mockserver.web.metrics", raising=False)
    for name in [name for name in sys.modules if name.split(".")[0] == "prometheus_client"]:
        monkeypatch.setitem(sys.modules, name, None)
    answer = admin.raw("GET", "/metrics")
    assert answer.status == 501
    assert "flagright-mockserver[metrics]" in answer.body["message"]
    assert admin.raw("GET", "/readyz").status == 200
