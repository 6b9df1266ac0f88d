"""Worlds: made, listed, deleted, apart from one another, equal where their seeds are, and new after a reset."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from tests.admin.client import EVENTS, USERS, Admin, event, fresh, own, user
from tests.harness import ROOT, other_hash_seed, over_http, running

OUTCOMES = ["clean", "flagged", "blocked", "suspended", "sanctions_hit", "pep_hit", "high_risk", "shadow_hit"]


def test_worlds_are_made_listed_and_deleted() -> None:
    """A world is there once it is made or used, with the key that lives in it, and gone once it is deleted."""
    admin = own()
    made = admin.post("/worlds", {"name": "a"})
    assert admin.post("/worlds", {"name": "a"}) == made == {"name": "a", "key": "world-a"}
    admin.api(made["key"]).post(USERS, user())
    admin.of("b").api().post(USERS, user())
    assert sorted(world["name"] for world in admin.get("/worlds")["worlds"]) == ["a", "b"]
    assert admin.of("a").get("/state")["users"]["consumer"] == 1
    admin.of("a").put("/snapshots/s")
    admin.delete("/worlds/a")
    assert [world["name"] for world in admin.get("/worlds")["worlds"]] == ["b"]
    assert admin.of("a").get("/snapshots")["snapshots"] == []
    assert admin.api("world-a").get(f"{USERS}/u").status == 404
    assert admin.of("b").get("/state")["users"]["consumer"] == 1


@pytest.mark.parametrize("name", ["a b", "a/b", "a%b", "a?b&c", "default", "x" * 200, "a#b", "..", "+"])
def test_a_world_of_any_name_is_made_used_and_deleted(name: str) -> None:
    """The key that makes a world gives leads into it, and its name, escaped, reaches and deletes it."""
    admin = own(name)
    made = admin.post("/worlds", {"name": name})
    admin.api(made["key"]).post(USERS, user())
    assert admin.get("/state") == {
        "world": name,
        "users": {"consumer": 1, "business": 0},
        "transactions": {"transaction": 0},
        "events": {"consumer": 0, "business": 0, "transaction": 0},
    }
    admin.delete(f"/worlds/{quote(name, safe='')}")
    assert admin.get("/worlds")["worlds"] == []


@pytest.mark.parametrize("name", [" ", "a ", "\t"])
def test_a_name_that_no_key_can_lead_to_is_refused(name: str) -> None:
    """Blanks around a key do not count, so that a world of such a name could never be used."""
    assert own().problem("POST", "/worlds", {"name": name})[0] == 422


@pytest.mark.parametrize("tenancy", ["auto", "per-key", "shared"])
@pytest.mark.parametrize("name", ["default", "a"])
def test_the_key_of_a_made_world_leads_into_it(tenancy: str, name: str) -> None:
    """The key that POST worlds gives is one of that world under each tenancy, or the world is refused."""
    admin = own(name, tenancy=tenancy)
    made = admin.call("POST", "/worlds", {"name": name})
    if made.status == 201:
        admin.api(made.body["key"]).post(USERS, user())
        assert admin.get("/state")["users"]["consumer"] == 1


def test_what_is_set_in_one_world_shows_in_no_other(admin: Admin) -> None:
    """Settings, clock, faults, outcomes, users, snapshots and journal of a world are its own."""
    other = admin.of(f"{admin.world}-other")
    before = {path: other.get(path) for path in ("/settings", "/faults", "/outcomes", "/snapshots", "/state")}
    admin.post("/settings", {"answers": "example", "validation": "strict"})
    admin.post("/clock", {"freeze": 1_000_000})
    admin.post("/outcomes", {"outcome": "clean"})
    admin.api().post(USERS, user())
    admin.put("/snapshots/s")
    admin.post("/faults", {"effect": {"status": 503}})
    assert {path: other.get(path) for path in before} == before
    assert other.get("/clock")["now"] > 1_600_000_000_000
    assert other.api().get(f"{USERS}/u").status == 404
    assert other.count() == 1


def _busy(url: str, number: int) -> tuple[Admin, list[str]]:
    """Some 32 requests in a world with an outcome, a fault and a seed of its own; what seems to be another's."""
    admin = Admin(over_http(url), f"busy-{number}")
    api, mine, wrong = admin.api(), OUTCOMES[number % 8], list[str]()
    admin.post("/settings", {"outcome": mine, "seed": number})
    admin.post("/faults", {"match": {"path": "*/victim"}, "effect": {"status": 500 + number}, "times": number % 3 + 1})
    for step in range(8):
        created = api.post(USERS, user(f"u{step}", reasonForOpeningAccount=[f"world {number}"]))
        read = api.get(f"{USERS}/u{step}").body
        api.post(EVENTS, event(f"u{step}", eventId=f"e{step}"))
        hit = api.get(f"{USERS}/victim").status
        if hit != (500 + number if step < number % 3 + 1 else 404):
            wrong.append(f"fault {step}: {hit}")
        if created.status != 201 or read["reasonForOpeningAccount"] != [f"world {number}"]:
            wrong.append(f"user {step}: {created.status} {read}")
    generated = api.get(f"{USERS}/generated", headers={"prefer": "answers=generated"}).body
    if generated != api.get(f"{USERS}/generated", headers={"prefer": f"answers=generated, seed={number}"}).body:
        wrong.append("seed")
    return admin, wrong


def test_64_worlds_at_once_show_nothing_of_one_another() -> None:
    """64 worlds with other outcomes, faults and seeds, used at once for 2000 requests, are each as if alone."""
    with running(world="empty") as server, ThreadPoolExecutor(16) as pool:
        for number, (admin, wrong) in enumerate(pool.map(lambda n: _busy(server.url, n), range(64))):
            assert wrong == []
            journal = [entry["request"] for entry in admin.journal()]
            assert {entry["mockserver"]["world"] for entry in journal} == {admin.world}
            assert {entry["headers"]["x-api-key"] for entry in journal} == {"***"}
            decided = {entry["mockserver"]["outcome"] for entry in journal if entry["method"] == "POST"}
            assert decided == {OUTCOMES[number % 8]}
            assert (len(journal), admin.count()) == (34, 34)
            (fault,) = admin.get("/faults")["faults"]
            assert (fault["matched"], fault["fired"]) == (8, number % 3 + 1)
            assert admin.get("/state")["users"] == {"consumer": 8, "business": 0}
            seeds = {admin.get("/settings")["settings"]["seed"], number}
            assert seeds == {number}


def script(admin: Admin) -> list[Any]:
    """Requests of all sorts, with chance in them; what the vendor's API answered."""
    admin.post("/clock", {"freeze": "2026-01-01T00:00:00Z"})
    admin.post("/settings", {"seed": 42})
    admin.post("/faults", {"effect": {"status": 503}, "probability": 0.3, "match": {"method": "GET"}})
    admin.post("/faults", {"effect": {"delay": {"type": "lognormal", "median": 1, "sigma": 1}}, "phase": "after"})
    admin.post("/outcomes", {"outcome": "blocked", "times": 2})
    admin.post("/state/generate", {"count": 3})
    api, answers = admin.api(), []
    for number in range(10):
        generated = {"prefer": "answers=generated"}
        answers += [
            api.post(f"{USERS}?lockCraRiskLevel=true", user(f"u{number}", odd=1), headers=generated),
            api.get(f"{USERS}/u{number}"),
            api.get(f"{USERS}/none{number}", headers=generated),
            api.post(EVENTS, event(f"u{number % 3}")),
            api.post(EVENTS, event("u1", eventId=f"e{number}"), headers=generated),
            api.post("/business/users", {"userId": f"b{number}"}),
            api.get("/nowhere"),
            api.post(USERS, raw=b"{"),
        ]
    return [[answer.status, sorted(answer.headers.items()), answer.raw.decode()] for answer in answers]


def told() -> str:
    """The script in a fresh sandbox: the answers, and journal and state afterwards, as JSON."""
    admin = own("w")
    answers = script(admin)
    whole = {name: part.decode() if isinstance(part, bytes) else part for name, part in admin.whole().items()}
    return json.dumps([answers, whole])


CODE = "from tests.admin.test_worlds import told; print(told())"


def test_the_same_seed_and_requests_are_the_same_in_another_process() -> None:
    """Another process with another hash seed gives equal answers, byte by byte, and an equal journal and state."""
    environ = {**os.environ, "PYTHONHASHSEED": other_hash_seed(), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, cwd=ROOT, env=environ, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip("\n") == told()
    answers, whole = json.loads(done.stdout)
    assert {status for status, _, _ in answers} >= {200, 201, 400, 404, 503}
    assert len(whole["/requests"]["requests"]) == 80


def test_after_a_reset_the_world_is_as_a_fresh_one() -> None:
    """Reset brings back all of a world, own counters included: what follows is as in a world never used."""
    used, new = own(clock=1767225600000), own(clock=1767225600000)
    script(used)
    used.api().post(EVENTS, event("u1"))
    used.post("/state/import", content=json.dumps({"kind": "user", "type": "consumer", "body": user("x")}).encode())
    used.delete("/state/users/consumer/userId")
    used.post("/reset")
    assert used.whole() == new.whole()
    assert script(used) == script(new)
    assert used.whole() == new.whole()


def test_a_reset_leaves_other_worlds_and_snapshots(admin: Admin) -> None:
    """Reset is of one world, and its snapshots stay."""
    other = admin.of(f"{admin.world}-other")
    for one in (admin, other):
        one.api().post(USERS, user())
    admin.put("/snapshots/s")
    admin.post("/reset")
    assert admin.get("/state")["users"]["consumer"] == 0
    assert other.get("/state")["users"]["consumer"] == 1
    admin.post("/snapshots/s/restore")
    assert admin.get("/state")["users"]["consumer"] == 1


def test_no_question_makes_a_world() -> None:
    """Asking about a world that is not there crowds no other world out."""
    admin = own(max_worlds=1)
    admin.api().post(USERS, user())
    admin.of(None).raw("GET", "/readyz")
    admin.of(None).raw("GET", "/metrics")
    admin.problem("POST", "/snapshots/s/restore", {"from": "elsewhere"})
    assert admin.get("/state")["users"]["consumer"] == 1


def test_documented_users_are_in_each_world_and_in_no_count() -> None:
    """Each world begins with the documentation's users, which stay out of counts until they are touched."""
    admin = fresh()
    api = admin.api()
    found = "userId"
    assert api.get(f"{USERS}/{found}").status == 200
    assert admin.get("/state")["users"]["consumer"] == 0
    assert admin.get(f"/state/users/consumer/{found}")["documented"] is True
    api.post(EVENTS, event(found))
    assert admin.get("/state")["users"]["consumer"] == 1
