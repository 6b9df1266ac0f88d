"""uvicorn's HTTP protocol, with what the sandbox needs of it."""

from __future__ import annotations

from typing import Any


def make_protocol() -> Any:
    """The protocol class; made when a server starts, since uvicorn is heavy to import."""
    import logging

    from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class Protocol(HttpToolsProtocol):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.logger, self.access_log = logging.getLogger(__name__), False

        def on_headers_complete(self) -> None:
            super().on_headers_complete()
            self.scope["state"]["cycle"] = self.cycle

        def _should_upgrade(self) -> bool:  # True keeps uvicorn from starting what is read again below
            return self.parser.get_method() != b"CONNECT"

        def data_received(self, data: bytes) -> None:
            """Ignores offered upgrades (RFC 9110, 7.8): Java offers h2c, httptools then drops the body."""
            self._unset_keepalive_if_required()
            parts: list[bytes | memoryview] = [data]
            while parts:
                part = parts.pop()
                try:
                    self.parser.feed_data(part)
                except HttpParserUpgrade as offer:
                    parts += [memoryview(part)[offer.args[0] :], self._head_without_offer()]
                except HttpParserError:
                    self.send_400_response("Invalid HTTP request received.")
                    break

        def _head_without_offer(self) -> bytes:
            head = [self.parser.get_method(), self.url, b"HTTP/" + self.parser.get_http_version().encode()]
            kept = [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
            self.parser = HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
            return b"\r\n".join([b" ".join(head), *kept, b"", b""])

    return Protocol
