"""Raw sockets against a server process: whatever comes, it is refused or waits for itself alone, and leaves nothing."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.harness import NOW, over_http
from tests.server.shapes import HIDDEN, HIDDEN_ID, KEY, LARGE, NONSENSE, SMUGGLING
from tests.stores.process import Served, served

PATIENCE = 20.0  # seconds: a bound against hanging, never a measure of speed
GET = b"GET /consumer/users/userId HTTP/1.1\r\nHost: x\r\nx-api-key: any\r\n\r\n"
UNKNOWN = b"GET /consumer/users/%d HTTP/1.1\r\nHost: x\r\nx-api-key: any\r\n\r\n"
HALF = b"POST /consumer/users HTTP/1.1\r\nHost: x\r\nx-api-key: any\r\nContent-Length: 100\r\n\r\n{"
MIB = 2**20

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc, to see what the server holds")


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    """A server process, and at the end of all tests: its memory is as it was, but for what a heap keeps."""
    with served("--journal-size", "0") as one:
        assert ask(one, GET).startswith(b"HTTP/1.1 200")
        before = memory(one)
        yield one
        wait_until(lambda: memory(one) < before + 64 * MIB)


@pytest.fixture(autouse=True)
def well(server: Served) -> Iterator[None]:
    """After each test the server answers, and holds no descriptor more than before."""
    before = descriptors(server)
    yield
    assert ask(server, GET).startswith(b"HTTP/1.1 200")
    wait_until(lambda: descriptors(server) <= before)


def descriptors(server: Served) -> int:
    """How many files and sockets the process has open."""
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def memory(server: Served) -> int:
    """The process's resident memory, in bytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


def wait_until(true: Callable[[], bool]) -> None:
    """Return once `true()` is, or fail."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


def connect(server: Served, **options: int) -> socket.socket:
    """A raw connection; `receive` is the size of its buffer."""
    port = int(server.url.rpartition(":")[2])
    sock = socket.socket()
    if "receive" in options:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options["receive"])
    sock.settimeout(PATIENCE)
    sock.connect(("127.0.0.1", port))
    return sock


def answer(sock: socket.socket) -> bytes:
    """The next answer, head and body; what there is when the connection ends."""
    got = b""
    while (head := re.match(rb"HTTP/1\.1 .*?\r\n\r\n", got, re.DOTALL)) is None:
        part = sock.recv(65536)
        if not part:
            return got
        got += part
    length = re.search(rb"(?i)content-length: (\d+)", head[0])
    missing = head.end() + (int(length[1]) if length else 0) - len(got)
    while missing > 0:
        part = sock.recv(min(missing, 65536))
        missing -= len(part)
        got += part
    return got


def ask(server: Served, sent: bytes) -> bytes:
    """The first answer to bytes on a connection of their own."""
    with connect(server) as sock:
        sock.sendall(sent)
        return answer(sock)


def all_of(server: Served, sent: bytes) -> bytes:
    """Everything that the server answers to these bytes before it ends the connection; a reset ends it too."""
    got = b""
    with connect(server) as sock, suppress(ConnectionError):
        sock.sendall(sent)
        while part := sock.recv(65536):
            got += part
    return got


def test_the_hidden_request_would_be_done(server: Served) -> None:
    """What the smuggling shapes hide is a good request: sent openly behind another one, it is done."""
    key = KEY + b"-open"
    with connect(server) as sock:
        sock.sendall(GET + HIDDEN.replace(KEY, key))
        assert answer(sock).startswith(b"HTTP/1.1 200")
    wait_until(lambda: server.api(key.decode()).get(f"/consumer/users/{HIDDEN_ID}").status == 200)


@pytest.mark.parametrize("shape", SMUGGLING)
def test_no_request_is_smuggled(server: Served, shape: str) -> None:
    """A request whose length two readers could see differently is refused, once, and what follows is not read."""
    got = all_of(server, SMUGGLING[shape])
    assert got.startswith(b"HTTP/1.1 400 ")
    assert got.count(b"HTTP/1.1 ") == 1
    assert server.api(KEY.decode()).get(f"/consumer/users/{HIDDEN_ID}").status == 404


@pytest.mark.parametrize("shape", NONSENSE)
def test_nonsense_is_refused(server: Served, shape: str) -> None:
    """What is no HTTP/1 is a 400, and the connection ends."""
    got = all_of(server, NONSENSE[shape] + GET)
    assert got.startswith(b"HTTP/1.1 400 ")
    assert got.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("shape", LARGE)
def test_what_is_no_body_is_bounded(server: Served, shape: str) -> None:
    """Headers, a path, trailers and chunk extensions of more than a megabyte are refused, and the connection ends."""
    got = all_of(server, LARGE[shape])
    assert got[9:12] in (b"", b"400", b"431")  # "": the refusal is lost when more comes behind it


def test_an_endless_header_costs_its_sender_alone(server: Served) -> None:
    """Who sends header after header is cut off while others are answered."""
    with connect(server) as endless:
        sent = 0
        with suppress(ConnectionError):
            endless.sendall(b"GET / HTTP/1.1\r\nA: ")
            while sent < 64 * MIB:
                endless.sendall(b"a" * 65536)
                sent += 65536
        assert sent < 64 * MIB
        assert ask(server, GET).startswith(b"HTTP/1.1 200")


def test_slow_readers_and_writers_hold_up_nobody(server: Served) -> None:
    """With 100 who send a byte now and then and 100 who do not read their answers, a fast client is fast."""
    body = {"userId": "large", "createdTimestamp": NOW, "tags": [{"key": "k", "value": "v" * MIB}]}
    assert server.api("world-slow").post("/consumer/users", body).status == 201
    large = GET.replace(b"userId", b"large").replace(b"any", b"world-slow")
    with ExitStack() as stack:
        writers = [stack.enter_context(connect(server)) for _ in range(100)]
        readers = [stack.enter_context(connect(server, receive=4096)) for _ in range(100)]
        for sock in readers:
            sock.sendall(large)
        slowest = 0.0
        fast = stack.enter_context(connect(server))
        for number in range(len(HALF)):
            for sock in writers:
                sock.sendall(HALF[number : number + 1])
            begun = time.monotonic()
            fast.sendall(GET)
            assert answer(fast).startswith(b"HTTP/1.1 200")
            slowest = max(slowest, time.monotonic() - begun)
        assert slowest < 2  # a machine of two busy cores; a server that waits for one of them would take for ever
        for sock in readers[:5]:
            assert len(answer(sock)) > MIB


def test_a_thousand_connections_are_served(server: Served) -> None:
    """1000 connections at once are all answered, and all gone when they are closed."""
    import resource

    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 2100:
        pytest.skip("needs 2100 open files: ulimit -n 2100")
    with ExitStack() as stack:
        socks = [stack.enter_context(connect(server)) for _ in range(1000)]
        for sock in socks:
            sock.sendall(GET)
        assert {answer(sock)[:12] for sock in socks} == {b"HTTP/1.1 200"}
        assert descriptors(server) >= 1000


def test_a_thousand_pipelined_requests_are_answered_in_order(server: Served) -> None:
    """Requests sent without waiting for an answer get theirs in turn."""
    with connect(server) as sock:
        sock.sendall(b"".join(UNKNOWN % number for number in range(1000)))
        sock.shutdown(socket.SHUT_WR)
        got = b""
        while got.count(b"There is no consumer user '") < 1000 and (part := sock.recv(65536)):
            got += part
    assert [int(number) for number in re.findall(rb"There is no consumer user '(\d+)'", got)] == list(range(1000))


@pytest.mark.parametrize("headers", [b"", b"Prefer: delay=100\r\n"], ids=["at once", "late"])
def test_who_has_said_all_still_hears(server: Served, headers: bytes) -> None:
    """A client that closes its own side behind its request is answered, a late answer included; then all is closed."""
    with connect(server) as sock:
        sock.sendall(GET.replace(b"Host: x\r\n", b"Host: x\r\n" + headers))
        sock.shutdown(socket.SHUT_WR)
        assert answer(sock).startswith(b"HTTP/1.1 200")
        assert sock.recv(1) == b""


def test_who_leaves_in_the_midst_leaves_nothing(server: Served) -> None:
    """Clients that go away at any byte of a request, with and without a reset, hold nothing."""
    whole = HALF + b'"userId":"left"}'
    for number in range(0, len(whole), 3):
        with connect(server) as sock:
            if number % 2:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.sendall(whole[:number])
    over: Any = over_http(server.url)
    assert over("GET", "/consumer/users/left", None, {"x-api-key": "any"}).status == 404
