"""Arming a world: outcomes, faults, settings and the clock, all in its control document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.clock import Clock
from mockserver.config import instant
from mockserver.contract.parse import json_bytes
from mockserver.controls.desk import Ask, Done
from mockserver.controls.document import KEY, change_control, next_id, read_control
from mockserver.controls.faults import Fault, hits
from mockserver.errors import Problem

_ATTRIBUTES = {"onDuplicate": "on_duplicate"}  # JSON name to the attribute of the dials
_NEEDS = {"fixed": ("milliseconds",), "uniform": ("lower", "upper"), "lognormal": ("median", "sigma")}


def list_outcomes(ask: Ask) -> Done:
    """Every outcome and persona there is, and what is armed in this world."""
    desk = ask.desk
    outcomes = [
        {
            "name": entry.name,
            "description": entry.description,
            "evidence": entry.evidence,
            "results": entry.results,
            "transaction": entry.transaction,
        }
        for entry in desk.outcomes.outcomes.values()
    ]
    personas = [
        {"name": e.name, "description": e.description, "magic": e.magic, "when": e.when, "then": e.then, "over": e.over}
        for e in desk.outcomes.personas.values()
    ]
    control = read_control(desk.store, ask.world)
    armed = [
        {**entry.body(), "used": int(desk.store.get(ask.world, entry.hits_key) or b"0")} for entry in control.armed
    ]
    setting = control.settings.get("outcome", desk.defaults["outcome"])
    return Done({"setting": setting, "armed": armed, "outcomes": outcomes, "personas": personas})


def arm_outcome(ask: Ask) -> Done:
    """Arm an outcome; the newest goes first."""
    body = {**ask.body, "outcome": ask.desk.known_outcome(ask.body["outcome"])}
    if "operation" in body:
        body["operation"] = ask.desk.operation(body["operation"])

    def change(document: dict[str, Any]) -> dict[str, Any]:
        entry = {"id": next_id(document, "outcome"), **body}
        document["outcomes"] = [entry, *document.get("outcomes", ())]
        return entry

    return Done(change_control(ask.desk.store, ask.world, change), 201)


def disarm_outcomes(ask: Ask) -> Done:
    """Disarm all."""
    return _remove(ask, "outcomes", None)


def disarm_outcome(ask: Ask) -> Done:
    """Disarm one."""
    return _remove(ask, "outcomes", ask.path["id"])


def list_faults(ask: Ask) -> Done:
    """The faults in their order."""
    faults = read_control(ask.desk.store, ask.world).faults
    return Done({"faults": [_shown(ask, fault) for fault in faults]})


def get_fault(ask: Ask) -> Done:
    """One fault."""
    for fault in read_control(ask.desk.store, ask.world).faults:
        if fault.id == ask.path["id"]:
            return Done(_shown(ask, fault))
    raise Problem(404, f"There is no fault {ask.path['id']!r} in this world")


def add_fault(ask: Ask) -> Done:
    """Add a fault behind the others."""
    entry = dict(ask.body)
    effect = entry["effect"]
    if not {"status", "delay", "wire", "rateLimit"} & effect.keys():
        raise Problem(422, "/effect: must have one of status, delay, wire and rateLimit")
    if "wire" in effect and "status" in effect:
        raise Problem(422, "/effect: wire and status exclude one another")
    delay = effect.get("delay")
    if delay:
        for name in _NEEDS[delay["type"]]:
            if name not in delay:
                raise Problem(422, f"/effect/delay/{name}: is required for a {delay['type']} delay")
        if delay["type"] == "uniform" and delay["lower"] > delay["upper"]:
            raise Problem(422, "/effect/delay/upper: must be at least lower")
    if entry.get("match", {}).get("operation"):
        entry["match"] = {**entry["match"], "operation": ask.desk.operation(entry["match"]["operation"])}
    if "ttlMs" in entry:
        entry["expires"] = ask.desk.now(ask.world) + entry["ttlMs"]

    def change(document: dict[str, Any]) -> dict[str, Any]:
        added = {"id": next_id(document, "fault"), **entry}
        document["faults"] = [*document.get("faults", ()), added]
        return added

    return Done(change_control(ask.desk.store, ask.world, change), 201)


def remove_faults(ask: Ask) -> Done:
    """Remove all."""
    return _remove(ask, "faults", None)


def remove_fault(ask: Ask) -> Done:
    """Remove one."""
    return _remove(ask, "faults", ask.path["id"])


def get_settings(ask: Ask) -> Done:
    """The settings of the world, and which of them are its own."""
    own = {_json_name(name): value for name, value in read_control(ask.desk.store, ask.world).settings.items()}
    return Done({"settings": {**ask.desk.defaults, **own}, "own": own})


def change_settings(ask: Ask) -> Done:
    """Set some for this world."""
    changes = _changes(ask, ask.body, "/outcome")

    def change(document: dict[str, Any]) -> None:
        document["settings"] = {**document.get("settings", {}), **changes}

    change_control(ask.desk.store, ask.world, change)
    return get_settings(ask)


def first_control(ask: Ask) -> dict[str, bytes]:
    """What a world that is made shall have set from the beginning, as the store keeps it: settings and clock."""
    document: dict[str, Any] = {}
    if "settings" in ask.body:
        document["settings"] = _changes(ask, ask.body["settings"], "/settings/outcome")
    if "clock" in ask.body:
        at = None if ask.body["clock"] == "real" else _instant(ask.body["clock"], "/clock")
        document["clock"] = {"at": at, "offset": 0}
    return {KEY: json_bytes(document)} if document else {}


def reset_settings(ask: Ask) -> Done:
    """Back to the server's settings."""
    change_control(ask.desk.store, ask.world, lambda document: document.pop("settings", None))
    return get_settings(ask)


def get_clock(ask: Ask) -> Done:
    """The world's time, and whether it stands still."""
    clock = read_control(ask.desk.store, ask.world).clock or ask.desk.clock
    return Done({"now": ask.desk.now(ask.world), "frozen": clock.at is not None})


def change_clock(ask: Ask) -> Done:
    """Freeze, set or advance the clock. A frozen one still ticks one millisecond a request."""
    [(verb, value)] = ask.body.items()
    at = _instant(value, f"/{verb}") if verb == "set" or (verb == "freeze" and not isinstance(value, bool)) else 0
    ticks = ask.desk.store.recorded(ask.world)

    def change(document: dict[str, Any]) -> None:
        set_before = document.get("clock")
        clock = ask.desk.clock if set_before is None else Clock(set_before["at"], set_before["offset"])
        now = clock.now(ticks)
        if verb == "advanceMs":
            clock = Clock(clock.at + value) if clock.at is not None else Clock(None, clock.offset + value)
        elif verb == "set":
            clock = Clock(at - ticks) if clock.at is not None else Clock(None, clock.offset + at - now)
        elif value is False:
            clock = Clock()
        else:
            clock = Clock((now if value is True else at) - ticks)
        document["clock"] = {"at": clock.at, "offset": clock.offset}

    change_control(ask.desk.store, ask.world, change)
    return get_clock(ask)


def _changes(ask: Ask, settings: Mapping[str, Any], pointer: str) -> dict[str, Any]:
    """Settings by their attributes; `pointer` is where an unknown outcome stands."""
    if "outcome" in settings:
        ask.desk.known_outcome(settings["outcome"], pointer)
    return {_ATTRIBUTES.get(name, name): value for name, value in settings.items()}


def _instant(value: str | int, pointer: str) -> int:
    try:
        return instant(str(value))
    except ValueError as error:
        raise Problem(422, f"{pointer}: {value!r} {error}") from error


def _remove(ask: Ask, section: str, entry_id: str | None) -> Done:
    def change(document: dict[str, Any]) -> int:
        before = document.get(section, [])
        document[section] = [entry for entry in before if entry_id is not None and entry["id"] != entry_id]
        return len(before) - len(document[section])

    removed = change_control(ask.desk.store, ask.world, change)
    if entry_id is not None and not removed:
        raise Problem(404, f"There is no {section[:-1]} {entry_id!r} in this world")
    return Done({"removed": removed})


def _shown(ask: Ask, fault: Fault) -> dict[str, Any]:
    return {**fault.raw, **hits(ask.desk.store.get(ask.world, fault.hits_key))}


def _json_name(attribute: str) -> str:
    return next((name for name, known in _ATTRIBUTES.items() if known == attribute), attribute)
