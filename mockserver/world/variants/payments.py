"""What generated transactions hold: two sides, each with money and country of its own, and the risk of a blockchain.

The sender is the scene itself, the receiver is `scene.receiver`. Both amounts are worth the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.world.variants.groups import Group
from mockserver.world.variants.scene import Scene
from mockserver.world.variants.values import ABSENT, Rule, amount, key, often, share, word

_REASON = "BAD_REQUEST"


def _money(scene: Scene) -> Mapping[str, Any]:
    country = scene.country
    return {
        "transactionAmount": round(country.scale * scene.body.euros, 2),
        "transactionCurrency": country.currency,
        "country": country.code,
    }


def _funds(scene: Scene) -> Mapping[str, Any]:
    return {"sourceOfFunds": scene.enum("SourceOfFunds"), "sourceOfWealth": scene.enum("SourceOfFunds")}


def _batch(scene: Scene) -> Mapping[str, Any]:
    """What became of a batch: the counts, the status and the records that were refused agree."""
    count = scene.whole(1, 6)
    failed = scene.whole(1, count) if scene.likely(0.5) else 0
    return {
        "status": "SUCCESS" if not failed else "FAILURE" if failed == count else "PARTIAL_FAILURE",
        "successful": count - failed,
        "failed": failed,
        "failedRecords": [{"id": f"record-{scene.hex(8)}", "reasonCode": _REASON} for _ in range(failed)] or ABSENT,
        "message": f"{failed} of {count} records were refused" if failed else ABSENT,
    }


def _risk(scene: Scene) -> Mapping[str, Any]:
    level = scene.enum("RiskLevel")
    return {
        "provider": scene.word("blockchainProviders"),
        "timestamp": scene.body.created + scene.whole(50, 900),
        "riskLevel": level,
        "riskScore": scene.library.scores.get(level, 0),
    }


def _category(scene: Scene) -> Mapping[str, Any]:
    code, name, text = scene.word("blockchainCategories")
    level = scene.enum("RiskLevel")
    score = scene.library.scores.get(level, 0)
    return {"id": code, "name": name, "description": text, "riskLevel": level, "riskScore": score}


def _owner(scene: Scene) -> Mapping[str, Any]:
    return {"name": scene.word("blockchainEntities"), "categoryId": scene.word("blockchainCategories")[0]}


def _event(scene: Scene) -> Mapping[str, Any]:
    state = scene.enum("TransactionState")
    reason, text = scene.words["transactionReasons"].get(state, scene.words["transactionReasons"]["OTHER"])
    return {"transactionState": state, "reason": reason, "eventDescription": text}


PAYMENT_GROUPS: Mapping[str, Group] = {
    "BatchResponse": _batch,
    "BlockChainEntity": _owner,
    "BlockchainCounterparty": _owner,
    "BlockchainRisk": _risk,
    "BlockchainRiskCategory": _category,
    **dict.fromkeys(
        ("TransactionEvent", "TransactionEventWithRulesResult", "BatchTransactionEventMonitoringResult"), _event
    ),
    "OriginFundsInfo": _funds,
    "TransactionAmountDetails": _money,
}
PAYMENT_PLACES: Mapping[tuple[str, str], Rule] = {
    **{
        (model, name): rule
        for model in ("Transaction", "TransactionWithRulesResult")
        for name, rule in {"timestamp": lambda scene: scene.body.created, "type": word("transactionTypes")}.items()
    },
    ("BlockchainRiskExposure", "amount"): amount,
    ("BlockchainRiskSubject", "value"): key("0x", 40),
}
PAYMENT_NAMES: Mapping[str, Rule] = {
    "alertId": key("alert-"),
    "batchId": key("batch-"),
    "destinationUserAvgTrsScore": share(100),
    "destinationUserId": lambda scene: scene.receiver.user_id,
    "originUserAvgTrsScore": share(100),
    "originUserId": lambda scene: scene.user_id,
    "productType": word("productTypes"),
    "promotionCodeUsed": often(0.1),
    "reference": word("instructions"),
    "relatedTransactionIds": key("transaction-"),
}
