"""Step 5: an identity check is told once, whatever becomes of the answer."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flagright import Flagright
from flagright.errors import ConflictError
from mockserver import FlagrightMock

from onboarding.decision import Standing
from onboarding.kyc import Check, record_check

CHECK = Check("c-7", "ada-1", "SUCCESSFUL", at=datetime(2026, 1, 2, tzinfo=UTC))


@pytest.fixture(autouse=True)
def registered(flagright_mock: FlagrightMock) -> None:
    """The customer is there already; nobody has to call the API for that."""
    flagright_mock.add_consumer(user_id="ada-1", kycStatusDetails={"status": "IN_PROGRESS"})


@pytest.mark.parametrize(
    ("fault", "tries"),
    [
        pytest.param({"status": 503, "phase": "before"}, 2, id="503, nothing was done"),
        pytest.param({"status": 503, "phase": "after"}, 2, id="503, and it was done"),
        pytest.param({"wire": "CONNECTION_RESET_BY_PEER", "phase": "before"}, 2, id="cut, nothing was done"),
        pytest.param({"wire": "CONNECTION_RESET_BY_PEER", "phase": "after"}, 2, id="cut, and it was done"),
        pytest.param({"status": 409, "phase": "after"}, 1, id="it is known already"),
    ],
)
def test_one_check_is_one_event(
    flagright_mock: FlagrightMock, flagright: Flagright, waits: list[float], fault: dict[str, Any], tries: int
) -> None:
    """However an answer is lost, the check counts once and the customer is verified."""
    flagright_mock.add_fault(**fault, operation="consumer_user_events.create", times=1)

    assert record_check(flagright, CHECK, waits.append).standing is Standing.OPEN

    ada = flagright_mock.consumer("ada-1")
    assert (ada["kycStatusDetails"], ada.events) == ({"status": "SUCCESSFUL"}, 1)
    assert flagright_mock.event("kyc-c-7")["userId"] == "ada-1"
    flagright_mock.assert_requested("consumer_user_events.create", times=tries, eventId="kyc-c-7")


def test_a_later_run_tells_the_same(flagright_mock: FlagrightMock, flagright: Flagright) -> None:
    """A check that is told again tomorrow, after a crash, is the same event."""
    record_check(flagright, CHECK)
    flagright_mock.advance_clock(days=1)
    record_check(flagright, CHECK)
    flagright_mock.assert_requested("consumer_user_events.create", times=2, status=201)
    assert flagright_mock.consumer("ada-1").events == 1


def test_another_check_by_that_id(flagright_mock: FlagrightMock, flagright: Flagright) -> None:
    """Another result under the id of a check is refused, and the first one stands."""
    record_check(flagright, CHECK)
    with pytest.raises(ConflictError):
        record_check(flagright, CHECK._replace(status="FAILED"))
    assert flagright_mock.consumer("ada-1")["kycStatusDetails"] == {"status": "SUCCESSFUL"}


def test_a_check_can_hold(flagright_mock: FlagrightMock, flagright: Flagright) -> None:
    """A rule that is hit by the event holds a customer who was open."""
    flagright_mock.set_outcome("sanctions_hit", operation="consumer_user_events.create")
    assert record_check(flagright, CHECK).standing is Standing.HOLD
