"""Step 3: what Flagright refuses is not sent twice."""

from flagright import Flagright
from flagright.errors import BadRequestError
from mockserver import FlagrightMock

from onboarding.customers import Customer, register


def test_a_refusal_is_final(
    flagright_mock: FlagrightMock, flagright: Flagright, ada: Customer, waits: list[float]
) -> None:
    """A country that is no code is refused by name, reported as an error, and not tried again."""
    with flagright_mock.expect_refusal("/userDetails/countryOfResidence") as refusal:
        register(flagright, ada._replace(country="Britain"), waits.append)

    assert isinstance(refusal.error, BadRequestError)
    assert (len(refusal.requests), waits) == (1, [])
