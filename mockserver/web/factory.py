"""From settings to an application that answers: everything is read, checked and compiled here, once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from mockserver.clock import Clock
from mockserver.config import Settings
from mockserver.config.stores import MEMORY
from mockserver.contract import Contract
from mockserver.contract.parse import parse_body
from mockserver.engine import Dials, Engine
from mockserver.errors import ApiError, ContractError
from mockserver.web.app import create_app
from mockserver.web.log import RequestLog
from mockserver.world.content import initial_content
from mockserver.world.outcomes import Outcomes
from mockserver.world.stores import open_store
from mockserver.world.tenancy import Tenancy

if TYPE_CHECKING:
    from flask import Flask

THREADS = 16  # requests that may wait for a store at once


def application(settings: Settings, stream: TextIO | None = None, contract: Contract | None = None) -> Flask:
    """The WSGI application of a server with these settings; request lines go to `stream`, else to stdout.

    A `contract` that was loaded before may be given: it never changes, so that many applications can share one.
    Raises MockserverError where the contract, the outcomes, the world's content or the store cannot be used.
    """
    log = RequestLog(settings.log_format, stream)
    return create_app(assembled(settings, contract or Contract()), log, settings)


def assembled(settings: Settings, contract: Contract) -> Engine:
    """The engine that such an application has, with a store of its own; raises as `application` does."""
    store = open_store(
        settings.store,
        initial_content(contract, settings.world),
        settings.max_worlds,
        settings.journal_size,
        settings.journal_bytes,
    )
    dials = Dials(
        answers=settings.answers,
        outcome=settings.outcome,
        validation=settings.validation,
        on_duplicate=settings.on_duplicate,
        seed=settings.seed,
        clock=Clock(settings.clock),
        max_body_bytes=settings.max_body_bytes,
        max_depth=settings.max_depth,
        journal=settings.journal_size > 0,
        journal_bodies=settings.journal_bodies,
    )
    own, where = _own_outcomes(settings.outcomes)
    outcomes = Outcomes(contract, own, where)
    return Engine(contract, store, Tenancy(settings.tenancy, settings.api_keys), dials, outcomes)


def threads(settings: Settings) -> int:
    """In how many threads the application is to be called: none of its own where its store never waits."""
    return 0 if settings.store == MEMORY else THREADS


def _own_outcomes(setting: str) -> tuple[dict[str, Any], str]:
    """The entries of a user's own file of outcomes, and how to name it; a wrong one raises ContractError."""
    if setting == "none":
        return {}, "outcomes"
    inline = setting.lstrip().startswith("{")
    where = "the setting outcomes" if inline else setting
    try:
        raw = setting.encode() if inline else Path(setting).read_bytes()
        value = parse_body(raw, size=len(raw), largest=2**40, deepest=100)
    except OSError as error:
        raise ContractError(f"{where}: {error.strerror}") from error
    except ApiError as error:
        raise ContractError(f"{where}: {error.message}") from error
    if not isinstance(value, dict):
        raise ContractError(f"{where}: must be an object of outcomes by name")
    return value, where
