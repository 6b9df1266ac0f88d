"""What outcomes say of transactions, and which personas choose them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema_rs
import pytest

from mockserver.contract.checks import compiled_schema
from mockserver.contract.models import Form
from mockserver.errors import ContractError
from mockserver.world.outcomes import Outcomes
from mockserver.world.records import Decision
from tests.harness import contract

TRANSACTIONS = [op.id for op in contract().operations.built if op.entity.name == "transaction" and op.results]
OTHERS = [op.id for op in contract().operations.built if op.entity.name != "transaction" and op.results]
NAMES = sorted(Outcomes(contract()).names)
STATUSES = {
    "adverse_media_hit": "FLAG", "blocked": "BLOCK", "clean": "ALLOW", "flagged": "FLAG", "high_risk": "ALLOW",
    "pep_hit": "FLAG", "sanctions_hit": "BLOCK", "shadow_hit": "ALLOW", "suspended": "SUSPEND",
}  # fmt: skip
FLAG, SUSPEND, BLOCK, SHADOW = (
    {"ruleId": action, "ruleInstanceId": action, "ruleName": action, "ruleDescription": "x", **rest}
    for action, rest in (
        ("F", {"ruleAction": "FLAG"}),
        ("S", {"ruleAction": "SUSPEND"}),
        ("B", {"ruleAction": "BLOCK"}),
        ("Z", {"ruleAction": "BLOCK", "isShadow": True}),
    )
)
HIGH = {"craRiskScore": 70, "craRiskLevel": "HIGH"}


@cache
def outcomes() -> Outcomes:
    """The bundled outcomes."""
    return Outcomes(contract())


def said(among: Outcomes, operation_id: str, name: str) -> dict[str, Any]:
    """What an outcome says in an operation's answer."""
    operation = contract().operations.find(operation_id)
    found: dict[str, Any] = json.loads(b"{" + among.results(operation, Decision(name), "example") + b"}")
    return found


@cache
def promised(operation_id: str) -> jsonschema_rs.Draft202012Validator:
    """The results' part of an operation's response schema, with what of it is required."""
    operation = contract().operations.find(operation_id)
    models = contract().models
    schema = models.follow(operation.response)
    if operation.listed:
        schema = models.follow(schema["properties"][operation.listed]["items"])
    for part in (schema, *map(models.follow, schema.get("allOf", ()))):
        schema = {"properties": {}, **schema, **part}
    results = {
        "type": "object",
        "properties": {name: schema["properties"][name] for name in operation.results},
        "required": [name for name in schema.get("required", ()) if name in operation.results],
        "additionalProperties": False,
    }
    return jsonschema_rs.Draft202012Validator(compiled_schema(models, [results], Form(literal=True)))


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_has_the_results_that_it_declares(name: str) -> None:
    """With every outcome each of the operations says what its response schema has, all that it requires, no more."""
    for operation_id in (*TRANSACTIONS, *OTHERS):
        results = said(outcomes(), operation_id, name)
        assert results, operation_id
        errors = [error.message for error in promised(operation_id).iter_errors(results)]
        assert errors == [], operation_id


@pytest.mark.parametrize(("name", "status"), STATUSES.items())
def test_the_status_is_that_of_the_hits(name: str, status: str) -> None:
    """A transaction has the status that its outcome's name promises, with the rules and the risk of a user."""
    user = said(outcomes(), "createConsumerUser", name)
    for operation_id in TRANSACTIONS:
        results = said(outcomes(), operation_id, name)
        assert results["status"] == status
        assert results["hitRules"] == user["hitRules"]
        assert results.get("executedRules", user["executedRules"]) == user["executedRules"]
        risk = user["riskScoreDetails"]
        assert results["riskScoreDetails"] == {"trsScore": risk["craRiskScore"], "trsRiskLevel": risk["craRiskLevel"]}


OWN: list[tuple[Any, Any]] = [
    ({"results": {}}, {"status": "ALLOW", "executedRules": [], "hitRules": []}),
    ({"results": {"hitRules": [FLAG, SUSPEND]}}, {"status": "SUSPEND"}),
    ({"results": {"hitRules": [FLAG, BLOCK, SUSPEND]}}, {"status": "BLOCK"}),
    ({"results": {"hitRules": [FLAG, SHADOW]}}, {"status": "FLAG"}),
    ({"results": {"hitRules": [SHADOW]}}, {"status": "ALLOW"}),
    ({"results": {"riskScoreDetails": HIGH}}, {"riskScoreDetails": {"trsScore": 70, "trsRiskLevel": "HIGH"}}),
    ({"results": {"hitRules": [BLOCK]}, "transaction": {"hitRules": [FLAG]}}, {"status": "FLAG", "hitRules": [FLAG]}),
    ({"results": {}, "transaction": {"riskScoreDetails": {"trsScore": 1}}}, {"riskScoreDetails": {"trsScore": 1}}),
]


@pytest.mark.parametrize(("entry", "wanted"), OWN)
def test_an_outcome_of_your_own_holds_for_transactions(entry: Any, wanted: dict[str, Any]) -> None:
    """What an own outcome says of a transaction follows from what it says of a user, unless it says so itself."""
    results = said(Outcomes(contract(), {"mine": entry}), "verifyTransaction", "mine")
    assert {name: results[name] for name in wanted} == wanted
    assert promised("verifyTransaction").is_valid(results)


WRONG = [
    ({"results": "example", "transaction": {}}, "/mine/transaction: must not stand beside the results example"),
    ({"results": {}, "transaction": {"status": "BLOCK"}}, "/mine/transaction: .*status"),
    ({"results": {}, "transaction": {"riskScoreDetails": {"trsScore": "high"}}}, "/riskScoreDetails/trsScore: "),
    ({"results": {}, "transaction": []}, "/mine/transaction: "),
    ({"results": {"hitRules": [{}]}}, "/mine/results/hitRules/0: "),
    ({"results": {}, "over": "transaction"}, "/mine: must have results, or when and then, not both"),
    ({"when": {}, "then": "clean", "transaction": {}}, "/mine: must have results, or when and then"),
    ({"when": {}, "then": "clean", "over": "payment"}, "/mine/over: must be one of transaction, user"),
    ({"when": {}, "then": "clean", "over": ["user"]}, "/mine/over: must be one of transaction, user"),
]


@pytest.mark.parametrize(("entry", "message"), WRONG)
def test_a_wrong_entry_is_named(entry: Any, message: str) -> None:
    """What is wrong with an own entry is told with its place."""
    with pytest.raises(ContractError, match=message):
        Outcomes(contract(), {"mine": entry})


WHO = [
    ({"transactionId": "t"}, None),
    ({"transactionId": "mock_blocked_1"}, "blocked"),
    ({"transactionId": "xmock_blocked_1"}, None),
    ({"transactionId": "t", "originUserId": "mock_sanctions_hit_1"}, "sanctions_hit"),
    ({"transactionId": "t", "destinationUserId": "mock_pep_hit_1", "originUserId": "u"}, "pep_hit"),
    ({"transactionId": "mock_clean_1", "originUserId": "mock_blocked_1"}, "clean"),  # its own id goes first
    ({"transactionId": "mock_1", "originUserId": "mock_blocked_1"}, "blocked"),
    ({"transactionId": "t", "originUserId": "mock_clean_1"}, "clean"),
    ({"transactionId": "t", "originUserId": "mock_clean_1", "destinationUserId": "mock_clean_2"}, "clean"),
    ({"transactionId": "t", "originUserId": "mock_clean_1", "destinationUserId": "mock_suspended_2"}, "suspended"),
    ({"transactionId": "t", "originUserId": "mock_suspended_1", "destinationUserId": "mock_clean_2"}, "suspended"),
    ({"transactionId": "t", "userId": "mock_blocked_1"}, None),  # no property of a transaction
    ({"transactionId": "t", "originUserId": None, "destinationUserId": 7}, None),
]


@pytest.mark.parametrize(("transaction", "then"), WHO)
def test_a_transaction_has_a_persona_by_its_ids(transaction: dict[str, Any], then: str | None) -> None:
    """The id of a transaction begins with a magic prefix, else that of its sender or receiver; clean gives way."""
    persona = outcomes().persona(transaction, "transaction")
    assert (persona and persona.then) == then


def test_a_persona_over_users_leaves_transactions_alone() -> None:
    """A persona of your own is over users where it does not say otherwise, even one that any object satisfies."""
    among = Outcomes(
        contract(),
        {
            "anyone": {"when": {"properties": {"userId": {"pattern": "^vip"}}}, "then": "pep_hit"},
            "large": {"over": "transaction", "when": {"required": ["promotionCodeUsed"]}, "then": "flagged"},
        },
    )
    for record, kind, then in (
        ({"userId": "vip-1"}, "user", "pep_hit"),
        ({"transactionId": "t"}, "transaction", None),
        ({"transactionId": "t", "promotionCodeUsed": True}, "transaction", "flagged"),
        ({"userId": "u", "promotionCodeUsed": True}, "user", None),
    ):
        persona = among.persona(record, kind)
        assert (persona and persona.then) == then


def test_each_outcome_has_its_magic_ids() -> None:
    """Of a user, a transaction, a sender and a receiver the same beginning of the id chooses the same outcome."""
    prefixes: dict[str, set[str]] = {}
    for persona in outcomes().personas.values():
        ids = {value for name, value in persona.magic.items() if name.endswith("Id")}
        prefixes.setdefault(persona.then, set()).update(ids)
    assert prefixes == {name: {f"mock_{name}_"} for name in NAMES if name != "example"}
