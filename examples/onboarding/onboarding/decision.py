"""What we make of an answer: the account is opened, a person looks at it first, or it is held."""

from enum import StrEnum
from typing import Any, NamedTuple

HOLDING = {"BLOCK", "SUSPEND"}
HARMLESS = {"ALLOW"}
RISKY = {"HIGH", "VERY_HIGH"}


class Standing(StrEnum):
    """How a customer stands with us."""

    OPEN = "open"
    REVIEW = "review"
    HOLD = "hold"


class Decision(NamedTuple):
    """A standing, the risk level that Flagright gave (or unknown), and the rules that were hit."""

    standing: Standing
    risk: str
    rules: tuple[str, ...]


def decide(answer: Any) -> Decision:
    """The decision on any answer that carries rule results.

    A shadow rule is one on trial: it is hit and must not count. An answer without results is no clean one.
    """
    hits = [rule for rule in answer.hit_rules or () if not rule.is_shadow]
    actions = {rule.rule_action for rule in hits}
    scores = answer.risk_score_details
    risk = (scores and scores.cra_risk_level) or "unknown"
    standing = Standing.OPEN
    if actions & HOLDING:
        standing = Standing.HOLD
    elif actions - HARMLESS or risk in RISKY or answer.hit_rules is None:
        standing = Standing.REVIEW
    return Decision(standing, risk, tuple(rule.rule_name for rule in hits))
