"""The vendor's Python SDK verifies transactions, and sends batches of every kind."""

from __future__ import annotations

from typing import Any

import flagright.types as sdk_types
import pytest
from flagright.core.api_error import ApiError
from flagright.core.pydantic_utilities import parse_obj_as

from tests.contract.sdk_models import our_models
from tests.harness import NOW
from tests.sdk.client import LEGAL_ENTITY, MODELS, Sdk, deep_or
from tests.sdk.full import Full, flattened, members_of, routes, with_every_value

MEMBERS = {flattened(member)[0]["method"]["const"]: member for member in members_of(our_models()["PaymentDetails"])}
USERS = {enum for model in MODELS.values() for enum in routes(model)}
ENUMS = sorted(set(routes("Transaction")) - USERS)  # the others are tried in users
UNCHECKED = {"validate_origin_user_id": "false", "validate_destination_user_id": "false"}
CREATED = {"transactionState": "CREATED"}


def least(transaction_id: str = "T-1", **more: Any) -> dict[str, Any]:
    """The least that the sandbox takes for a transaction."""
    return {"type": "DEPOSIT", "transactionId": transaction_id, "timestamp": NOW, **more}


def user(sdk: Sdk, user_id: str) -> None:
    """Store a consumer."""
    sdk.call("consumer_users.create", user_id=user_id, created_timestamp=NOW)


def test_a_minimal_transaction_comes_back_as_created(sdk: Sdk) -> None:
    """A transaction with nothing but what is required is verified; a GET brings that and the state CREATED."""
    verified = sdk.create("transactions", least())
    assert (verified.transaction_id, verified.status) == ("T-1", "BLOCK")  # as the SDK's own example has it
    assert sdk.stored("transactions", "T-1") == least() | CREATED


def test_a_full_transaction_and_its_event_come_back(sdk: Sdk) -> None:
    """A transaction and an event with every property filled come back equal, and the event is merged into it."""
    make = Full()
    body = make.make("Transaction", transactionId="T-1", originUserId="from", destinationUserId="to")
    for user_id in ("from", "to"):
        user(sdk, user_id)
    sdk.create("transactions", body)
    assert sdk.warnings == ""
    assert sdk.stored("transactions", "T-1") == body
    changes = make.make("TransactionUpdatable")
    event = make.make("TransactionEvent", transactionId="T-1", eventId="E-1", updatedTransactionAttributes=changes)
    answer = sdk.create("transaction_events", event)
    changed = deep_or(body, changes) | {"transactionState": event["transactionState"]}
    assert (answer.event_id, answer.transaction.transaction_id) == ("E-1", "T-1")
    assert sdk.got["transaction"] == changed
    assert sdk.stored("transactions", "T-1") == changed
    assert sdk.stored("transaction_events", "E-1") == event


@pytest.mark.parametrize("method", MEMBERS)
def test_each_payment_method_works_on_both_sides(sync_sdk: Sdk, method: str) -> None:
    """A payment of each method comes back equal as origin and as destination, full and minimal, and is read as such."""
    make = Full()
    name = MEMBERS[method]["allOf"][0]["$ref"].removesuffix(".json")
    full, minimal = make.make(name, method=method), make.minimal(name, method=method)
    for number, (origin, destination) in enumerate(((full, minimal), (minimal, full))):
        body = least(f"T-{number}", originPaymentDetails=origin, destinationPaymentDetails=destination)
        sync_sdk.create("transactions", body)
        assert sync_sdk.stored("transactions", f"T-{number}") == body | CREATED
        read = sync_sdk.call("transactions.get", f"T-{number}")
        for side in (read.origin_payment_details, read.destination_payment_details):
            assert side.method == method
            assert type(side).__name__.lower().endswith("_" + method.lower().replace("_", ""))


@pytest.mark.parametrize("enum", ENUMS)
def test_every_enum_value_of_a_transaction_is_given_back(sync_sdk: Sdk, enum: str) -> None:
    """Each value of each enum that only transactions have is accepted and comes back unchanged."""
    for number, body in enumerate(with_every_value("Transaction", enum)):
        transaction = least(f"T-{number}") | body | {"transactionId": f"T-{number}"}
        sync_sdk.create("transactions", transaction)
        assert sync_sdk.stored("transactions", f"T-{number}") == CREATED | transaction


def test_unknown_users_are_refused_unless_told_otherwise(sdk: Sdk) -> None:
    """A transaction from and to nobody is the SDK's BadRequestError that names both, and goes through unchecked."""
    body = least(originUserId="nobody", destinationUserId="no one")
    with pytest.raises(ApiError) as refusal:
        sdk.create("transactions", body)
    assert type(refusal.value).__name__ == "BadRequestError"
    assert {each["pointer"] for each in sdk.got["violations"]} == {"/originUserId", "/destinationUserId"}
    sdk.create("transactions", body, **UNCHECKED)
    assert sdk.stored("transactions", "T-1") == body | CREATED


@pytest.mark.parametrize(
    ("ids", "status"),
    [
        ({"transactionId": "mock_suspended_1"}, "SUSPEND"),
        ({"originUserId": "mock_blocked_1"}, "BLOCK"),
        ({"originUserId": "mock_clean_1", "destinationUserId": "mock_flagged_1"}, "FLAG"),
        ({"transactionId": "mock_clean_1", "originUserId": "mock_blocked_1"}, "ALLOW"),
    ],
)
def test_magic_ids_choose_the_status(sync_sdk: Sdk, ids: dict[str, str], status: str) -> None:
    """A transaction gets its outcome by its own id or by that of a user, at the write and in every GET."""
    body = least() | ids
    verified = sync_sdk.create("transactions", body, **UNCHECKED)
    assert verified.status == status
    read = sync_sdk.call("transactions.get", body["transactionId"])
    assert (read.status, [rule.rule_action for rule in read.hit_rules]) == (
        status,
        [status] if status != "ALLOW" else [],
    )


# Of each kind of batch: the calls' name, the model of a record, what beside the id a record needs, the id's name.
BATCHES: list[tuple[str, str, dict[str, Any], str]] = [
    ("consumer_users", "User", {"createdTimestamp": NOW}, "userId"),
    ("business_users", "Business", {"createdTimestamp": NOW, "legalEntity": LEGAL_ENTITY}, "userId"),
    ("consumer_user_events", "ConsumerUserEvent", {"timestamp": NOW, "userId": "userId"}, "eventId"),
    ("business_user_events", "BusinessUserEvent", {"timestamp": NOW, "userId": "userId"}, "eventId"),
    ("transactions", "Transaction", {"type": "OTHER", "timestamp": NOW}, "transactionId"),
    (
        "transaction_events",
        "TransactionEvent",
        {"timestamp": NOW, "transactionId": "transactionId", "transactionState": "SENT"},
        "eventId",
    ),
]


@pytest.mark.parametrize(("name", "model", "needs", "id_name"), BATCHES, ids=[batch[0] for batch in BATCHES])
def test_a_batch_is_stored_and_paged(sdk: Sdk, name: str, model: str, needs: dict[str, Any], id_name: str) -> None:
    """Three records in one call are all accepted; pages of two bring them in their order, with the total."""
    sent = [{**needs, id_name: f"R-{number}"} for number in range(3)]
    records = [parse_obj_as(getattr(sdk_types, model), body) for body in sent]
    call = "batch.verify_transaction" if name == "transactions" else f"batch.create_{name}"
    done = sdk.call(call, data=records, batch_id="B-1")
    assert (done.status, done.successful, done.failed, done.batch_id) == ("SUCCESS", 3, 0, "B-1")
    assert sdk.sent == {"batchId": "B-1", "data": sent}
    found = []
    for page, count in ((1, 2), (2, 1), (3, 0)):
        read = sdk.call(f"batch.get_{name}", "B-1", page_size=2, page=page)
        entries = getattr(read, name)
        assert (len(entries), read.total_count) == (count, 3)
        (listed,) = (value for value in sdk.got.values() if isinstance(value, list))
        found += [{key: entry[key] for key in body if key in entry} for entry, body in zip(listed, sent, strict=False)]
    whole = name != "transactions"  # of those the vendor's page has the id and the results alone
    assert [entry[id_name] for entry in found] == ["R-0", "R-1", "R-2"]
    assert not whole or [entry.keys() for entry in found] == [body.keys() for body in sent]


def test_a_batch_names_what_was_refused(sdk: Sdk) -> None:
    """Of a batch with a transaction from nobody the others are stored, and the SDK reads which one was refused."""
    sent = [least("T-1"), least("T-2", originUserId="nobody")]
    done = sdk.call("batch.verify_transaction", data=[parse_obj_as(sdk_types.Transaction, body) for body in sent])
    assert (done.status, done.successful, done.failed) == ("PARTIAL_FAILURE", 1, 1)
    assert [record.id for record in done.failed_records] == ["T-2"]
    assert sdk.call("batch.get_transactions", done.batch_id).total_count == 1
    assert sdk.stored("transactions", "T-1") == least("T-1") | CREATED
