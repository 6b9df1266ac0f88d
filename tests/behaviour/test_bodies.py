"""Bodies that are hard to read: each is refused in the vendor's shape, or comes back exactly as it was sent."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

import pytest

from mockserver.server import Server
from tests.harness import NOW, Answer, Api, check_answer

CONSUMER = "/consumer/users"
USER = b'{"userId":"u","createdTimestamp":%d}' % NOW
DEEPEST = 100
MIB = 1024 * 1024


def with_value(raw: bytes) -> bytes:
    """A consumer whose customObject-like free property holds the raw JSON."""
    return b'{"userId":"u","createdTimestamp":%d,"free":%b}' % (NOW, raw)


def nested(levels: int) -> bytes:
    """A consumer whose body nests arrays and objects to exactly so many levels, itself included."""
    inner = levels - 1
    pairs, odd = divmod(inner, 2)
    return with_value(b'{"a":[' * pairs + b"[" * odd + b"1" + b"]" * odd + b"]}" * pairs)


def in_lists(levels: int) -> bytes:
    """The same with lists alone."""
    return with_value(b"[" * (levels - 1) + b"]" * (levels - 1))


BAD: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \r\n\t ",
    "not JSON": b"userId=u",
    "cut": USER[:-1],
    "an opening brace": b"{",
    "something after": USER + b"x",
    "two objects": USER + USER,
    "a comment": b"/* */" + USER,
    "a comma too many": b'{"userId":"u",}',
    "single quotes": b"{'userId':'u'}",
    "array": b"[" + USER + b"]",
    "string": b'"u"',
    "number": b"1",
    "true": b"true",
    "null": b"null",
    "NaN": with_value(b"NaN"),
    "Infinity": with_value(b"[Infinity]"),
    "-Infinity": with_value(b'{"a":-Infinity}'),
    "1e400": with_value(b"1e400"),
    "-1e400 deep": with_value(b'[{"a":[-1e400]}]'),
    "01": with_value(b"01"),
    "+1": with_value(b"+1"),
    ".5": with_value(b".5"),
    "1.": with_value(b"1."),
    "hex": with_value(b"0x10"),
    "underscore": with_value(b"1_000"),
    "other digits": with_value("\u0661".encode()),
    "4301 digits": with_value(b"1" * 4301),
    "-4301 digits": with_value(b"-" + b"1" * 4301),
    "duplicate key": b'{"userId":"u","userId":"u","createdTimestamp":%d}' % NOW,
    "duplicate deep": with_value(b'[{"a":{"b":1,"b":2}}]'),
    "duplicate by escape": with_value(b'{"a":1,"\\u0061":2}'),
    "invalid UTF-8": with_value(b'"\xff"'),
    "overlong UTF-8": with_value(b'"\xc0\xaf"'),
    "cut UTF-8": with_value(b'"\xe2\x82"'),
    "Latin-1": with_value('"ü"'.encode("latin-1")),
    "surrogate bytes": with_value(b'"\xed\xa0\x80"'),
    "UTF-16": USER.decode().encode("utf-16"),
    "UTF-16LE": USER.decode().encode("utf-16-le"),
    "UTF-32": USER.decode().encode("utf-32"),
    "BOM": b"\xef\xbb\xbf" + USER,
    "lone surrogate": with_value(b'"\\ud800"'),
    "lone low surrogate": with_value(b'"\\uDC00"'),
    "surrogates swapped": with_value(b'"\\udc00\\ud800"'),
    "lone surrogate as key": with_value(b'{"\\ud834":1}'),
    "lone surrogate as id": USER.replace(b'"u"', b'"\\udfff"'),
    "raw control character": with_value(b'"\x01"'),
    "raw line break": with_value(b'"\n"'),
    "raw NUL": USER + b"\x00",
    "101 levels": nested(DEEPEST + 1),
    "101 levels of lists": in_lists(DEEPEST + 1),
    "1000 levels": nested(1000),
    "100 000 levels": nested(100_000),
    "100 000 open lists": with_value(b"[" * 100_000),
    "100 000 open objects": b'{"a":' * 100_000,
}
GOOD: dict[str, bytes] = {
    "99 levels": nested(DEEPEST - 1),
    "100 levels": nested(DEEPEST),
    "100 levels of lists": in_lists(DEEPEST),
    "many shallow lists": with_value(b"[" + b"[]," * 5000 + b"[]]"),
    "brackets in strings": with_value(b'"' + b"[{" * 500 + b'"'),
    "quoted brackets": with_value(b'"' + b'\\"[' * 500 + b'"'),
    "white space around": b"\r\n\t " + USER + b" \n",
    "surrogate pair": with_value(b'"\\ud83d\\ude00"'),
    "an escaped backslash before u": with_value(b'"\\\\ud800"'),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_body_is_a_400_and_the_connection_lives_on(api: Api, name: str) -> None:
    """A body that cannot be read is a 400 that says so, stores nothing, and spoils no later request."""
    answer = api.post(CONSUMER, raw=BAD[name])
    assert answer.status == 400
    assert answer.body["violations"][0]["pointer"] == ""
    assert answer.body["validationErrors"].startswith("body: ")
    assert api.get(f"{CONSUMER}/u").status == 404
    assert api.post(CONSUMER, raw=USER).status == 201
    assert api.get(f"{CONSUMER}/u").body["userId"] == "u"


@pytest.mark.parametrize("name", GOOD)
def test_a_body_at_the_edge_is_accepted(api: Api, name: str) -> None:
    """What only looks dangerous is stored and comes back."""
    assert api.post(CONSUMER, raw=GOOD[name]).status == 201
    stored = api.get(f"{CONSUMER}/u").body
    assert stored.get("free") == json.loads(GOOD[name]).get("free")


TYPES = [None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
         "application/json; charset=latin-1", "APPLICATION/JSON", "nonsense", "application/xml"]  # fmt: skip


@pytest.mark.parametrize("content_type", TYPES)
def test_the_content_type_is_no_matter(api: Api, content_type: str | None) -> None:
    """Valid JSON is read as JSON whatever the content type says, and without one."""
    assert api.post(CONSUMER, raw=USER, headers={"content-type": content_type}).status == 201
    assert api.get(f"{CONSUMER}/u").status == 200


KEPT = [
    "1.0", "1", "0", "-0.0", "0.0", "1.5e+300", "5e-324", "1641654664000.0", "0.1", "11.72", "9007199254740993",
    str(2**63), str(-(2**63) - 1), str(2**64), str(10**400), "-" + "7" * 4300,
    '""', '"a\\u0000b"', '"\\u0007\\b\\f"', '"😀"', '"é"', '"e\u0301"', '"\u2028\u2029"', '"\\\\\\"/"', '"\ufeff"',
    '{"z":1,"a":2,"m":{"y":[],"x":{}}}', '{"":0,"2":1,"10":2,"1":3}', '[null,true,false,[],{},""]',
    '{"__proto__":1,"constructor":{"a":null}}', '"\U0010ffff\ufffe"', '"1.0"', '" padded "',
]  # fmt: skip


@pytest.mark.parametrize("text", KEPT, ids=lambda text: text[:20].encode("unicode_escape").decode())
def test_a_value_comes_back_as_it_was_written(api: Api, text: str) -> None:
    """A number keeps its digits, a string its characters and an object its order, from create and through an event."""
    body = b'{"userId":"u","createdTimestamp":%d,"customObject":{"v":%b},"free":%b}'
    assert api.post(CONSUMER, raw=body % (NOW, text.encode(), text.encode())).status == 201
    event = b'{"userId":"u","timestamp":1,"eventId":"e","updatedConsumerUserAttributes":{"customObject":{"w":%b}}}'
    updated = api.post("/events/consumer/user", raw=event % text.encode())
    assert updated.status == 201
    both = f'"customObject":{{"v":{text},"w":{text}}}'
    for answer in (updated, api.get(f"{CONSUMER}/u")):
        assert spelled(both) in answer.raw.decode()
        assert spelled(f'"free":{text}') in answer.raw.decode()
    assert spelled(f'"customObject":{{"w":{text}}}') in api.get("/events/consumer/user/e").raw.decode()


def spelled(text: str) -> str:
    """JSON text with the escapes that no JSON text can do without, and no others."""
    named = {"\\u0008": "\\b", "\\u000c": "\\f"}
    return re.sub(r"\\u00[01][0-9a-f]", lambda match: named.get(match[0], match[0]), text).replace("\\/", "/")


@pytest.mark.parametrize(
    "text", ["1e5", "1E5", "1.50", "1e-7", "100000000000000000000.0", "-0", "1.10e1", "1e23", "123456789012345680.0"]
)
def test_a_number_in_another_spelling_is_the_same_double(api: Api, text: str) -> None:
    """A number keeps its value to the last bit, and stays a fraction or a whole number, however it is spelled."""
    api.post(CONSUMER, raw=with_value(text.encode()))
    found = api.get(f"{CONSUMER}/u").body["free"]
    assert (type(found), repr(found)) == (type(json.loads(text)), repr(json.loads(text)))


def test_a_body_over_the_limit_is_a_readable_413(server: Server, api: Api) -> None:
    """A body larger than the limit is a 413 in the vendor's shape that an ordinary client can read."""
    at_limit = USER[:-1] + b',"free":"' + b"x" * (10 * MIB - len(USER) - 10) + b'"}'
    assert len(at_limit) == 10 * MIB
    assert api.post(CONSUMER, raw=at_limit + b" ").status == 413
    assert api.get(f"{CONSUMER}/u").status == 404
    assert api.post(CONSUMER, raw=at_limit).status == 201


def test_50_megabytes_are_drained_and_refused(server: Server, key: str) -> None:
    """50 MB over HTTP are a 413, and the next request on the same connection is answered rightly."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
        size = 50 * 1000 * 1000
        sock.sendall(head(key, f"Content-Length: {size}"))
        for _ in range(50):
            sock.sendall(b" " * 1_000_000)
        file = sock.makefile("rb")
        assert read(file).status == 413
        sock.sendall(head(key, f"Content-Length: {len(USER)}") + USER)
        assert read(file).status == 201


def head(key: str, *lines: str) -> bytes:
    """The head of a POST of a consumer."""
    fixed = [f"POST {CONSUMER} HTTP/1.1", "Host: x", f"x-api-key: {key}"]
    return "\r\n".join([*fixed, *lines, "", ""]).encode()


def read(file: Any) -> Answer:
    """The next answer of a connection, checked against its schema."""
    status = int(file.readline().split()[1])
    headers = {}
    while line := file.readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    answer = Answer(status, headers, file.read(int(headers["content-length"])))
    check_answer("POST", CONSUMER, answer)
    return answer


CHUNKED = [[USER], [USER[:1], USER[1:]], [bytes([byte]) for byte in USER]]


@pytest.mark.parametrize("parts", CHUNKED, ids=len)
def test_a_chunked_body_is_a_body(server: Server, key: str, parts: list[bytes]) -> None:
    """A body in chunks, even of one byte each, is read whole; two requests share the connection."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
        file = sock.makefile("rb")
        for _ in range(2):
            sock.sendall(head(key, "Transfer-Encoding: chunked") + chunks)
            assert read(file).status == 201
        sock.sendall(head(key, "Transfer-Encoding: chunked") + b"0\r\n\r\n")
        assert read(file).status == 400


def test_a_truncated_body_stores_nothing(server: Server, api: Api) -> None:
    """A client that leaves before its body is complete has asked for nothing."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
        sock.sendall(head(api.key, f"Content-Length: {len(USER) + 10}") + USER)
        sock.shutdown(socket.SHUT_WR)
        assert b"201" not in sock.makefile("rb").readline()
    assert api.get(f"{CONSUMER}/u").status == 404


def test_two_requests_in_one_packet_get_two_answers(server: Server, key: str) -> None:
    """A bad and a good request sent at once are answered one after the other, each for itself."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
        sock.sendall(head(key, "Content-Length: 3") + b"{]}" + head(key, f"Content-Length: {len(USER)}") + USER)
        file = sock.makefile("rb")
        assert [read(file).status, read(file).status] == [400, 201]
