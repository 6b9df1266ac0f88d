"""What generated answers say of rules and risk: executed rules, those that hit, and scores, in agreement.

A rule hits when the CRA risk level is one whose score (fixtures/risk_scores.json) is in the upper half; a hit rule is
among the executed ones, with `ruleHit` true, and is no shadow rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.world.outcomes import status_of
from mockserver.world.variants.groups import Group
from mockserver.world.variants.scene import COMPANY, PERSON, Scene
from mockserver.world.variants.values import ABSENT, Rule

_HITS_FROM = 50.0  # of 0 to 100
_HIT_TOO = 0.3
_META = "ruleHitMeta"


def executed(scene: Scene, item: Rule) -> list[Any]:
    """The executed rules; `item` draws one of the schema's."""
    return [_drawn(scene, item, case) for case in _cases(scene)]


def hits(scene: Scene, item: Rule) -> list[Any]:
    """The rules that hit, in the same words as among the executed ones."""
    return [_drawn(scene, item, case) for case in _cases(scene) if case["ruleHit"]]


def status(scene: Scene) -> str:
    """What became of a transaction by the rules that hit."""
    return status_of([case for case in _cases(scene) if case["ruleHit"]])


def _drawn(scene: Scene, item: Rule, case: dict[str, Any]) -> Any:
    scene.case = case
    shown = item(scene)
    if case["ruleHit"] and _META not in case and _META in shown:
        case[_META] = shown[_META]
    return shown


def _cases(scene: Scene) -> list[dict[str, Any]]:
    """The rules that were executed on the body's user, decided once a body."""
    body = scene.body
    if body.cases is None:
        fitting = [rule for rule in scene.library.rules if rule["screens"] in (None, scene.holder)]
        risky = scene.library.scores.get(body.cra, 0) >= _HITS_FROM
        body.cases = []
        for number in range(scene.whole(1, 3)):
            rule = fitting.pop(int(scene.random() * len(fitting)))
            body.cases.append(_case(scene, rule, hit=risky and (number == 0 or scene.likely(_HIT_TOO))))
    return body.cases


def _case(scene: Scene, rule: Mapping[str, Any], *, hit: bool) -> dict[str, Any]:
    case = {
        "ruleId": rule["id"],
        "ruleInstanceId": f"instance-{scene.hex(12)}",
        "ruleName": rule["name"],
        "ruleDescription": rule["description"],
        "ruleAction": scene.enum("RuleAction"),
        "ruleHit": hit,
        "versionId": f"version-{scene.hex(8)}",
        "executedAt": scene.body.moment + scene.whole(50, 900),
        "executedRiskLevel": scene.body.cra,
        "labels": list(rule["labels"]),
        "nature": rule["nature"],
        "isShadow": False if hit else scene.likely(0.2),
    }
    return case if hit else {**case, _META: ABSENT}


def _rule(scene: Scene) -> Mapping[str, Any]:
    return scene.case


def _hit_meta(scene: Scene) -> Mapping[str, Any]:
    return {} if scene.case["nature"] == "SCREENING" else {"sanctionsDetails": ABSENT, "isOngoingScreeningHit": ABSENT}


def _vars(scene: Scene) -> Mapping[str, Any]:
    return {} if scene.case["nature"] == "SCREENING" else {"listContext": ABSENT}


def _false_positive(scene: Scene) -> Mapping[str, Any]:
    found = scene.likely(0.1)
    return {"isFalsePositive": found, "confidenceScore": round((0.8 if found else 0) + scene.random() / 5, 2)}


def _screened(scene: Scene) -> Mapping[str, Any]:
    return {"ruleId": scene.case["ruleId"], "ruleInstanceId": scene.case["ruleInstanceId"], "userId": scene.user_id}


def _scores(scene: Scene) -> Mapping[str, Any]:
    body, scores = scene.body, scene.library.scores
    weight = round(0.3 + scene.random() * 0.4, 2)
    return {
        "kycRiskScore": scores.get(body.kyc, 0),
        "craRiskScore": scores.get(body.cra, 0),
        "kycRiskLevel": body.kyc,
        "craRiskLevel": body.cra,
        "avgTrsScore": round(scene.random() * 100, 2),
        "krsWeight": weight,
        "avgTrsWeight": round(1 - weight, 2),
    }


def _transaction_scores(scene: Scene) -> Mapping[str, Any]:
    """The transaction's own level decides whether rules hit; those of its users may be others."""
    scores = scene.library.scores
    origin, destination = scene.enum("RiskLevel"), scene.enum("RiskLevel")
    weight = round(0.3 + scene.random() * 0.4, 2)
    return {
        "trsScore": scores.get(scene.body.cra, 0),
        "trsRiskLevel": scene.body.cra,
        "originUserCraRiskScore": scores.get(origin, 0),
        "originUserCraRiskLevel": origin,
        "destinationUserCraRiskScore": scores.get(destination, 0),
        "destinationUserCraRiskLevel": destination,
        "krsWeight": weight,
        "avgTrsWeight": round(1 - weight, 2),
    }


def _factor(scene: Scene) -> Mapping[str, Any]:
    name, value = scene.word("riskFactors")
    level = scene.enum("RiskLevel")
    return {
        "riskFactorId": f"factor-{scene.hex(8)}",
        "riskFactorName": name,
        "riskFactorVersionId": f"version-{scene.hex(8)}",
        "value": scene.country.code if value == "country" else value,
        "riskScore": scene.library.scores.get(level, 0),
        "riskLevel": level,
        "weight": round(scene.random(), 2),
    }


RESULT_GROUPS: Mapping[str, Group] = {
    "ExecutedRulesResult": _rule,
    "ExecutedLogicVars": _vars,
    "FalsePositiveDetails": _false_positive,
    "HitRulesDetails": _rule,
    "RiskFactorBreakdown": _factor,
    "RuleHitMeta": _hit_meta,
    "SanctionsHitContext": _screened,
    "TransactionRiskScoringResult": _transaction_scores,
    "UserRiskScoreDetails": _scores,
}
# Lists that are drawn as a whole: (scene, maker of one item) -> list.
WHOLE = {"executedRules": executed, "hitRules": hits}
# Whom an object of these models is about.
HOLDERS = {
    "LegalEntity": COMPANY,
    "LegalEntityWithRole": COMPANY,
    "Person": PERSON,
    "PersonWithRole": PERSON,
}
