"""Step 2: a customer is held where a rule blocks."""

from types import SimpleNamespace

import pytest
from flagright import Flagright
from mockserver import FlagrightMock

from onboarding.customers import Customer, register
from onboarding.decision import Decision, Standing, decide


@pytest.mark.parametrize(
    ("outcome", "standing", "risk"),
    [
        ("clean", Standing.OPEN, "LOW"),
        ("shadow_hit", Standing.OPEN, "LOW"),
        ("flagged", Standing.REVIEW, "MEDIUM"),
        ("high_risk", Standing.REVIEW, "HIGH"),
        ("suspended", Standing.HOLD, "HIGH"),
        ("blocked", Standing.HOLD, "VERY_HIGH"),
        ("sanctions_hit", Standing.HOLD, "VERY_HIGH"),
    ],
)
def test_hits_decide(
    flagright_mock: FlagrightMock, flagright: Flagright, ada: Customer, outcome: str, standing: Standing, risk: str
) -> None:
    """A rule that blocks or suspends holds the customer; a flag or a high risk asks a person; a shadow does nothing."""
    flagright_mock.set_outcome(outcome, user_id=ada.id)
    decision = register(flagright, ada)
    assert (decision.standing, decision.risk) == (standing, risk)


def test_only_the_one_is_held(flagright_mock: FlagrightMock, flagright: Flagright, ada: Customer) -> None:
    """A hit on one customer holds that one alone, and names the rule."""
    with flagright_mock.set_outcome("blocked", user_id="eve-1"):
        eve = register(flagright, ada._replace(id="eve-1"))
        assert register(flagright, ada).standing is Standing.OPEN
    assert (eve.standing, eve.rules) == (Standing.HOLD, ("Use of a stolen identity",))


def test_no_result_is_no_clean_one() -> None:
    """An answer without rule results asks a person."""
    assert decide(SimpleNamespace(hit_rules=None, risk_score_details=None)) == Decision(Standing.REVIEW, "unknown", ())
