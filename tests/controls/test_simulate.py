"""`simulate`: a stored user changes as the vendor's console would change it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.sdk_models import our_models
from tests.controls.desk import KINDS, Admin, apply, create, fresh, outcome_of, user
from tests.harness import Api

STATES, STATUSES, LEVELS = (our_models()[name]["enum"] for name in ("UserState", "KycStatus", "RiskLevel"))


@pytest.fixture
def sandbox() -> Api:
    """An empty world, clean unless something else is chosen."""
    return fresh(outcome="clean")


def simulate(api: Api, kind: str, user_id: str = "u", **body: Any) -> Any:
    """What the admin API answers."""
    return Admin(api).call("POST", f"simulate/{kind}/{user_id}", body)


@pytest.mark.parametrize("kind", KINDS)
def test_each_state_and_kyc_status(sandbox: Api, kind: str) -> None:
    """Every UserState and KycStatus can be given, with a reason, and shows in the next GET; the rest stays."""
    create(sandbox, kind)
    for name, details, inner, values in (
        ("state", "userStateDetails", "state", STATES),
        ("kycStatus", "kycStatusDetails", "status", STATUSES),
    ):
        for value in values:
            assert simulate(sandbox, kind, **{name: value, "reason": f"now {value}"}).status == 200
            got = sandbox.get(f"/{kind}/users/u").body
            assert got[details] == {inner: value, "reason": f"now {value}"}
            assert user(kind).items() <= got.items()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lock", ["", "?lockCraRiskLevel=true&lockKycRiskLevel=true"])
def test_each_risk_level(sandbox: Api, kind: str, lock: str) -> None:
    """Every risk level can be given, the CRA and the KYC one apart; the console is held back by no lock."""
    create(sandbox, kind, query=lock)
    for level in LEVELS:
        simulate(sandbox, kind, riskLevel=level)
        simulate(sandbox, kind, kycRiskLevel=LEVELS[0])
        got = sandbox.get(f"/{kind}/users/u").body
        assert (got["riskLevel"], got["kycRiskLevel"]) == (level, LEVELS[0])
        shown = got["riskScoreDetails"]
        assert (shown["craRiskLevel"], shown["kycRiskLevel"]) == (level, LEVELS[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_screening(sandbox: Api, kind: str) -> None:
    """An outcome given shows in the next GET and in the answer's `outcome`; the user itself stays as it was."""
    create(sandbox, kind)
    answer = simulate(sandbox, kind, outcome="sanctions_hit")
    assert (answer.body["body"], answer.body["outcome"]) == (user(kind), "sanctions_hit")
    assert outcome_of(sandbox.get(f"/{kind}/users/u"), Admin(sandbox)) == "sanctions_hit"


def test_all_at_once_and_only_this_user(sandbox: Api) -> None:
    """Everything can be given in one call, and no other user, nor one of the other type, is touched."""
    for kind in KINDS:
        create(sandbox, kind)
        create(sandbox, kind, user(kind, "v"))
    simulate(sandbox, "consumer", state="BLOCKED", kycStatus="FAILED", riskLevel="HIGH", outcome="blocked")
    got = sandbox.get("/consumer/users/u").body
    assert (got["userStateDetails"]["state"], got["kycStatusDetails"]["status"]) == ("BLOCKED", "FAILED")
    assert got["riskScoreDetails"]["craRiskLevel"] == "HIGH"
    assert got["hitRules"]
    for target in ("/consumer/users/v", "/business/users/u", "/business/users/v"):
        other = sandbox.get(target).body
        assert not other["hitRules"]
        assert "userStateDetails" not in other


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_state_leaves_locked_levels_as_they_show(sandbox: Api, kind: str) -> None:
    """A change of state or KYC status alone changes no risk level, also where a lock has kept it from an event."""
    create(sandbox, kind, query="?lockCraRiskLevel=true&lockKycRiskLevel=true")
    before = apply(sandbox, kind, prefer="outcome=blocked").body["riskScoreDetails"]
    assert before["craRiskLevel"] == "LOW"
    for change in ({"state": "BLOCKED"}, {"kycStatus": "FAILED"}):
        simulate(sandbox, kind, **change)
        assert sandbox.get(f"/{kind}/users/u").body["riskScoreDetails"] == before


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"state": "BLOKED"}, "/state"),
    ({"kycStatus": "OK"}, "/kycStatus"),
    ({"riskLevel": "high"}, "/riskLevel"),
    ({"kycRiskLevel": None}, "/kycRiskLevel"),
    ({"outcome": "blockd"}, "did you mean blocked"),
    ({"state": "BLOCKED", "stat": 1}, "stat"),
    ({"reason": 5, "state": "BLOCKED"}, "/reason"),
]


@pytest.mark.parametrize(("body", "says"), WRONG)
def test_a_wrong_change_is_422(sandbox: Api, body: dict[str, Any], says: str) -> None:
    """What the console could not do is a 422 that says what was wrong, and changes nothing."""
    create(sandbox, "consumer")
    before = sandbox.get("/consumer/users/u").raw
    answer = simulate(sandbox, "consumer", **body)
    assert answer.status == 422
    assert says in answer.body["detail"]
    assert sandbox.get("/consumer/users/u").raw == before


@pytest.mark.parametrize(("kind", "user_id"), [("consumer", "nobody"), ("business", "u"), ("company", "u")])
def test_a_user_that_is_not_there_is_404(sandbox: Api, kind: str, user_id: str) -> None:
    """An unknown id, an id of the other type and an unknown type are 404, and no user comes into being."""
    create(sandbox, "consumer")
    answer = simulate(sandbox, kind, user_id, state="BLOCKED")
    assert (answer.status, user_id in answer.body["detail"] or kind in answer.body["detail"]) == (404, True)
    assert Admin(sandbox).ask("GET", "state")["users"] == {"consumer": 1, "business": 0}


def test_an_id_with_slashes(sandbox: Api) -> None:
    """An id with slashes is simulated as any other."""
    create(sandbox, "consumer", user("consumer", "a/b"))
    assert simulate(sandbox, "consumer", "a/b", state="BLOCKED").status == 200
    assert sandbox.get("/consumer/users/a/b").body["userStateDetails"] == {"state": "BLOCKED"}
