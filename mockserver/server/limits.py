"""What one client may take of the server: bytes that lead to no request, and time behind its own end."""

from __future__ import annotations

from typing import Any

HEAD = 256 * 1024  # bytes that may come without any of a body or the end of a request: headers, chunk extensions
GRACE = 5.0  # seconds that an answer may take after the client has closed its own side

_TEXT = b"More than %d bytes of headers" % HEAD
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_TEXT), _TEXT)
)


def limited(protocol: Any) -> Any:
    """The protocol class, with these bounds: the parser has none for headers, and joins a long one ever more slowly."""

    class Limited(protocol):  # type: ignore[misc]  # a class of uvicorn's, made at run time
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self._idle_bytes = 0  # since the last byte of a body or the last end of a request
            self._unanswered = 0  # requests that came whole
            self._ended = False  # the client has closed its own side

        def data_received(self, data: bytes) -> None:
            self._idle_bytes += len(data)
            super().data_received(data)
            if self._idle_bytes > HEAD and not self.transport.is_closing():
                self.transport.write(_REFUSAL)
                self.transport.close()

        def on_body(self, body: bytes) -> None:
            self._idle_bytes = 0
            super().on_body(body)

        def on_message_complete(self) -> None:
            self._idle_bytes = 0
            if not self.parser.should_upgrade():  # an offer is read again without it
                self._unanswered += 1
            super().on_message_complete()

        def on_response_complete(self) -> None:
            self._unanswered -= 1
            super().on_response_complete()
            if self._ended and self._unanswered <= 0:
                self.transport.close()

        def eof_received(self) -> bool:
            """Keep the connection for the answers that are due; a client that is gone altogether looks the same."""
            self._ended = self._unanswered > 0
            if self._ended:
                self.loop.call_later(GRACE, self.transport.close)
            return self._ended

    return Limited
