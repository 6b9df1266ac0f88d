"""What all steps use: a client as the application makes it, a customer, and waits that nobody sits through."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flagright import Flagright
from mockserver import FlagrightMock

from onboarding.api import connected
from onboarding.customers import Customer


@pytest.fixture
def flagright(flagright_mock: FlagrightMock) -> Iterator[Flagright]:
    """The application's own client: the plugin has set the variables that it reads."""
    with connected() as client:
        yield client


@pytest.fixture
def ada() -> Customer:
    """A customer."""
    return Customer("ada-1", "Ada", "Byron", "GB", since=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def waits() -> list[float]:
    """The seconds that would have been waited: `sleep=waits.append`."""
    return []
