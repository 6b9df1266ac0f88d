"""The result of an identity check, told to Flagright by an event."""

import time
from datetime import datetime
from typing import NamedTuple

from flagright import Flagright, KycStatusDetails, UserOptional
from flagright.errors import ConflictError

from onboarding.api import Sleep, patiently
from onboarding.customers import milliseconds
from onboarding.decision import Decision, decide


class Check(NamedTuple):
    """A check that is done: its own id, whose it was, a KYC status of Flagright's (SUCCESSFUL, FAILED), and when."""

    id: str
    customer_id: str
    status: str
    at: datetime


def record_check(flagright: Flagright, check: Check, sleep: Sleep = time.sleep) -> Decision:
    """Tell Flagright of a check, which counts once however often it is told.

    The event's id is made of the check's, its time is the check's: each try, and each later run, sends the same event.
    Raises ConflictError where another event has that id already.
    """
    event_id = f"kyc-{check.id}"
    status = KycStatusDetails(status=check.status)
    try:
        answer = patiently(
            lambda: flagright.consumer_user_events.create(
                event_id=event_id,
                user_id=check.customer_id,
                timestamp=milliseconds(check.at),
                updated_consumer_user_attributes=UserOptional(kyc_status_details=status),
            ),
            sleep,
        )
    except ConflictError:
        # An earlier try may have come through and only its answer was lost.
        kept = patiently(lambda: flagright.consumer_user_events.get(event_id), sleep)
        told = kept.updated_consumer_user_attributes
        if kept.user_id != check.customer_id or told is None or told.kyc_status_details != status:
            raise
        return decide(kept)
    return decide(answer)
