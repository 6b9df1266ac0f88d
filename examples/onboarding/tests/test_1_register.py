"""Step 1: a customer is registered."""

from flagright import Flagright
from mockserver import FlagrightMock

from onboarding.customers import Customer, register
from onboarding.decision import Decision, Standing


def test_a_customer_is_registered(flagright_mock: FlagrightMock, flagright: Flagright, ada: Customer) -> None:
    """A customer without hits gets an account, and Flagright knows their name and since when they are ours."""
    assert register(flagright, ada) == Decision(Standing.OPEN, "LOW", ())

    flagright_mock.assert_requested("consumer_users.create", times=1, user_id="ada-1")
    stored = flagright_mock.consumer("ada-1")
    assert stored["userDetails"]["name"] == {"firstName": "Ada", "lastName": "Byron"}
    assert stored["createdTimestamp"] == 1767225600000
