"""The way to Flagright: a client made from the environment, and calls that are made again when that helps."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import httpx
from flagright import Flagright
from flagright.core.api_error import ApiError

Answer = TypeVar("Answer")
Sleep = Callable[[float], object]

PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds before each further try, where the API names no time
LONGEST_PAUSE = 120.0
PASSING = (429, 500, 502, 503, 504)


@contextmanager
def connected() -> Iterator[Flagright]:
    """A client for FLAGRIGHT_URL with FLAGRIGHT_API_KEY; its connections are closed at the end of the block."""
    with httpx.Client(timeout=30) as wire:
        yield Flagright(
            base_url=os.environ["FLAGRIGHT_URL"], api_key=os.environ["FLAGRIGHT_API_KEY"], httpx_client=wire
        )


def patiently(call: Callable[[], Answer], sleep: Sleep = time.sleep) -> Answer:
    """The answer of `call`, made up to five times: again after 429, a 5xx or a lost connection, never after a refusal.

    Only for calls that do no harm when the API gets them twice: a lost answer may have been a change that was made.
    """
    for pause in PAUSES:
        try:
            return call()
        except httpx.TransportError:
            sleep(pause)
        except ApiError as error:
            if error.status_code not in PASSING:
                raise
            sleep(_asked_for(error, pause))
    return call()


def _asked_for(error: ApiError, otherwise: float) -> float:
    """The seconds that the answer's Retry-After asks for; of its two forms, the number."""
    text = (error.headers or {}).get("retry-after", "")
    return min(float(text), LONGEST_PAUSE) if text.isdecimal() else otherwise
