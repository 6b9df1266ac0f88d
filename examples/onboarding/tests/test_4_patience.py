"""Step 4: too many requests, and servers that are down for a moment."""

from typing import Any

import httpx
import pytest
from flagright import Flagright
from flagright.core.api_error import ApiError
from flagright.errors import TooManyRequestsError
from mockserver import FlagrightMock

from onboarding.customers import Customer, register


def test_retry_after_is_kept(
    flagright_mock: FlagrightMock, flagright: Flagright, ada: Customer, waits: list[float]
) -> None:
    """After 429 we wait as long as Flagright asks for."""
    flagright_mock.add_fault(429, retry_after=7, times=2)

    register(flagright, ada, waits.append)

    assert waits == [7, 7]
    flagright_mock.assert_requested("consumer_users.create", times=3)
    flagright_mock.assert_requested("consumer_users.create", times=2, status=429)


def test_a_rate_limit_passes_by(
    flagright_mock: FlagrightMock, flagright: Flagright, ada: Customer, waits: list[float]
) -> None:
    """Where one customer a minute is allowed, two are registered in a minute: in the sandbox's time, not in ours."""

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        flagright_mock.advance_clock(seconds=seconds)

    flagright_mock.add_fault(rate_limit=1, window_ms=60_000)
    began = flagright_mock.now
    for name in ("ada-1", "ada-2"):
        register(flagright, ada._replace(id=name), sleep)

    assert waits == [60]
    assert [request.status for request in flagright_mock.requests()] == [201, 429, 201]
    assert (flagright_mock.now - began).total_seconds() == pytest.approx(60, abs=1)


def test_patience_ends(flagright_mock: FlagrightMock, flagright: Flagright, ada: Customer, waits: list[float]) -> None:
    """After five tries we give up, with Flagright's own error, and the customer is not there."""
    with flagright_mock.add_fault(429, retry_after=0), pytest.raises(TooManyRequestsError):
        register(flagright, ada, waits.append)

    assert len(waits) == 4
    with pytest.raises(LookupError):
        flagright_mock.consumer(ada.id)


@pytest.mark.parametrize(
    ("fault", "error"),
    [({"status": 500}, ApiError), ({"wire": "EMPTY_RESPONSE"}, httpx.RemoteProtocolError)],
    ids=["status", "connection"],
)
def test_pauses_grow(
    flagright_mock: FlagrightMock,
    flagright: Flagright,
    ada: Customer,
    waits: list[float],
    fault: dict[str, Any],
    error: type[Exception],
) -> None:
    """Where nothing is said of when to come again, each pause is twice the last."""
    flagright_mock.add_fault(**fault)
    with pytest.raises(error):
        register(flagright, ada, waits.append)
    assert waits == [0.5, 1, 2, 4]
