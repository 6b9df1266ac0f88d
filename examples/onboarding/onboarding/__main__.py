"""`python -m onboarding ada-1 Ada Byron GB` registers a customer and says how they stand."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import httpx
from flagright.core.api_error import ApiError

from onboarding.api import connected
from onboarding.customers import Customer, register


def main(words: Sequence[str] | None = None) -> int:
    """Register the customer of the command line; 0 when that was possible, 1 when not."""
    parser = argparse.ArgumentParser(prog="onboarding", description="Register a customer with Flagright.")
    for name in ("id", "first_name", "last_name", "country"):
        parser.add_argument(name)
    given = parser.parse_args(words)
    for variable in ("FLAGRIGHT_URL", "FLAGRIGHT_API_KEY"):
        if not os.environ.get(variable):
            parser.error(f"{variable} is not set")
    customer = Customer(given.id, given.first_name, given.last_name, given.country, datetime.now(UTC))
    try:
        with connected() as flagright:
            decision = register(flagright, customer)
    except (ApiError, httpx.HTTPError) as error:
        sys.stderr.write(f"{customer.id}: not registered: {_reason(error)}\n")
        return 1
    sys.stdout.write(f"{customer.id}: {decision.standing}, risk {decision.risk}\n")
    return 0


def _reason(error: ApiError | httpx.HTTPError) -> object:
    """What Flagright says of it, or else what the connection does."""
    body = getattr(error, "body", error)
    return getattr(body, "message", body)


if __name__ == "__main__":
    sys.exit(main())
