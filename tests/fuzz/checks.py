"""Two of Schemathesis's checks, told what a schema cannot say; it loads this file as its hooks."""

from __future__ import annotations

from typing import Any

import schemathesis
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

# Rules of what is stored, not of the body: no schema knows that a user is unknown or a batchId was used.
_OF_THE_STATE = {"unknown", "duplicate", "one-type"}


@schemathesis.check
def valid_data_is_accepted(ctx: Any, response: Any, case: Any) -> bool | None:
    """As positive_data_acceptance; a 400 that speaks of nothing but what is stored is no refusal of the data."""
    if response.status_code == 400:
        rules = {entry["rule"] for entry in response.json().get("violations", ())}
        if rules and rules <= _OF_THE_STATE:
            return None
    return positive_data_acceptance(ctx, response, case)


@schemathesis.check
def invalid_data_is_refused(ctx: Any, response: Any, case: Any) -> bool | None:
    """As negative_data_rejection; a batch is answered as one, and refuses each of its records by itself."""
    if case.operation.path.startswith("/batch/") and response.status_code == 201 and response.json()["failed"] > 0:
        return None
    return negative_data_rejection(ctx, response, case)
