"""The server's promises, with a WSGI application of the tests' own and, where bytes matter, raw sockets."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import requests

from mockserver.server import GARBAGE, UVICORN, WIRE, BindError, Server

ROOT = Path(__file__).parent.parent
MIB = 1024 * 1024
LIMIT = 10 * MIB
PATIENCE = 15.0  # seconds: a bound against hanging, never a measure of speed


class Echo:
    """Answers what it was given, notes every call, and does what the path asks for."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        """Is the WSGI application."""
        path = environ["PATH_INFO"]
        self.calls.append(path)
        body = environ["wsgi.input"].read()
        if path == "/raise":
            raise LookupError("secret of the body")
        if path == "/mute":
            return []
        if path == "/big":
            start_response("200 OK", [])
            return [b"x" * MIB] * 8
        if path.startswith("/wire/"):
            environ["mockserver.wire"] = path.removeprefix("/wire/")
        if path.startswith("/delay/"):
            environ["mockserver.delay_ms"] = float(path.removeprefix("/delay/"))
        size = environ["mockserver.body_bytes"]
        seen = {key: value for key, value in environ.items() if isinstance(value, str | int)}
        seen |= {"read": len(body), "body": body.decode("latin-1") if len(body) < MIB else "(long)"}
        answer = json.dumps(seen).encode()
        status = "413 Content Too Large" if size > LIMIT else "200 OK"
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
        return [answer]


@pytest.fixture
def app() -> Echo:
    """The application under the server."""
    return Echo()


@pytest.fixture
def server(app: Echo) -> Iterator[Server]:
    """A running server."""
    with Server(app, "127.0.0.1", 0, LIMIT) as running:
        yield running


def connect(server: Server) -> socket.socket:
    """A raw connection to `server`."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def read_answers(sock: socket.socket, count: int) -> list[tuple[str, dict[str, str], bytes]]:
    """The next `count` answers on `sock`, each as status line, headers and body."""
    answers, file = [], sock.makefile("rb")
    for _ in range(count):
        line = file.readline().decode().rstrip()
        headers = {}
        while (header := file.readline().decode().rstrip()) != "":
            name, _, value = header.partition(": ")
            headers[name] = value
        answers.append((line, headers, file.read(int(headers.get("content-length", 0)))))
    return answers


def read_all(sock: socket.socket) -> bytes:
    """Every byte until the server closes; a reset is raised."""
    received = b""
    while part := sock.recv(65536):
        received += part
    return received


def wait_until(true: Callable[[], bool]) -> None:
    """Returns once `true()` is, or fails."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


def answers(server: Server) -> bool:
    """Whether a client of its own is answered."""
    return requests.get(f"{server.url}/hello", timeout=PATIENCE).status_code == 200


# Binding


def test_port_0_is_known_before_the_server_runs(app: Echo) -> None:
    """After bind() the port and the URL are real, and a client that connects now is answered later."""
    server = Server(app, "127.0.0.1", 0, LIMIT)
    server.bind()
    assert server.port > 0
    assert server.url == f"http://127.0.0.1:{server.port}"
    with connect(server) as early:
        early.sendall(b"GET /early HTTP/1.1\r\nHost: x\r\n\r\n")
        with server:
            assert read_answers(early, 1)[0][0] == "HTTP/1.1 200 OK"


def test_a_server_that_was_only_bound_frees_its_port(app: Echo) -> None:
    """stop() after bind() closes the socket, and stopping twice is no error."""
    server = Server(app, "127.0.0.1", 0, LIMIT)
    server.bind()
    server.stop()
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        connect(server)


BAD_ADDRESSES = [
    ("127.0.0.1", 70000, "port 70000 does not exist", "--port"),
    ("127.0.0.1", -1, "port -1 does not exist", "--port"),
    ("no-such-host.invalid", 0, "host 'no-such-host.invalid' cannot be resolved", "--host"),
    ("", 0, "host '' cannot be resolved", "--host"),
    ("a" * 70, 0, "cannot be resolved", "--host"),
    ("192.0.2.1", 0, "192.0.2.1 is not an address of this machine", "--host"),
]


@pytest.mark.parametrize(("host", "port", "text", "advice"), BAD_ADDRESSES)
def test_a_bad_address_says_what_to_do(app: Echo, host: str, port: int, text: str, advice: str) -> None:
    """An address that cannot be bound is one line with the reason and the flag that helps."""
    with pytest.raises(BindError) as caught:
        Server(app, host, port, LIMIT).bind()
    message = str(caught.value)
    assert text in message
    assert advice in message
    assert "\n" not in message


def test_a_busy_port_is_refused_in_one_clear_line(app: Echo, server: Server) -> None:
    """Two servers never share a port; the second says how to go on, whichever way it is started."""
    second = Server(app, "127.0.0.1", server.port, LIMIT)
    expected = (
        f"port {server.port} on 127.0.0.1 is in use: "
        "stop the other process or choose another with --port (0 picks a free one)"
    )
    for begin in (second.bind, second.start, second.run):
        with pytest.raises(BindError) as caught:
            begin()
        assert str(caught.value) == expected
    assert issubclass(BindError, OSError)
    assert answers(server)


def test_a_forbidden_port_says_so(app: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that the user may not open is told apart from a busy one."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(BindError, match=r"^port 80 on 127\.0\.0\.1 is not permitted: choose another with --port"):
        Server(app, "127.0.0.1", 80, LIMIT).bind()


def test_an_ipv6_host_is_bracketed_and_served(app: Echo) -> None:
    """The URL of an IPv6 server is one that clients understand."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback address")
    with Server(app, "::1", 0, LIMIT) as server:
        assert server.url == f"http://[::1]:{server.port}"
        assert answers(server)


def test_a_restart_on_the_same_port_works_at_once(app: Echo) -> None:
    """A port that was served a moment ago, with connections open, can be served again, ten times over."""
    server = Server(app, "127.0.0.1", 0, LIMIT)
    ports = set()
    for _ in range(10):
        with server, connect(server) as idle:
            idle.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            read_answers(idle, 1)
            ports.add(server.port)
    assert len(ports) == 1


def test_a_running_server_cannot_be_started_twice(server: Server) -> None:
    """A second start is an error of the caller and leaves the first alone."""
    with pytest.raises(RuntimeError, match="is served already"):
        server.start()
    assert answers(server)


# Starting and stopping


def test_import_is_cheap() -> None:
    """Importing the module loads neither uvicorn nor httptools nor asyncio."""
    code = "import sys, mockserver.server as _; print({'uvicorn', 'httptools', 'asyncio'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "set()"


UNFINISHED = {
    "idle": b"",
    "kept alive": b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n",
    "half a head": b"GET /x HTTP/1.1\r\nHo",
    "half a body": b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
    "half a chunk": b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{",
    "delayed": b"GET /delay/600000 HTTP/1.1\r\nHost: x\r\n\r\n",
    "delayed, pipelined": b"GET /delay/600000 HTTP/1.1\r\nHost: x\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n",
    "slow reader": b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n",
}


def test_stop_returns_whatever_is_open(app: Echo, caplog: pytest.LogCaptureFixture) -> None:
    """Idle, half-sent, delayed and unread exchanges neither hold up a stop nor are complained of."""
    before = set(threading.enumerate())
    with ExitStack() as stack:
        server = Server(app, "127.0.0.1", 0, LIMIT).start()
        for sent in UNFINISHED.values():
            stack.enter_context(closing(sock := connect(server)))
            sock.sendall(sent)
        wait_until(lambda: sorted(app.calls) == ["/big", "/delay/600000", "/delay/600000", "/x"])
        stopper = threading.Thread(target=server.stop, daemon=True)
        stopper.start()
        stopper.join(3)
        assert not stopper.is_alive()
        assert {each for each in threading.enumerate() if each.name == "mockserver"} <= before
    assert caplog.records == []


PROGRAM = textwrap.dedent("""
    import sys
    from mockserver.server import Server
    def app(environ, start_response):
        environ["mockserver.delay_ms"] = 600000.0 if environ["PATH_INFO"] == "/slow" else 0.0
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]
    server = Server(app, "127.0.0.1", 0, 1000)
    server.run(lambda: print(server.port, flush=True))
    print("ended", flush=True)
""")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_with_code_0(number: signal.Signals) -> None:
    """SIGTERM and SIGINT end run() as a return, without a traceback, though connections are open."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        address, opened = ("127.0.0.1", int(process.stdout.readline())), list[socket.socket]()
        with ExitStack() as stack:
            for sent in (
                b"",
                b"GET /slow HTTP/1.1\r\n\r\n",
                UNFINISHED["half a body"],
                UNFINISHED["kept alive"],
            ):
                opened.append(stack.enter_context(socket.create_connection(address, timeout=PATIENCE)))
                opened[-1].sendall(sent)
            assert opened[-1].recv(12) == b"HTTP/1.1 200"
            process.send_signal(number)
            out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out, err) == (0, "ended\n", "")
    finally:
        process.kill()
        process.wait()


def test_run_gives_the_signals_back(app: Echo) -> None:
    """After run() the process has the signal handlers it had before."""
    server, before = Server(app, "127.0.0.1", 0, LIMIT), signal.getsignal(signal.SIGTERM)
    threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
    server.run()
    assert signal.getsignal(signal.SIGTERM) is before


# Bodies and connections


def test_half_sent_bodies_hold_up_nobody(app: Echo, server: Server) -> None:
    """With 100 unfinished bodies open, another client is answered, and the 100 have called nothing."""
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(sock := connect(server))
            sock.sendall(b'POST /half HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"a"')
        assert answers(server)
        assert app.calls == ["/hello"]


def test_a_slow_reader_gets_all_and_holds_up_nobody(server: Server) -> None:
    """An answer larger than every buffer waits for its reader alone."""
    with connect(server) as slow:
        slow.sendall(b"GET /big HTTP/1.0\r\n\r\n")
        assert answers(server)
        assert read_all(slow).count(b"x") >= 8 * MIB


def test_a_client_that_leaves_in_the_middle_of_its_body_calls_nothing(app: Echo, server: Server) -> None:
    """A request that never became whole does not reach the application."""
    for sent in (UNFINISHED["half a head"], UNFINISHED["half a body"], UNFINISHED["half a chunk"]):
        with connect(server) as sock:
            sock.sendall(sent)
    assert answers(server)
    assert app.calls == ["/hello"]


def test_a_chunked_body_arrives_whole(server: Server) -> None:
    """The application sees a chunked body as one of known length, without Transfer-Encoding."""
    with connect(server) as sock:
        sock.sendall(b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        time.sleep(0.02)
        sock.sendall(b"6;note=1\r\n world\r\n0\r\nTrailer: t\r\n\r\n")
        seen = json.loads(read_answers(sock, 1)[0][2])
    assert (seen["body"], seen["CONTENT_LENGTH"], seen["mockserver.body_bytes"]) == ("hello world", "11", 11)
    assert "HTTP_TRANSFER_ENCODING" not in seen


MALFORMED = {
    "chunk size": b"POST /m HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n",
    "two lengths": b"POST /m HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "both": b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "negative length": b"POST /m HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "CONNECT": b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
    "header name": b"GET /m HTTP/1.1\r\nbad name: 1\r\n\r\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
def test_malformed_requests_are_4xx(app: Echo, server: Server, sent: bytes) -> None:
    """What is not HTTP is refused with a 4xx, calls nothing and leaves the server well."""
    with connect(server) as sock:
        sock.sendall(sent)
        assert read_answers(sock, 1)[0][0].startswith("HTTP/1.1 4")
    assert answers(server)
    assert app.calls == ["/hello"]


def test_pipelined_requests_are_answered_in_order(app: Echo, server: Server) -> None:
    """Requests sent without waiting are answered one after the other, even behind a delayed one."""
    paths = ["/delay/50", *(f"/{n}" for n in range(20))]
    with connect(server) as sock:
        sock.sendall(b"".join(b"POST %b HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi" % p.encode() for p in paths))
        got = [json.loads(body) for _, _, body in read_answers(sock, len(paths))]
    assert [(each["PATH_INFO"], each["body"]) for each in got] == [(path, "hi") for path in paths]


OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n"


@pytest.mark.parametrize("size", [1, 70, 150, 10_000], ids=lambda size: f"in pieces of {size}")
def test_an_offered_upgrade_is_ignored(server: Server, size: int) -> None:
    """The first request of Java's HttpClient offers h2c: it keeps its body, and the connection goes on."""
    first = b"POST /first?q=1 HTTP/1.1\r\nHost: x\r\n" + OFFER + b"Content-Length: 5\r\n\r\nhello"
    sent = first + b"GET /second HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    sent += b"POST /third HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + OFFER + b"\r\n2\r\nhi\r\n0\r\n\r\n"
    with connect(server) as sock:
        for start in range(0, len(sent), size):
            sock.sendall(sent[start : start + size])
        got = [json.loads(body) for _, _, body in read_answers(sock, 3)]
    assert [(each["PATH_INFO"], each["body"]) for each in got] == [
        ("/first", "hello"),
        ("/second", ""),
        ("/third", "hi"),
    ]
    assert got[0]["QUERY_STRING"] == "q=1"


def test_small_answers_are_not_held_back(server: Server) -> None:
    """Head and body of an answer do not wait for the client's delayed ACK (40 ms each time, 12 s here)."""
    begun = time.monotonic()
    with connect(server) as sock:
        for _ in range(300):
            sock.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            read_answers(sock, 1)
    assert time.monotonic() - begun < 6


def test_the_next_request_works_right_after_a_413(app: Echo, server: Server) -> None:
    """A body over the limit costs its answer, not its connection; the application holds one byte too many."""
    size = LIMIT + MIB
    with connect(server) as sock:
        sock.sendall(b"POST /l HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
        sock.sendall(b"x" * size)
        sock.sendall(b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
        (line, _, body), (second, _, _) = read_answers(sock, 2)
    assert line.startswith("HTTP/1.1 413 ")  # the phrase changed in Python 3.13
    assert second == "HTTP/1.1 200 OK"
    assert (json.loads(body)["read"], json.loads(body)["mockserver.body_bytes"]) == (LIMIT + 1, size)
    assert app.calls == ["/l", "/next"]


def test_requests_can_read_the_answer_to_50_mb(server: Server) -> None:
    """An ordinary client that sends 50 MB where 10 MiB are allowed sees the 413, chunked or not."""
    large = bytes(50_000_000)
    with requests.Session() as session:
        for data in (large, (large[at : at + MIB] for at in range(0, len(large), MIB))):
            answer = session.post(f"{server.url}/large", data=data, timeout=PATIENCE)
            assert (answer.status_code, answer.json()["mockserver.body_bytes"]) == (413, len(large))


@pytest.mark.parametrize("expect", ["Expect:", "Expect: 100-continue"])
@pytest.mark.parametrize("megabytes", [50, 100], ids=lambda size: f"{size} MB")
def test_curl_can_read_the_answer_to_large_bodies(server: Server, tmp_path: Path, expect: str, megabytes: int) -> None:
    """The curl command sees the 413 to 50 MB in any case, and to more than can be drained if it asks first."""
    if (curl := shutil.which("curl")) is None:
        pytest.skip("curl is not installed")
    if (expect, megabytes) == ("Expect:", 100):
        pytest.skip("a client that sends more than can be drained without asking may be cut off")
    body = tmp_path / "body"
    with body.open("wb") as file:
        file.truncate(megabytes * 1_000_000)
    command = [curl, "-sS", "--noproxy", "*", "-H", expect, "--data-binary", f"@{body}", "-w", "%{http_code}"]
    done = subprocess.run(
        [*command, "-o", os.devnull, f"{server.url}/large"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "413", "")


def test_past_the_drain_the_answer_comes_at_once_and_the_connection_ends(app: Echo) -> None:
    """What cannot be drained is answered before it has all been sent, with `connection: close`."""
    with Server(app, "127.0.0.1", 0, 1000, drain_bytes=5000) as server:
        for head, sent in (
            (b"Content-Length: 600000000000", b""),
            (b"Transfer-Encoding: chunked", b"2000\r\n" + b"x" * 0x2000),
        ):
            with connect(server) as sock:
                sock.sendall(b"POST /e HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n" + sent)
                ((_, headers, body),) = read_answers(sock, 1)
                assert headers["connection"] == "close"
                assert json.loads(body)["mockserver.body_bytes"] > 5000
                assert json.loads(body)["read"] <= 1001
                assert sock.recv(1) == b""


def test_an_idle_connection_is_closed_and_a_busy_one_is_not(app: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kept-alive connection ends some time after its last answer, and not while one is due."""
    monkeypatch.setitem(UVICORN, "timeout_keep_alive", 0.2)
    with Server(app, "127.0.0.1", 0, LIMIT) as server, connect(server) as sock:
        for path in (b"/first", b"/delay/500", b"/last"):
            sock.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_answers(sock, 1)[0][0] == "HTTP/1.1 200 OK"
        started = time.monotonic()
        assert sock.recv(1) == b""
        assert time.monotonic() - started > 0.1


def test_a_pipelined_client_that_asks_to_send_its_body_is_told_in_its_turn(server: Server) -> None:
    """`100 Continue` stands behind the answers of the requests before it."""
    with connect(server) as sock:
        sock.sendall(b"GET /delay/100 HTTP/1.1\r\nHost: x\r\n\r\n")
        sock.sendall(b"POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        received = b""
        while not received.endswith(b"}HTTP/1.1 100 Continue\r\n\r\n"):
            received += sock.recv(65536)
        sock.sendall(b"hi")
        assert json.loads(read_answers(sock, 1)[0][2])["body"] == "hi"


def test_expect_100_continue_is_answered(server: Server) -> None:
    """A client that asks before it sends its body is told to go on."""
    with connect(server) as sock:
        sock.sendall(b"POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"hi")
        assert json.loads(read_answers(sock, 1)[0][2])["body"] == "hi"


# What the application sees, and its answers


def test_head_has_no_body(server: Server) -> None:
    """The answer to HEAD is that to GET without its body, and the connection goes on."""
    with connect(server) as sock:
        sock.sendall(b"HEAD /h HTTP/1.1\r\nHost: x\r\n\r\nGET /g HTTP/1.1\r\nHost: x\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(1)
        assert b"content-length: " in head
        assert json.loads(read_answers(sock, 1)[0][2])["PATH_INFO"] == "/g"


PATHS = [
    ("/a%2Fb", "/a/b"),
    ("//x", "//x"),
    ("/x//y/", "/x//y/"),
    ("/a/../b/./c", "/a/../b/./c"),
    ("/%00", "/\0"),
    ("/%0d%0a", "/\r\n"),
    ("/%C3%A4", "/\xc3\xa4"),
    ("/%zz%", "/%zz%"),
    ("/a+b;c=d", "/a+b;c=d"),
    ("/" + "x" * 20_000, "/" + "x" * 20_000),
]


@pytest.mark.parametrize(("raw", "path"), PATHS, ids=[raw[:12] for raw, _ in PATHS])
def test_the_path_is_decoded_and_nothing_else(server: Server, raw: str, path: str) -> None:
    """PATH_INFO is the path percent-decoded once; the path and the query as sent are there too."""
    with connect(server) as sock:
        sock.sendall(f"GET {raw}?q=%2F&r=+ HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        seen = json.loads(read_answers(sock, 1)[0][2])
    assert (seen["PATH_INFO"], seen["mockserver.raw_path"], seen["QUERY_STRING"]) == (path, raw, "q=%2F&r=+")


def test_headers_become_environ_keys(server: Server) -> None:
    """Headers arrive as WSGI has them; repeated ones are joined, and `x_api_key` is not `x-api-key`."""
    with connect(server) as sock:
        sock.sendall(
            b"PUT /h HTTP/1.1\r\nHost: x\r\nX-Api-Key: k\r\nx_api_key: other\r\nPrefer: a=1\r\n"
            b"X-Forwarded-For: 192.0.2.7\r\nprefer: b=2\r\n"
            b"X-Byte: \xe4\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n"
        )
        seen = json.loads(read_answers(sock, 1)[0][2])
    expected = {
        "REQUEST_METHOD": "PUT",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(server.port),
        "SCRIPT_NAME": "",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "0",
        "HTTP_HOST": "x",
        "HTTP_X_API_KEY": "k",
        "HTTP_PREFER": "a=1,b=2",
        "HTTP_X_BYTE": "\xe4",
        "wsgi.url_scheme": "http",
    }
    assert {key: seen.get(key) for key in expected} == expected


def test_the_application_is_ordinary_wsgi() -> None:
    """The standard library's WSGI validator finds nothing wrong, with bodies and without."""
    from wsgiref.validate import validator

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        write = start_response("201 Created", [("Content-Type", "text/plain")])
        write(b"begun, ")
        return [b"read ", environ["wsgi.input"].read(9)]

    with Server(validator(app), "127.0.0.1", 0, LIMIT) as server:
        assert requests.post(f"{server.url}/v?q=1", data=b"body", timeout=PATIENCE).text == "begun, read body"
        assert requests.get(f"{server.url}/v", timeout=PATIENCE).status_code == 201


def test_equal_requests_have_equal_answers_byte_for_byte(server: Server) -> None:
    """No Date, no Server, nothing that differs from one answer to the next."""
    answers = []
    for _ in range(2):
        with connect(server) as sock:
            sock.sendall(b"GET /same HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answers.append(read_all(sock))
    assert answers[0] == answers[1]
    head = answers[0].split(b"\r\n\r\n")[0].lower()
    assert b"\r\ndate:" not in head
    assert b"\r\nserver:" not in head


@pytest.mark.parametrize("path", ["/raise", "/mute"])
def test_an_exception_of_the_application_is_a_json_500(
    server: Server, capfd: pytest.CaptureFixture[str], path: str
) -> None:
    """The client sees the vendor's error shape, stderr one line without the message, the server goes on."""
    with requests.Session() as session:
        answer = session.post(f"{server.url}{path}", data=b"secret", timeout=PATIENCE)
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == {"message": "Internal error of the mock server"}
        assert session.get(f"{server.url}/x", timeout=PATIENCE).status_code == 200
    err = capfd.readouterr().err
    assert err.startswith("mockserver: ")
    assert err.endswith(f": POST {path}\n")
    assert err.count("\n") == 1
    assert "secret" not in err


# The performance of an answer


def test_a_delay_holds_up_nobody(app: Echo, server: Server) -> None:
    """While 200 answers wait, others are given, and each that waits is given in the end."""
    with ExitStack() as stack:
        waiting = [stack.enter_context(connect(server)) for _ in range(200)]
        for sock in waiting[1:]:
            sock.sendall(b"GET /delay/600000 HTTP/1.1\r\nHost: x\r\n\r\n")
        waiting[0].sendall(b"GET /delay/100.5 HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: len(app.calls) == 200)
        assert answers(server)
        assert read_answers(waiting[0], 1)[0][0] == "HTTP/1.1 200 OK"


SEEN = {
    "EMPTY_RESPONSE": b"",
    "CONNECTION_RESET_BY_PEER": None,
    "MALFORMED_RESPONSE_CHUNK": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + GARBAGE,
    "RANDOM_DATA_THEN_CLOSE": GARBAGE,
}


@pytest.mark.parametrize("fault", WIRE)
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_each_wire_fault_is_seen_by_the_client(
    app: Echo, server: Server, caplog: pytest.LogCaptureFixture, fault: str, method: bytes
) -> None:
    """Once the application was called, the client sees the fault's bytes or a reset, and others nothing."""
    with connect(server) as sock:
        sock.sendall(b"%b /wire/%b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi" % (method, fault.encode()))
        if SEEN[fault] is None:
            with pytest.raises(ConnectionResetError):
                read_all(sock)
        else:
            assert read_all(sock) == SEEN[fault]
    assert answers(server)
    assert app.calls == [f"/wire/{fault}", "/hello"]
    assert caplog.records == []


@pytest.mark.parametrize("fault", WIRE)
def test_each_wire_fault_is_an_error_of_requests(server: Server, fault: str) -> None:
    """A client library reports every fault as a connection error."""
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.post(f"{server.url}/wire/{fault}", data=b"{}", timeout=PATIENCE)
    assert answers(server)
