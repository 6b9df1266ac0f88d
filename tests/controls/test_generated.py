"""Generated answers as a client gets them: for ids that nobody stored, over what is stored, the same each time."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from tests.controls.desk import KINDS, RESULTS, Admin, apply, create, event, fresh, user
from tests.harness import ROOT, Api, made, other_hash_seed

IDS = 60  # of each operation; the generator's own test draws thousands
GETS = ["/consumer/users/{}", "/business/users/{}", "/events/consumer/user/{}", "/events/business/user/{}"]
PROGRAM = """
from tests.controls.test_generated import script
print(script(7))
"""


@pytest.fixture
def sandbox() -> Api:
    """An empty world that answers with generated data."""
    return fresh(answers="generated", outcome="clean")


def script(seed: int) -> list[bytes]:
    """What a fresh sandbox of this seed answers to reads and writes of both kinds."""
    api, answers = made(world="empty", answers="generated", seed=seed, clock=0), []
    for kind in KINDS:
        for number in range(5):
            answers += [api.get(f"/{kind}/users/{number}"), api.get(f"/events/{kind}/user/{number}")]
            answers += [apply(api, kind, event(kind, str(number))), create(api, kind, user(kind, str(number)))]
    return [answer.raw for answer in answers]


def plain(body: dict[str, Any]) -> dict[str, Any]:
    """An answer without its results."""
    return {name: value for name, value in body.items() if name not in (*RESULTS, "message")}


@pytest.mark.parametrize("target", GETS)
def test_an_unknown_id_is_answered_for_every_id(sandbox: Api, target: str) -> None:
    """GET of an id that nobody stored is 200 with that id and valid data, and other data for another id."""
    name = "eventId" if "events" in target else "userId"
    rest = set()
    for number in range(IDS):
        asked = f"id/{number}-ü"
        answer = sandbox.get(target.format(f"id/{number}-%C3%BC"))
        assert (answer.status, answer.body[name]) == (200, asked)
        assert [rule["ruleHit"] for rule in answer.body["executedRules"]] == [False]
        rest.add(str({**plain(answer.body), name: ""}))
    assert len(rest) == IDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_write_is_answered_with_valid_data(sandbox: Api, kind: str) -> None:
    """Creates and events, of known users and of unknown ones, give valid answers that have the id that was sent."""
    for number in range(IDS):
        stranger = apply(sandbox, kind, event(kind, f"u{number}"))
        created = create(sandbox, kind, user(kind, f"u{number}"))
        changed = apply(sandbox, kind, event(kind, f"u{number}"))
        for answer in (stranger, created, changed):
            assert (answer.status, answer.body["userId"]) == (201, f"u{number}")


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_to_an_unknown_id_stores_nothing(sandbox: Api, kind: str) -> None:
    """What was generated for a GET or an event of nobody is no stored user: with answers=stored it is 404."""
    sandbox.get(f"/{kind}/users/u")
    apply(sandbox, kind, event(kind, eventId="e"))
    for target in (f"/{kind}/users/u", f"/events/{kind}/user/e"):
        assert sandbox.get(target, headers={"Prefer": "answers=stored"}).status == 404
    assert Admin(sandbox).ask("GET", "state")["users"] == {"consumer": 0, "business": 0}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_stored_is_laid_over(sandbox: Api, kind: str) -> None:
    """Everything that was sent stands in the generated answer, at every depth, with more beside it."""
    sent = user(kind, name="Stored", riskLevel="HIGH", tags=[{"key": "a", "value": "1"}])
    create(sandbox, kind, sent)
    got = sandbox.get(f"/{kind}/users/u").body
    for name in ("userId", "createdTimestamp", "riskLevel", "tags"):
        assert got[name] == sent[name]
    inner = got["userDetails"]["name"] if kind == "consumer" else got["legalEntity"]["companyGeneralDetails"]
    assert inner["lastName" if kind == "consumer" else "legalName"] == "Stored"
    assert len(plain(got)) > len(sent)
    assert got["riskScoreDetails"]["craRiskLevel"] == "HIGH"
    stored = sandbox.get(f"/{kind}/users/u", headers={"Prefer": "answers=stored"})
    assert plain(stored.body) == sent


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_shows_as_it_was_sent(sandbox: Api, kind: str) -> None:
    """GET of a stored event has what was sent, and a generated rest."""
    create(sandbox, kind)
    sent = event(kind, eventId="e", reason="check")
    apply(sandbox, kind, sent)
    got = sandbox.get(f"/events/{kind}/user/e").body
    assert sent.items() <= got.items()


def test_generated_answers_still_validate(sandbox: Api) -> None:
    """A bad body is a 400 all the same."""
    assert create(sandbox, "consumer", {"userId": "u"}).status == 400


def test_two_processes_give_equal_bytes() -> None:
    """The same seed gives the same bytes in a process with another hash seed, and another seed gives others."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": other_hash_seed(), "TZ": "UTC11"}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=True)
    here = script(7)
    assert done.stdout == f"{here}\n"
    assert len(here) == 40
    assert here != script(8)


@pytest.mark.parametrize("kind", KINDS)
def test_generated_users_can_be_put_into_a_world(kind: str) -> None:
    """POST state/generate stores so many users, valid as answers, the same ones for the same seed in any world."""
    worlds = []
    for seed in (1, 1, 2):
        api = fresh(outcome="clean")
        told = Admin(api).ask("POST", "state/generate", {"count": 20, "type": kind, "seed": seed})
        assert told["generated"] == 20
        ids = Admin(api).ask("GET", f"state/users/{kind}")["ids"]
        assert (len(ids), ids[0], ids[-1]) == (20, told["first"], told["last"])
        worlds.append([api.get(f"/{kind}/users/{one}").raw for one in ids])
    assert worlds[0] == worlds[1] != worlds[2]
    assert len(set(worlds[0])) == 20
