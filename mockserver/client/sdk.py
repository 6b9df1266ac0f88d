"""The vendor's Python SDK, ready for one world of the sandbox."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from mockserver.client.admin import FlagrightMockError
from mockserver.client.transport import is_loopback

__tracebackhide__ = True


def sdk_class(name: str) -> Any:
    """A class of the package `flagright`; FlagrightMockError, which says how to get it, where it is not installed."""
    try:
        return getattr(importlib.import_module("flagright"), name)
    except ImportError as error:
        if error.name is not None and error.name.partition(".")[0] not in ("flagright", "httpx", "pydantic"):
            raise
        raise FlagrightMockError(
            "the vendor's SDK is not installed in this environment: pip install flagright; "
            "without it, flagright_mock.session is a requests.Session with base URL and key"
        ) from None


def http_client(url: str, *, asynchronous: bool) -> Any:
    """An httpx client for the SDK: no proxy and no certificates for a server of this machine, which cost 30 ms.

    The asynchronous one keeps no connection, since nobody can close it once its event loop is gone.
    """
    import httpx

    options: Mapping[str, Any] = {
        "timeout": 60,  # seconds, the SDK's own default
        "follow_redirects": True,
        "trust_env": not is_loopback(url),
        "verify": urlsplit(url).scheme == "https",
    }
    if asynchronous:
        return httpx.AsyncClient(**options, limits=httpx.Limits(max_keepalive_connections=0))
    return httpx.Client(**options)
