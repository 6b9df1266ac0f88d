"""The four connection faults of WireMock, made on the real transport."""

from __future__ import annotations

import os
import socket
import struct
from typing import Any

GARBAGE = bytes(range(128, 192))  # neither a status line nor the size of a chunk
WIRE: dict[str, bytes | None] = {  # what is sent before the close; None is a reset
    "EMPTY_RESPONSE": b"",
    "CONNECTION_RESET_BY_PEER": None,
    "MALFORMED_RESPONSE_CHUNK": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + GARBAGE,
    "RANDOM_DATA_THEN_CLOSE": GARBAGE,
}
RESET_ON_CLOSE = socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


def cut(transport: Any, fault: str) -> None:
    """End the connection as the fault says, in the place of an answer."""
    if (sent := WIRE[fault]) is None:
        transport.get_extra_info("socket").setsockopt(*RESET_ON_CLOSE)
        transport.abort()
    else:
        transport.write(sent)
        transport.close()
