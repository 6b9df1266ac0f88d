"""Named outcomes, the four ways to choose one, and what a test arms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockserver.world.outcomes import Outcomes
from tests.controls.desk import KINDS, Admin, apply, at_once, create, event, fresh, outcome_of, user
from tests.harness import FIXTURES, Answer, Api, contract

NAMES = [
    "adverse_media_hit", "blocked", "clean", "example", "flagged", "high_risk",
    "pep_hit", "sanctions_hit", "shadow_hit", "suspended",
]  # fmt: skip
SCORES = json.loads((FIXTURES / "risk_scores.json").read_text())["scores"]
WRITES = [(kind, how) for kind in KINDS for how in ("user", "event")]
# the name, the actions of the rules that are hit, and the level
MEANT: list[tuple[str, list[str], str]] = [
    ("clean", [], "LOW"),
    ("high_risk", [], "HIGH"),
    ("flagged", ["FLAG"], "MEDIUM"),
    ("blocked", ["BLOCK"], "VERY_HIGH"),
    ("suspended", ["SUSPEND"], "HIGH"),
    ("sanctions_hit", ["BLOCK"], "VERY_HIGH"),
    ("pep_hit", ["FLAG"], "HIGH"),
    ("adverse_media_hit", ["FLAG"], "HIGH"),
    ("shadow_hit", ["BLOCK"], "LOW"),
]


@pytest.fixture
def sandbox() -> Api:
    """An empty sandbox, clean unless something else is chosen."""
    return fresh(outcome="clean")


def write(api: Api, kind: str, how: str, user_id: str = "u", prefer: str | None = None) -> Answer:
    """One write of a user that is there, or that this makes."""
    if how == "user":
        return create(api, kind, user(kind, user_id), prefer)
    if api.get(f"/{kind}/users/{user_id}").status == 404:
        Admin(api).ask("PUT", f"state/users/{kind}/{user_id}", user(kind, user_id))
    return apply(api, kind, event(kind, user_id), prefer)


def test_the_outcomes_are_those_of_the_fixtures() -> None:
    """The bundled outcomes are the ten that the issue names, and each is described."""
    outcomes = Outcomes(contract())
    assert sorted(outcomes.names) == NAMES
    assert all(entry.description and entry.evidence for entry in outcomes.outcomes.values())


@pytest.mark.parametrize(("name", "actions", "level"), MEANT)
@pytest.mark.parametrize("kind", KINDS)
def test_an_outcome_agrees_with_itself(sandbox: Api, kind: str, name: str, actions: list[str], level: str) -> None:
    """The rules hit are the executed ones with ruleHit true, the level and its score agree, shadows are as named."""
    body = create(sandbox, kind, prefer=f"outcome={name}").body
    executed, hit, risk = body["executedRules"], body["hitRules"], body["riskScoreDetails"]
    assert executed
    assert [{k: v for k, v in rule.items() if k != "ruleHit"} for rule in executed if rule["ruleHit"]] == hit
    assert [rule["ruleAction"] for rule in hit] == actions
    assert {rule["isShadow"] for rule in executed} == {name == "shadow_hit"}
    for kept in ("cra", "kyc"):
        assert risk[f"{kept}RiskLevel"] == level
        assert risk[f"{kept}RiskScore"] == SCORES[level]


def test_a_shadow_hit_does_not_count() -> None:
    """Apart from the shadow rule that hits, the outcome shadow_hit is as low a risk as clean."""
    outcomes = Outcomes(contract()).outcomes
    shadow, clean = outcomes["shadow_hit"].results or {}, outcomes["clean"].results or {}
    assert [rule for rule in shadow["hitRules"] if not rule["isShadow"]] == clean["hitRules"] == []
    assert shadow["riskScoreDetails"] == clean["riskScoreDetails"]


def test_the_example_is_a_shadow_hit(sandbox: Api) -> None:
    """The outcome example hits a shadow rule alone, as the documentation's own example does."""
    for kind in KINDS:
        assert {rule["isShadow"] for rule in create(sandbox, kind, prefer="outcome=example").body["hitRules"]} == {True}


@pytest.mark.parametrize(("kind", "how"), WRITES)
def test_the_four_ways_have_their_strength(sandbox: Api, kind: str, how: str) -> None:
    """Prefer beats what is armed, that beats a persona, that beats the setting; each shows again in a GET."""
    admin, magic, plain = Admin(sandbox), "mock_flagged_1", "plain"
    admin.ask("PATCH", "settings", {"outcome": "pep_hit"})
    ways: list[tuple[str, str | None, str, str]] = [
        (plain, None, "pep_hit", "setting"),
        (magic, None, "flagged", "persona persona_flagged"),
        (magic, "blocked", "blocked", "armed outcome-1"),
        (magic, "blocked", "suspended", "prefer"),
    ]
    for user_id, armed, wanted, by in ways:
        admin.ask("DELETE", "outcomes")
        if armed:
            by = f"armed {admin.arm(armed)}" if by != "prefer" else by
        prefer = f"outcome={wanted}" if by == "prefer" else None
        answer = write(sandbox, kind, how, user_id, prefer)
        assert (outcome_of(answer, admin), admin.last()["chosenBy"]) == (wanted, by)
        assert outcome_of(sandbox.get(f"/{kind}/users/{user_id}"), admin) == wanted


@pytest.mark.parametrize(("kind", "how"), WRITES)
def test_an_outcome_is_armed_for_a_user(sandbox: Api, kind: str, how: str) -> None:
    """Armed for a userId it meets every write of that user and no other's, until it is disarmed."""
    admin = Admin(sandbox)
    admin.arm("blocked", userId="a/b")
    for user_id, wanted in (("a/b", "blocked"), ("a", "clean"), ("a/b", "blocked")):
        assert outcome_of(write(sandbox, kind, how, user_id), admin) == wanted


SPELLINGS = [
    ("createConsumerUser", "consumer", "user"), ("consumer_users.create", "consumer", "user"),
    ("POST /consumer/users", "consumer", "user"), ("createBusinessUserEvent", "business", "event"),
    ("business_user_events.create", "business", "event"), ("POST /events/business/user", "business", "event"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "kind", "how"), SPELLINGS)
def test_an_outcome_is_armed_for_an_operation(sandbox: Api, operation: str, kind: str, how: str) -> None:
    """Armed for an operation, by any of its three names, it meets that operation alone."""
    admin = Admin(sandbox)
    admin.arm("blocked", operation=operation)
    for other in WRITES:
        assert outcome_of(write(sandbox, *other), admin) == ("blocked" if other == (kind, how) else "clean")


def test_arming_for_the_next_writes_ends_by_itself(sandbox: Api) -> None:
    """Armed for three writes it meets three, of whichever operation, and GET /__admin/outcomes counts them."""
    admin = Admin(sandbox)
    admin.arm("blocked", times=3)
    found = [outcome_of(write(sandbox, *WRITES[number % 4]), admin) for number in range(5)]
    assert found == ["blocked"] * 3 + ["clean"] * 2
    assert admin.ask("GET", "outcomes")["armed"] == [{"id": "outcome-1", "outcome": "blocked", "times": 3, "used": 3}]


def test_the_newest_armed_goes_first_and_disarming_uncovers_the_older(sandbox: Api) -> None:
    """Of several that fit the newest counts; disarm takes one or all, and reset too; an unknown one is 404."""
    admin = Admin(sandbox)
    admin.arm("blocked")
    newer = admin.arm("flagged")
    assert outcome_of(create(sandbox, "consumer"), admin) == "flagged"
    assert admin.ask("DELETE", f"outcomes/{newer}") == {"removed": 1}
    assert outcome_of(create(sandbox, "consumer"), admin) == "blocked"
    assert admin.call("DELETE", f"outcomes/{newer}").status == 404
    admin.arm("pep_hit")
    assert admin.ask("DELETE", "outcomes") == {"removed": 2}
    assert outcome_of(create(sandbox, "consumer"), admin) == "clean"
    admin.arm("suspended")
    admin.ask("POST", "reset")
    assert outcome_of(create(sandbox, "consumer"), admin) == "clean"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"outcome": "blockd"}, "did you mean blocked"),
    ({"outcome": "blocked", "operation": "createConsumerUsr"}, "createConsumerUser"),
    ({"outcome": "blocked", "times": 0}, "/times"),
    ({"outcome": "blocked", "user": "u"}, "user"),
    ({}, "outcome"),
]


@pytest.mark.parametrize(("body", "says"), WRONG)
def test_wrong_arming_is_refused(sandbox: Api, body: dict[str, Any], says: str) -> None:
    """What cannot be armed is a 422 that says why, and nothing is armed."""
    admin = Admin(sandbox)
    answer = admin.call("POST", "outcomes", body)
    assert answer.status == 422
    assert says in answer.body["detail"]
    assert admin.ask("GET", "outcomes")["armed"] == []


@pytest.mark.parametrize("how", ["user", "event"])
def test_exactly_n_writes_under_many_threads(sandbox: Api, how: str) -> None:
    """Of 32 threads' writes exactly the 50 armed ones get the outcome, whoever is first."""
    admin, name = Admin(sandbox), "blocked"
    create(sandbox, "consumer")
    admin.arm(name, times=50)

    def work(number: int) -> int:
        send = create if how == "user" else apply
        answers = [send(sandbox, "consumer") for _ in range(4)]
        return sum(answer.body["riskScoreDetails"]["craRiskLevel"] == "VERY_HIGH" for answer in answers)

    assert sum(at_once(work)) == 50
    assert admin.ask("GET", "outcomes")["armed"][0]["used"] == 50


def test_a_refused_write_uses_up_nothing(sandbox: Api) -> None:
    """400, 404, 409, a replayed event, a GET and Prefer: code leave what is armed for one write to the next one."""
    admin = Admin(sandbox)
    create(sandbox, "consumer")
    apply(sandbox, "consumer", event("consumer", eventId="e"))
    admin.arm("blocked", times=1)
    refused = [
        create(sandbox, "consumer", {"userId": "u"}),
        apply(sandbox, "consumer", event("consumer", "nobody")),
        apply(sandbox, "consumer", event("consumer", eventId="e", reason="another")),
        create(sandbox, "consumer", prefer="code=503"),
    ]
    assert [answer.status for answer in refused] == [400, 404, 409, 503]
    assert outcome_of(apply(sandbox, "consumer", event("consumer", eventId="e")), admin) == "clean"
    assert outcome_of(sandbox.get("/consumer/users/u"), admin) == "clean"
    assert outcome_of(create(sandbox, "consumer", prefer="outcome=flagged"), admin) == "flagged"
    assert outcome_of(create(sandbox, "consumer"), admin) == "blocked"
    assert outcome_of(create(sandbox, "consumer"), admin) == "clean"


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_shows_what_was_decided_when_it_was_applied(sandbox: Api, kind: str) -> None:
    """GET of an event keeps its own outcome though the user's next write has another."""
    admin = Admin(sandbox)
    create(sandbox, kind)
    apply(sandbox, kind, event(kind, eventId="e"), "outcome=blocked")
    create(sandbox, kind)
    assert outcome_of(sandbox.get(f"/events/{kind}/user/e"), admin) == "blocked"
    assert outcome_of(sandbox.get(f"/{kind}/users/u"), admin) == "clean"


@pytest.mark.parametrize("answers", ["stored", "generated", "example"])
def test_the_journal_says_that_prefer_chose(sandbox: Api, answers: str) -> None:
    """A GET whose outcome Prefer chose is journalled so, for a stored user and for one that is not there."""
    admin = Admin(sandbox)
    create(sandbox, "consumer")
    for user_id in ("u", "unknown"):
        sandbox.get(f"/consumer/users/{user_id}", headers={"Prefer": f"outcome=blocked, answers={answers}"})
        if answers != "stored" or user_id == "u":
            assert (admin.last()["outcome"], admin.last()["chosenBy"]) == ("blocked", "prefer")


LOCKS = [
    (kind, which, first) for kind in KINDS for which in ("cra", "kyc") for first in ("clean", "flagged", "example")
]


@pytest.mark.parametrize(("kind", "which", "first"), LOCKS)
def test_a_locked_level_stays_though_the_outcome_changes(sandbox: Api, kind: str, which: str, first: str) -> None:
    """An event with another outcome changes the level that is free and not the locked one, until it is unlocked."""
    name = f"lock{which.title()}RiskLevel"
    levels = [f"{which}RiskLevel", "kycRiskLevel" if which == "cra" else "craRiskLevel"]

    def shown(answer: Answer) -> list[str]:
        return [answer.body["riskScoreDetails"][level] for level in levels]

    [kept, _] = shown(create(sandbox, kind, prefer=f"outcome={first}", query=f"?{name}=true"))
    for outcome, free in (("high_risk", "HIGH"), ("shadow_hit", "LOW"), ("high_risk", "HIGH")):
        answer = apply(sandbox, kind, prefer=f"outcome={outcome}")
        assert shown(answer) == [kept, free]
        assert shown(sandbox.get(f"/{kind}/users/u")) == [kept, free]
        if first != "example":  # whose scores are the documentation's own
            assert answer.body["riskScoreDetails"][f"{which}RiskScore"] == SCORES[kept]
    assert shown(apply(sandbox, kind, prefer="outcome=high_risk", query=f"?{name}=false")) == ["HIGH", "HIGH"]
