"""A customer is registered with Flagright, which answers what its rules make of them."""

import time
from datetime import datetime
from typing import NamedTuple

from flagright import ConsumerName, Flagright, UserDetails

from onboarding.api import Sleep, patiently
from onboarding.decision import Decision, decide


class Customer(NamedTuple):
    """Who wants an account; `country` is a code of two letters, `since` knows its time zone."""

    id: str
    first_name: str
    last_name: str
    country: str
    since: datetime


def register(flagright: Flagright, customer: Customer, sleep: Sleep = time.sleep) -> Decision:
    """Register a customer. What the API refuses is raised as the SDK's BadRequestError.

    The same customer registered twice is one customer, so a lost answer is simply asked for again.
    """
    details = UserDetails(
        name=ConsumerName(first_name=customer.first_name, last_name=customer.last_name),
        country_of_residence=customer.country,
    )
    answer = patiently(
        lambda: flagright.consumer_users.create(
            user_id=customer.id, created_timestamp=milliseconds(customer.since), user_details=details
        ),
        sleep,
    )
    return decide(answer)


def milliseconds(moment: datetime) -> int:
    """A moment as Flagright takes it: milliseconds since 1970."""
    return round(moment.timestamp() * 1000)
