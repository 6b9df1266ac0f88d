"""Generated transactions and batches fit together."""

from __future__ import annotations

from collections import Counter

from tests.world.drawn import BY_CODE, EMPTY, LATEST, drawn, users


def test_both_sides_of_a_transaction_fit() -> None:
    """Each side has one country and its money, both amounts are worth the same, and rules are executed at its time."""
    pairs: Counter[bool] = Counter()
    drawn_ones = [
        *users("transaction"),
        *drawn("getTransaction"),
        *(b["transaction"] for b in drawn("createTransactionEvent")),
    ]
    for body in drawn_ones:
        values = []
        for side in ("origin", "destination"):
            amount = body.get(f"{side}AmountDetails")
            if amount is None:
                continue
            profile = BY_CODE[amount["country"]] if "country" in amount else None
            if profile is None:
                continue
            assert amount["transactionCurrency"] == profile["currency"]
            values.append((profile["code"], amount["transactionAmount"] / profile["amountScale"]))
            payment = body.get(f"{side}PaymentDetails", EMPTY)
            assert payment.get("IBAN", profile["code"])[:2] == profile["code"]
            for name in ("cardIssuedCountry", "countryOfResidence"):
                assert payment.get(name, profile["code"]) == profile["code"]
            for balance in (payment.get(name, EMPTY) for name in ("accountBalance", "cardBalance", "walletBalance")):
                assert balance.get("amountCurrency", profile["currency"]) == profile["currency"]
            assert body.get(f"{side}DeviceData", EMPTY).get("ipCountry", profile["code"]) == profile["code"]
        if len(values) == 2:
            (one, worth), (other, same) = values
            assert abs(worth - same) < 0.02
            pairs[one == other] += 1
        for payment in (body.get(f"{side}PaymentDetails", EMPTY) for side in ("origin", "destination")):
            assert payment.get("processingDate", LATEST) >= body["timestamp"]
        assert body.get("originUserId") != body.get("destinationUserId", "nobody")
        for rule in body.get("executedRules", ()):
            assert 0 <= rule.get("executedAt", body["timestamp"]) - body["timestamp"] < 4 * 86_400_000
    assert min(pairs[True], pairs[False]) > 20


def test_what_became_of_a_batch_adds_up() -> None:
    """Counts, status and the list of refused records of a batch say the same."""
    seen: set[str] = set()
    for body in drawn("verifyTransactionsBatch"):
        failed, count = body["failed"], body["failed"] + body["successful"]
        assert body["status"] == ("SUCCESS" if not failed else "FAILURE" if failed == count else "PARTIAL_FAILURE")
        assert len(body.get("failedRecords", range(failed))) == failed
        seen.add(body["status"])
    assert len(seen) == 3
