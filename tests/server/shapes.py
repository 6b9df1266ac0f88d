"""Bytes that are no request of an honest client, by what is wrong with them."""

from __future__ import annotations

KEY = b"world-hostile"
HIDDEN_ID = "smuggled"
_HIDDEN = b'{"userId":"smuggled","createdTimestamp":1641654664000}'
# The request that a front and a back who disagree would let through: it must never be done.
HIDDEN = b"POST /consumer/users HTTP/1.1\r\nHost: x\r\nx-api-key: %b\r\nContent-Length: %d\r\n\r\n%b" % (
    KEY,
    len(_HIDDEN),
    _HIDDEN,
)
_LENGTH = b"Content-Length: %d\r\n" % (5 + len(HIDDEN))


def post(headers: bytes, body: bytes = b"0\r\n\r\n") -> bytes:
    """A POST with these header lines and bytes after them, and what is hidden in it."""
    return b"POST /consumer/users HTTP/1.1\r\nHost: x\r\nx-api-key: %b\r\n%b\r\n%b" % (KEY, headers, body + HIDDEN)


def chunked(body: bytes) -> bytes:
    """A POST whose chunks are these bytes."""
    return post(b"Transfer-Encoding: chunked\r\n", body)


# Whatever the server takes it for, it must refuse it and end the connection.
SMUGGLING = {
    "both lengths": post(b"Transfer-Encoding: chunked\r\n" + _LENGTH),
    "both lengths, turned": post(_LENGTH + b"Transfer-Encoding: chunked\r\n"),
    "two lengths": post(b"Content-Length: 5\r\n" + _LENGTH),
    "two lengths in one": post(b"Content-Length: 5, %d\r\n" % (5 + len(HIDDEN))),
    "length with a sign": post(b"Content-Length: +5\r\n"),
    "length in hex": post(b"Content-Length: 0x5\r\n"),
    "length in two words": post(b"Content-Length: 5 5\r\n"),
    "length with a fold": post(b"Content-Length: 5\r\n 5\r\n"),
    "length out of range": post(b"Content-Length: 18446744073709551621\r\n"),
    "length with a NUL": post(b"Content-Length: 5\0\r\n"),
    "encoding with a space before its colon": post(b"Transfer-Encoding : chunked\r\n" + _LENGTH),
    "encoding twice": post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" + _LENGTH),
    "encoding unknown": post(b"Transfer-Encoding: xchunked\r\n" + _LENGTH),
    "chunked is not the last encoding": post(b"Transfer-Encoding: chunked, identity\r\n" + _LENGTH),
    "encoding with a vertical tab": post(b"Transfer-Encoding:\x0bchunked\r\n" + _LENGTH),
    "encoding in a fold": post(b"Transfer-Encoding:\r\n chunked\r\n" + _LENGTH),
    "a CR alone in a value": post(b"A: b\rContent-Length: 5\r\n"),
    "a NUL in a value": post(b"A: b\0c\r\nContent-Length: 5\r\n"),
    "a name with a space": post(b"A b: c\r\nContent-Length: 5\r\n"),
    "a line without a colon": post(b"nonsense\r\nContent-Length: 5\r\n"),
    "chunk size in hex notation": chunked(b"0x0\r\n\r\n"),
    "chunk size negative": chunked(b"-1\r\n\r\n"),
    "chunk size out of range": chunked(b"fffffffffffffffff\r\n\r\n"),
    "chunk size empty": chunked(b"\r\n\r\n"),
    "chunk size no number": chunked(b"zz\r\nhi\r\n0\r\n\r\n"),
    "chunk longer than it says": chunked(b"2\r\nhello\r\n0\r\n\r\n"),
    "chunk extension with a line feed": chunked(b"2;a\nxx\r\n2\r\n{}\r\n0\r\n\r\n"),
}
# No HTTP at all, or too much of it.
NONSENSE = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an unknown method": b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
    "an unknown version": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "an empty method": b" / HTTP/1.1\r\n\r\n",
    "controls in the path": b"GET /\x01\x7f HTTP/1.1\r\nHost: x\r\n\r\n",
    "binary": bytes(range(256)),
}
LARGE = {
    "a header of 1 MiB": b"GET /livez HTTP/1.1\r\nA: " + b"a" * 2**20 + b"\r\n\r\n",
    "100 000 headers": b"GET /livez HTTP/1.1\r\n" + b"A: b\r\n" * 100_000 + b"\r\n",
    "a path of 1 MiB": b"GET /" + b"a" * 2**20 + b" HTTP/1.1\r\n\r\n",
    "trailers of 1 MiB": b"POST /livez HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: "
    + b"a" * 2**20
    + b"\r\n\r\n",
    "a chunk extension of 1 MiB": b"POST /livez HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0;a="
    + b"a" * 2**20
    + b"\r\n\r\n",
}
