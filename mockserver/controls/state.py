"""A world's users, transactions and events as the test author sees and changes them, and its snapshots."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mockserver.contract.operations import Operation
from mockserver.contract.parse import json_bytes
from mockserver.controls.arming import first_control
from mockserver.controls.desk import Ask, Done, Wait
from mockserver.errors import Problem, WorldError
from mockserver.world.content import content_lines
from mockserver.world.merge import merged
from mockserver.world.outcomes import levels
from mockserver.world.records import Decision, Facts, Record, encode_record, record_key, touched, user_key
from mockserver.world.store import Found, Writes
from mockserver.world.transactions import party_notes

_KINDS = {"users": "user", "transactions": "transaction", "events": "event"}
_BATCH = "batch"  # neither shown nor changed by itself, but exported
_AT_ONCE = 100  # generated users


def get_state(ask: Ask) -> Done:
    """How many records there are of each kind, those of the documentation left out until they are touched."""
    counts = {
        plural: {name: len(_records(ask, f"{kind}/{name}/")) for name in ask.desk.senders(kind)}
        for plural, kind in _KINDS.items()
    }
    return Done({"world": ask.world, **counts})


def list_state(ask: Ask) -> Done:
    """The ids of one kind and type."""
    _sender(ask)
    prefix = record_key(_kind(ask), ask.path["type"], "")
    return Done({"ids": [key.removeprefix(prefix) for key, _ in _records(ask, prefix)]})


def get_record(ask: Ask) -> Done:
    """One record, with what the sandbox knows of it."""
    return Done(_shown(_found(ask)))


def put_record(ask: Ask) -> Done:
    """Store a record as it stands; it is checked as its POST would be."""
    operation, id_name = _sender(ask), f"{_kind(ask)}Id"
    body = {id_name: ask.path["id"], **ask.body}
    if body[id_name] != ask.path["id"]:
        raise Problem(422, f"/{id_name}: must be the id of the path")
    profile = ask.desk.setting(ask.world, "validation")
    check = ask.desk.contract.check(operation, strict=profile == "strict")
    violations, notices = check.check(body)
    if violations and profile != "lenient":
        raise Problem(422, violations[0].line, violations)
    if _refuses_misspelt(ask) and (near := next((notice for notice in notices if notice.near), None)):
        raise Problem(422, near.line)
    check.drop_nulls(body)
    name, notes = _key(ask), party_notes(operation.entity, body)

    def change(found: Found) -> tuple[Writes, Record]:
        old = found[name]
        facts = Record.decode(old).facts if old is not None else Facts()
        record = Record(_decided(facts, body, None), json_bytes(body))
        return {**notes, name: record.encode()}, record

    record = ask.desk.store.update(ask.world, (name,), change)
    return Done({**_shown(record), "warnings": [notice.line for notice in notices]})


def delete_record(ask: Ask) -> Done:
    """Take a record away."""
    _found(ask)
    name = _key(ask)
    ask.desk.store.update(ask.world, (name,), lambda _: ({name: None}, None))
    return Done({"deleted": ask.path["id"]})


def export_state(ask: Ask) -> Done:
    """Every record that was written, as JSON lines."""
    lines = []
    for kind in (*_KINDS.values(), _BATCH):
        for name in ask.desk.senders(kind):
            for _, record in _records(ask, f"{kind}/{name}/"):
                lines.append(b'{"kind":"%b","type":"%b","body":%b}\n' % (kind.encode(), name.encode(), record.body))
    return Done(lines=b"".join(lines))


def import_state(ask: Ask) -> Done:
    """Put the records of JSON lines into the world: all or none."""
    try:
        found = content_lines(ask.desk.contract, ask.raw, "body", ask.desk.setting(ask.world, "validation"))
    except WorldError as error:
        raise Problem(422, str(error)) from error
    written = {key: record for entry in found.values() for key, record in entry.items()}
    ask.desk.store.update(ask.world, tuple(written), lambda _: (written, None))
    return Done({"imported": len(found)})


def generate_users(ask: Ask) -> Done | Wait:
    """Put generated users into the world."""
    entity, seed = ask.body.get("type", "consumer"), ask.body.get("seed", ask.desk.setting(ask.world, "seed"))
    variants, count = ask.desk.variants(), ask.body["count"]
    written: dict[str, bytes] = ask.memory.setdefault("written", {})
    ids: list[str] = ask.memory.setdefault("ids", [])
    for number in range(len(ids) + 1, min(len(ids) + _AT_ONCE, count) + 1):
        user = variants.record(entity, seed, number)
        ids.append(user["userId"])
        written[user_key(entity, user["userId"])] = encode_record(Facts(levels(user, None)), user)
    if len(ids) < count:
        return Wait(ask.world, 0)  # others are served in between
    ask.desk.store.update(ask.world, (), lambda _: (written, None))
    return Done({"generated": len(ids), "first": ids[0], "last": ids[-1], "ids": ids}, 201)


def simulate(ask: Ask) -> Done:
    """Change a stored user as the vendor's console would: locks hold events back, not the console."""
    kind = ask.path["type"]
    _known(kind, ask.desk.senders("user"))
    body, name = ask.body, user_key(kind, ask.path["id"])
    outcome = ask.desk.known_outcome(body["outcome"]) if "outcome" in body else None
    if not {"state", "kycStatus", "riskLevel", "kycRiskLevel", "outcome"} & body.keys():
        raise Problem(422, "one of state, kycStatus, riskLevel, kycRiskLevel and outcome is required")
    changes: dict[str, Any] = {n: body[n] for n in ("riskLevel", "kycRiskLevel") if n in body}
    reason = {"reason": body["reason"]} if "reason" in body else {}
    if "state" in body:
        changes["userStateDetails"] = {"state": body["state"], **reason}
    if "kycStatus" in body:
        changes["kycStatusDetails"] = {"status": body["kycStatus"], **reason}

    def change(found: Found) -> tuple[Writes, Record]:
        stored = found[name]
        if stored is None:
            raise Problem(404, f"There is no {kind} user {ask.path['id']!r} in this world")
        record = Record.decode(stored)
        user = merged(record.value(), changes)
        changed = Record(_decided(record.facts, changes, outcome), json_bytes(user))
        return {name: changed.encode()}, changed

    return Done(_shown(ask.desk.store.update(ask.world, (name,), change)))


def list_snapshots(ask: Ask) -> Done:
    """The world's snapshots and how much each holds."""
    kept = ask.desk.store.snapshots(ask.world)
    return Done({"snapshots": [{"name": name, "keys": keys} for name, keys in kept.items()]})


def take_snapshot(ask: Ask) -> Done:
    """Keep the world's content under a name."""
    return Done({"name": ask.path["name"], "keys": ask.desk.store.snapshot(ask.world, ask.path["name"])}, 201)


def restore_snapshot(ask: Ask) -> Done:
    """Give the world what a snapshot holds."""
    source = (ask.body or {}).get("from", ask.world)
    if not ask.desk.store.restore(ask.world, ask.path["name"], source):
        raise Problem(404, f"The world {source!r} has no snapshot {ask.path['name']!r}")
    return Done({"restored": ask.path["name"], "from": source})


def forget_snapshot(ask: Ask) -> Done:
    """Forget a snapshot."""
    if not ask.desk.store.forget(ask.world, ask.path["name"]):
        raise Problem(404, f"The world {ask.world!r} has no snapshot {ask.path['name']!r}")
    return Done({"forgotten": ask.path["name"]})


def list_worlds(ask: Ask) -> Done:
    """The worlds there are."""
    return Done({"worlds": [{"name": name} for name in ask.desk.store.worlds()]})


def make_world(ask: Ask) -> Done:
    """Make a world; one that is there stays as it is, unless the body says how it shall begin."""
    name, store = ask.body["name"], ask.desk.store
    key = ask.desk.key_of(name)
    if key is None:
        raise Problem(
            422, "/name: no key leads there: with tenancy=shared all live in default, api-keys may let in others only"
        )
    if ask.body.keys() <= {"name"}:
        store.update(name, (), lambda _: ({}, None))
        return Done({"name": name, "key": key}, 201)
    store.make(name, {**_first_content(ask), **first_control(ask)})
    return Done({"name": name, "key": key}, 201)


def _first_content(ask: Ask) -> Mapping[str, bytes]:
    """What a world that is made shall begin with: the body's `world`, else what the server's worlds begin with."""
    start = ask.body.get("world", "default")
    if start not in ("default", "documented", "empty") and start.lstrip()[:1] not in ("{", "["):
        raise Problem(422, "/world: must be default, documented, empty, or the content itself, beginning with { or [")
    try:
        return ask.desk.content(start)
    except WorldError as error:
        raise Problem(422, f"/world: {error}") from error


def finish_world(ask: Ask) -> Done:
    """Take a world away for good, and remember whose it was."""
    ask.desk.store.finish(ask.path["name"], ask.body["note"])
    return Done({"finished": ask.path["name"]})


def late_worlds(ask: Ask) -> Done:
    """The finished worlds whose keys were used afterwards."""
    late = ask.desk.store.late()
    return Done({"worlds": [{"name": name, "note": e.note, "calls": e.calls} for name, e in late.items()]})


def delete_world(ask: Ask) -> Done:
    """Take a world away with all that it holds."""
    if not ask.desk.store.drop(ask.path["name"]):
        raise Problem(404, f"There is no world {ask.path['name']!r}")
    return Done({"deleted": ask.path["name"]})


def reset(ask: Ask) -> Done:
    """Bring the world back to what it was at first."""
    ask.desk.store.reset(ask.world)
    return Done({"reset": ask.world})


def _decided(facts: Facts, changes: Mapping[str, Any], outcome: str | None) -> Facts:
    """The facts after a change by hand: what it does not speak of stays as it was decided or is held."""
    new, old = levels(changes, outcome), facts.decision
    if outcome is not None:
        old = Decision(outcome, old.cra if facts.cra_locked else None, old.kyc if facts.kyc_locked else None)
    decision = Decision(new.outcome or old.outcome, new.cra or old.cra, new.kyc or old.kyc)
    return touched(facts, decision=decision)


def _refuses_misspelt(ask: Ask) -> bool:
    """Whether the query asks that a name which is near a known one is refused."""
    wish = next((value for name, value in ask.pairs if name == "misspelt"), "warn")
    if wish not in ("refuse", "warn"):
        raise Problem(422, f"/misspelt: must be refuse or warn (sent {wish[:80]!r})")
    return wish == "refuse"


def _kind(ask: Ask) -> str:
    _known(ask.path["kind"], _KINDS)
    return _KINDS[ask.path["kind"]]


def _sender(ask: Ask) -> Operation:
    """The operation that writes what the path names."""
    senders = ask.desk.senders(_kind(ask))
    _known(ask.path["type"], senders)
    return senders[ask.path["type"]]


def _known(word: str, known: Collection[str]) -> None:
    if word not in known:
        raise Problem(404, f"{word[:80]!r} is none of {', '.join(known)}")


def _key(ask: Ask) -> str:
    _sender(ask)
    return record_key(_kind(ask), ask.path["type"], ask.path["id"])


def _found(ask: Ask) -> Record:
    stored = ask.desk.store.get(ask.world, _key(ask))
    if stored is None:
        raise Problem(404, f"There is no {ask.path['type']} {_kind(ask)} {ask.path['id']!r} in this world")
    return Record.decode(stored)


def _records(ask: Ask, prefix: str) -> list[tuple[str, Record]]:
    """The records under a prefix that a client has written."""
    found = ((key, Record.decode(stored)) for key, stored in ask.desk.store.scan(ask.world, prefix))
    return [(key, record) for key, record in found if not record.untouched()]


def _shown(record: Record) -> dict[str, Any]:
    facts = record.facts
    return {
        "body": record.value(),
        "outcome": facts.decision.outcome,
        "locked": {"cra": facts.cra_locked, "kyc": facts.kyc_locked},
        "events": facts.events,
        "documented": facts.bundled,
    }
