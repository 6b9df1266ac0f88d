"""From settings to an application that answers: everything is read, checked and compiled here, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from mockserver.config import Settings
from mockserver.contract import Contract
from mockserver.engine import Dials, Engine
from mockserver.web.app import create_app
from mockserver.web.log import RequestLog
from mockserver.world.content import initial_content
from mockserver.world.store import MemoryStore
from mockserver.world.tenancy import Tenancy

if TYPE_CHECKING:
    from flask import Flask


def application(settings: Settings, stream: TextIO | None = None) -> Flask:
    """The WSGI application of a server with these settings; request lines go to `stream`, else to stdout.

    Raises MockserverError where the contract, the outcome or the world's content cannot be used.
    """
    contract = Contract()
    store = MemoryStore(initial_content(contract, settings.world), settings.max_worlds)
    dials = Dials(
        answers=settings.answers,
        outcome=settings.outcome,
        validation=settings.validation,
        on_duplicate=settings.on_duplicate,
        max_body_bytes=settings.max_body_bytes,
        max_depth=settings.max_depth,
    )
    engine = Engine(contract, store, Tenancy(settings.tenancy, settings.api_keys), dials)
    log = RequestLog(settings.log_format, stream)
    return create_app(engine, contract, log, profile=settings.validation)
