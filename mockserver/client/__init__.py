"""The sandbox from the side of a test: a handle for one world, over the admin API of any server.

`FlagrightMock` is what the pytest fixture hands out, `AdminClient` what it speaks through; both work with a server in
this process and with one elsewhere. Importing this package imports `requests`, hence nobody does who need not.
"""

from __future__ import annotations

from mockserver.client.admin import AdminClient, AdminError, FlagrightMockError, Unreachable
from mockserver.client.handle import FlagrightMock
from mockserver.client.journal import Finding, Request
from mockserver.client.transport import InProcess, WsgiAdapter

__all__ = [
    "AdminClient",
    "AdminError",
    "Finding",
    "FlagrightMock",
    "FlagrightMockError",
    "InProcess",
    "Request",
    "Unreachable",
    "WsgiAdapter",
]
