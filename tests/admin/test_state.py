"""What a world holds, as a test author keeps, copies, moves and edits it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.admin.client import EVENTS, USERS, Admin, event, fresh, own, user
from tests.harness import NOW

FIRM = {"userId": "firm", "createdTimestamp": NOW, "legalEntity": {"companyGeneralDetails": {"legalName": "F"}}}
PAYMENT = {"transactionId": "t", "type": "TRANSFER", "timestamp": NOW, "originUserId": "u"}
STEP = {"transactionId": "t", "timestamp": NOW, "transactionState": "SENT", "eventId": "e"}
READS = (
    f"{USERS}/u", f"{USERS}/v", "/business/users/firm", f"{EVENTS}/e",
    "/transactions/t", "/events/transaction/e", "/batch/transactions/b",
)  # fmt: skip


def filled(admin: Admin) -> Admin:
    """The world with users of both types, a transaction in a batch, and events with and without an id in it."""
    api = admin.api()
    assert api.post(f"{USERS}?lockCraRiskLevel=true", user("u", tags=[{"key": "é", "value": "\n"}])).status == 201
    assert api.post(USERS, user("v"), headers={"prefer": "outcome=blocked"}).status == 201
    assert api.post("/business/users", FIRM).status == 201
    assert api.post(EVENTS, event("u", eventId="e", updatedConsumerUserAttributes={"riskLevel": "HIGH"})).status == 201
    assert api.post(EVENTS, event("v")).status == 201
    assert api.post("/batch/transactions", {"batchId": "b", "data": [PAYMENT]}).body["status"] == "SUCCESS"
    assert api.post("/events/transaction", STEP).status == 201
    return admin


def reads(admin: Admin) -> list[tuple[int, bytes]]:
    """What the vendor's API gives of all that."""
    answers = [admin.api().get(path) for path in READS]
    return [(answer.status, answer.raw) for answer in answers]


def test_a_snapshot_brings_all_content_back(admin: Admin) -> None:
    """Restore brings users, events, locks, outcomes and counters back, and leaves controls and journal alone."""
    filled(admin)
    before, export = reads(admin), admin.export()
    kept = admin.put("/snapshots/s")
    api = admin.api()
    for _ in range(2):
        api.post(f"{EVENTS}?lockCraRiskLevel=false", event("u", updatedConsumerUserAttributes={"riskLevel": "LOW"}))
        api.post(USERS, user("v"), headers={"prefer": "outcome=clean"})
        api.post(USERS, user("new"))
        admin.delete("/state/users/business/firm")
        fault = admin.post("/faults", {"effect": {"status": 503}, "match": {"userId": "nobody"}})
        total = admin.count()
        assert reads(admin) != before
        admin.post("/snapshots/s/restore")
        assert admin.count() == total + len(READS)
        assert (reads(admin), admin.export()) == (before, export)
        assert admin.get(f"/faults/{fault['id']}")
    assert admin.get("/snapshots")["snapshots"] == [kept]
    api.post(EVENTS, event("u", updatedConsumerUserAttributes={"riskLevel": "LOW"}))
    assert admin.get("/state/users/consumer/u")["locked"] == {"cra": True, "kyc": False}


def test_a_snapshot_is_copied_into_another_world(admin: Admin) -> None:
    """`from` gives a world what another one's snapshot holds; after that the two go on apart."""
    other = admin.of(f"{admin.world}-copy")
    filled(admin).put("/snapshots/s")
    admin.post("/settings", {"outcome": "clean"})
    answer = other.post("/snapshots/s/restore", {"from": admin.world})
    assert answer == {"restored": "s", "from": admin.world}
    admin.delete("/settings")
    assert reads(other) == reads(admin)
    other.delete("/state/users/consumer/v")
    assert admin.api().get(f"{USERS}/v").status == 200
    assert other.get("/snapshots")["snapshots"] == []
    assert other.get("/settings")["own"] == {}


@pytest.mark.parametrize("name", ["a b", "a/b", "ü", "%", "x" * 300])
def test_a_snapshot_has_any_name(name: str) -> None:
    """A snapshot's name is any text, escaped in the path."""
    admin = fresh()
    path = f"/snapshots/{quote(name, safe='')}"
    assert admin.put(path)["name"] == name
    assert [one["name"] for one in admin.get("/snapshots")["snapshots"]] == [name]
    assert admin.post(f"{path}/restore")["restored"] == name
    admin.delete(path)


def test_export_and_import_bring_a_world_elsewhere() -> None:
    """What is exported and imported into an empty world is the same export, and the same to a client's eyes."""
    source, target = filled(own(world="empty")), own(world="empty")
    export = source.export()
    lines = [json.loads(line) for line in export.splitlines()]
    assert [(line["kind"], line["type"]) for line in lines] == [
        ("user", "consumer"),
        ("user", "consumer"),
        ("user", "business"),
        ("transaction", "transaction"),
        ("event", "consumer"),
        ("event", "transaction"),
        ("batch", "transactions"),
    ]
    assert target.post("/state/import", content=export) == {"imported": 7}
    assert target.export() == export
    source_bodies, target_bodies = ([json.loads(raw) for _, raw in reads(one)] for one in (source, target))
    stored = ("userId", "createdTimestamp", "tags", "riskLevel", "legalEntity", "eventId", "transactionState")
    assert target_bodies[-1]["totalCount"] == 1
    for before, after in zip(source_bodies, target_bodies, strict=True):
        assert {name: before.get(name) for name in stored} == {name: after.get(name) for name in stored}
    assert own(world=export.decode()).export() == export


def test_an_imported_event_is_answered_again_as_at_first() -> None:
    """An event that was exported and imported, sent again, is a repeated one and answered with its user."""
    source, target = filled(own(world="empty")), own(world="empty")
    target.post("/state/import", content=source.export())
    body = json.loads(target.api().get(f"{EVENTS}/e").raw)
    sent = event("u", eventId="e", updatedConsumerUserAttributes={"riskLevel": "HIGH"})
    assert {name: body[name] for name in sent} == sent
    again = target.api().post(EVENTS, sent)
    assert (again.status, again.body["userId"], again.body.get("riskLevel")) == (201, "u", "HIGH")


def test_a_lenient_worlds_own_export_is_imported() -> None:
    """What a world let in it exports, and a world with the same settings takes back."""
    source, target = fresh(validation="lenient"), fresh(validation="lenient")
    assert source.api().post(USERS, {"userId": "u", "createdTimestamp": "odd"}).status == 201
    assert target.post("/state/import", content=source.export()) == {"imported": 1}


GOOD = b'{"kind":"user","type":"consumer","body":{"userId":"a","createdTimestamp":1641654664000}}'
BAD_LINES: list[tuple[bytes, str]] = [
    (b"{", "line 3"),
    (b"[]", "line 3: it must be an object"),
    (b'{"kind":"user","type":"consumer"}', "line 3: it must be an object with kind, type and body"),
    (b'{"kind":"users","type":"consumer","body":{}}', "line 3: kind and type must be one of: user consumer"),
    (b'{"kind":"batch","type":"transactions","body":{"batchId":"b"}}', "line 3: /body: must have batchId"),
    (b'{"kind":"transaction","type":"transaction","body":{}}', "line 3: /body/type: is required"),
    (b'{"kind":"user","type":"firm","body":{}}', "line 3: kind and type must be one of: user consumer"),
    (GOOD.replace(b"1641654664000", b'"now"'), "line 3: /body/createdTimestamp: "),
    (GOOD.replace(b'{"userId":"a","createdTimestamp":1641654664000}', b"5"), "line 3: /body: "),
    (b'{"kind":"event","type":"consumer","body":{"userId":"a","timestamp":1641654664000}}', "line 3: /body/eventId"),
    (b"\xff", "line 3"),
]


@pytest.mark.parametrize(("line", "said"), BAD_LINES)
def test_an_import_is_all_or_none(line: bytes, said: str) -> None:
    """One bad line refuses the whole, by its line and pointer, and the world stays as it was."""
    admin = fresh()
    admin.api().post(USERS, user("kept"))
    before = admin.export()
    status, detail = admin.problem("POST", "/state/import", content=GOOD + b"\n\n" + line + b"\n" + GOOD)
    assert status == 422
    assert said in detail
    assert admin.export() == before


def test_records_are_put_seen_and_deleted(admin: Admin) -> None:
    """A user that is put is one to the vendor's API, with what the sandbox knows of it; deleted it is gone."""
    odd = "a/b%20c?d"
    path = "/state/users/consumer/a%2Fb%2520c%3Fd"
    put = admin.put(path, user(odd, odd=1))
    assert put["body"] == user(odd, odd=1)
    assert "odd" in put["warnings"][0]
    assert admin.api().get(f"{USERS}/a%2Fb%2520c%3Fd").body["createdTimestamp"] == NOW
    admin.api().post(EVENTS, event(odd))
    assert admin.get(path)["events"] == 1
    admin.put(path, user(odd, reasonForOpeningAccount=["x"]))
    assert admin.get(path)["body"] == user(odd, reasonForOpeningAccount=["x"])
    assert admin.get("/state/users/consumer")["ids"] == [odd]
    admin.delete(path)
    assert admin.api().get(f"{USERS}/a%2Fb%2520c%3Fd").status == 404
    assert admin.problem("DELETE", path)[0] == 404


def test_a_misspelt_name_is_stored_or_refused(admin: Admin) -> None:
    """By default a misspelt name is a warning; with misspelt=refuse nothing is stored, other unknown names are."""
    path, body = "/state/users/consumer/u", user("u", usrDetails={})
    refused = admin.call("PUT", f"{path}?misspelt=refuse", body)
    assert (refused.status, refused.body["detail"]) == (
        422, "/usrDetails: not a property of User; did you mean userDetails?"
    )  # fmt: skip
    assert admin.call("PUT", f"{path}?misspelt=refus", body).status == 422
    assert admin.call("GET", path).status == 404
    assert admin.put(f"{path}?misspelt=refuse", user("u", odd=1))["body"]["odd"] == 1
    assert admin.put(f"{path}?misspelt=warn", body)["warnings"] == admin.put(path, body)["warnings"] != []


def test_a_transaction_is_put_seen_and_deleted(admin: Admin) -> None:
    """A transaction and its event are put, listed and deleted as users are; GET shows no state that nobody gave."""
    assert admin.put("/state/transactions/transaction/t", PAYMENT)["body"] == PAYMENT
    admin.put("/state/events/transaction/e", STEP)
    assert "transactionState" not in admin.api().get("/transactions/t").body
    assert admin.get("/state/events/transaction")["ids"] == ["e"]
    assert admin.problem("PUT", "/state/transactions/transaction/t", {"type": 5})[0] == 422
    admin.delete("/state/transactions/transaction/t")
    assert admin.api().get("/transactions/t").status == 404


PUTS: list[tuple[str, dict[str, Any]]] = [
    (profile, body)
    for profile in ("pages", "strict", "lenient")
    for body in ({"userId": "u"}, user(odd=1), user(), {"userId": "u", "createdTimestamp": "x"})
]


@pytest.mark.parametrize(("profile", "body"), PUTS, ids=str)
def test_a_record_is_checked_as_post_checks_it(profile: str, body: dict[str, Any]) -> None:
    """PUT refuses what the world's POST refuses, and takes what it takes."""
    admin = fresh()
    admin.post("/settings", {"validation": profile})
    posted = admin.api().post(USERS, body).status
    status = admin.call("PUT", "/state/users/consumer/u", body).status
    assert (status == 200) == (posted == 201), (posted, status)


def test_generated_users_are_drawn_from_the_seed(admin: Admin) -> None:
    """The same seed gives the same users, another one others, and the world's own seed is the default."""
    drawn = {}
    for name, body, seed in (("a", {"seed": 7}, 0), ("b", {"seed": 7}, 1), ("c", {"seed": 8}, 0), ("d", {}, 7)):
        one = admin.of(f"{admin.world}-{name}")
        one.post("/settings", {"seed": seed})
        made = one.post("/state/generate", {"count": 5, "type": "business", **body})
        ids = one.get("/state/users/business")["ids"]
        assert (made["generated"], made["first"], made["last"]) == (5, ids[0], ids[-1])
        assert one.api().get(f"/business/users/{ids[0]}").status == 200
        drawn[name] = one.export()
    assert drawn["a"] == drawn["b"] != drawn["c"]
    assert drawn["d"] == drawn["a"]
