"""What SECURITY.md promises. The rest of it: tests/admin/test_access.py, tests/web/test_docs_page.py, tests/server."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from mockserver.config import Settings
from mockserver.web.factory import application
from mockserver.world.stores import open_store
from tests.admin.client import Admin
from tests.harness import NOW, ROOT, contract, in_process

SECRET = "hunter2-not-for-your-eyes"
KEY = "k3y-of-a-client"
PINS = sorted((ROOT / "requirements").glob("*.txt"))


def audited(work: str, tmp_path: Path) -> list[list[str]]:
    """What a fresh interpreter did while it ran `work` with a sandbox as `app`: opened files and connections."""
    script = f"""
        import json, sys
        from mockserver.config import Settings
        from mockserver.web.factory import application
        from tests.harness import Api, in_process
        from tests.admin.client import Admin
        events = []
        folder = {str(tmp_path)!r}
        transport = in_process(application(Settings(log_format="off", store=f"sqlite:///{{folder}}/w.db")))
        transport("GET", "/__admin/health", None, {{}})
        def hook(name, args):
            if name == "open" or name.startswith(("socket.", "subprocess.", "os.")):
                events.append([name, str(args[0])] if name == "open" else [name, repr(args)])
        sys.addaudithook(hook)
    """
    script = textwrap.dedent(script) + textwrap.dedent(work) + "\njson.dump(events, sys.__stdout__)\n"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    events: list[list[str]] = json.loads(done.stdout)
    return events


USE_ALL = f"""
    company = {{"legalEntity": {{"companyGeneralDetails": {{"legalName": "x"}}}}}}
    for kind, extra in (("consumer", {{}}), ("business", company)):
        for name in ("../../etc/passwd", "/etc/passwd", "u\\0.txt", "file:///etc/passwd", "~/.ssh/id_rsa", "%2e%2e%2f"):
            body = {{"userId": name, "createdTimestamp": {NOW}, **extra}}
            event = {{"userId": name, "eventId": name, "timestamp": {NOW}}}
            from urllib.parse import quote
            key = {{"x-api-key": "world-" + "../../tmp/x"}}
            for method, target, sent in (
                ("POST", f"/{{kind}}/users", body),
                ("POST", f"/events/{{kind}}/user", event),
                ("GET", f"/{{kind}}/users/{{quote(name, safe='')}}", None),
                ("GET", f"/events/{{kind}}/user/{{quote(name)}}", None),
                ("GET", "/" + quote(name), None),
                ("GET", "/docs/" + quote(name), None),
                ("PUT", f"/__admin/snapshots/{{quote(name, safe='')}}", None),
                ("POST", f"/__admin/snapshots/{{quote(name, safe='')}}/restore", None),
                ("POST", "/__admin/worlds", {{"name": name}}),
                ("POST", "/__admin/outcomes", {{"outcome": name}}),
                ("GET", f"/__admin/state/users/{{kind}}/{{quote(name, safe='')}}", None),
            ):
                raw = None if sent is None else json.dumps(sent).encode()
                answer = transport(method, target, raw, key)
                assert answer.status < 500, (method, target, answer)
                assert b"root:" not in answer.raw, target
"""


def test_no_request_reaches_a_file_or_another_host(tmp_path: Path) -> None:
    """Whatever ids, snapshots and worlds are called, no file but the store's is opened, nobody called, nothing run."""
    seen = audited(USE_ALL, tmp_path)
    ours = (str(tmp_path), str(ROOT / "mockserver"), str(ROOT / "schemas"), str(ROOT / "fixtures"))
    opened = {path for name, path in seen if name == "open"}
    strange = {
        path for path in opened if not path.startswith(ours) and not path.startswith((sys.prefix, sys.base_prefix))
    }
    assert not strange
    assert not {path for path in opened if "passwd" in path or "id_rsa" in path}
    acts = {name for name, _ in seen if name.startswith(("socket.", "subprocess."))}
    acts |= {name for name, _ in seen if name in ("os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove")}
    assert not acts
    assert {path.name for path in tmp_path.iterdir()} <= {"w.db", "w.db-wal", "w.db-shm"}


def test_the_audit_sees_what_it_looks_for(tmp_path: Path) -> None:
    """The audit is no empty promise: a file that is opened and a host that is called are in it."""
    work = """
        open("/etc/hostname" if __import__("os").path.exists("/etc/hostname") else "/dev/null").close()
        import socket
        try:
            socket.create_connection(("127.0.0.1", 1), 1)
        except OSError:
            pass
    """
    names = {name for name, _ in audited(work, tmp_path)}
    assert {"open", "socket.connect"} <= names


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_body_and_no_key_is_in_a_log(form: str, capsys: Any) -> None:
    """What stands in a body, good, refused, broken or repeated, and a key, stand in no line of any log format."""
    stream = StringIO()
    transport = in_process(application(Settings(log_format=form, validation="strict"), stream, contract()))
    good = {"userId": "u", "createdTimestamp": NOW, "tags": [{"key": SECRET, "value": SECRET}]}
    bodies: list[Any] = [
        good,
        {**good, "riskLevel": SECRET},
        {**good, "unheardOf": SECRET},
        {"userId": SECRET},
        [SECRET],
    ]
    event = {"userId": "u", "eventId": "e", "timestamp": NOW, "updatedConsumerUserAttributes": {"tags": good["tags"]}}
    sent = [("/consumer/users", json.dumps(body).encode()) for body in bodies]
    sent += [("/consumer/users", json.dumps(good).encode()[:-1]), ("/consumer/users", SECRET.encode())]
    sent += [("/events/consumer/user", json.dumps({**event, "timestamp": at}).encode()) for at in (NOW, NOW, NOW + 1)]
    sent += [("/batch/consumer/users", json.dumps({"data": bodies}).encode())]
    statuses = [transport("POST", path, raw, {"x-api-key": KEY}).status for path, raw in sent]
    assert {201, 400, 409} <= set(statuses)
    said = stream.getvalue() + "".join(capsys.readouterr())
    assert said.count("POST") == len(sent)
    assert SECRET not in said
    assert KEY not in said


def test_a_key_is_in_no_journal_and_no_answer() -> None:
    """A client's key is kept nowhere: not in the journal, a hint of another world, an export or the list of worlds."""
    transport = in_process(application(Settings(log_format="off", tenancy="per-key"), contract=contract()))
    body = json.dumps({"userId": "u", "createdTimestamp": NOW}).encode()
    assert transport("POST", "/consumer/users", body, {"x-api-key": KEY}).status == 201
    missed = transport("GET", "/consumer/users/u", None, {"x-api-key": "another"})
    assert b"in the world 'key-" in missed.raw
    worlds = transport("GET", "/__admin/worlds", None, {})
    told = [missed.raw, worlds.raw]
    for world in [entry["name"] for entry in worlds.body["worlds"]]:
        admin = Admin(transport, world)
        told += [admin.call("GET", path).raw for path in ("/requests", "/state/export", "/settings", "/outcomes")]
    assert any(b"/consumer/users" in text for text in told)
    assert not [text for text in told if KEY.encode() in text]


def refused_redis(url: str) -> str:
    """What is said of a Redis that does not answer, at the start and at a request."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each kind has its own, all of them are looked at
        open_store(url, {}, 10, 10, 10).ping()
    return f"{caught.value}{caught.value.__cause__}"


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


WAYS: dict[str, Callable[[], str]] = {
    "away": lambda: refused_redis(f"redis://user:{SECRET}@127.0.0.1:{closed_port()}/0"),
    "wrong ttl": lambda: refused_redis(f"redis://user:{SECRET}@127.0.0.1:1/0?ttl=x"),
    "wrong database": lambda: refused_redis(f"redis://user:{SECRET}@127.0.0.1:1/zero"),
    "wrong option": lambda: refused_redis(f"redis://user:{SECRET}@127.0.0.1:1/0?unheard=of"),
    "wrong port": lambda: refused_redis(f"redis://user:{SECRET}@127.0.0.1:x/0"),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_password_of_redis_is_not_said(way: str) -> None:
    """However the URL of a Redis is wrong, or it is away, the message shows no password."""
    assert SECRET not in WAYS[way]()


def test_it_listens_on_this_machine_alone() -> None:
    """Without a word to the contrary the sandbox is reached from its own machine only."""
    assert Settings().host == "127.0.0.1"


def test_the_token_is_compared_in_constant_time() -> None:
    """The token is compared by hmac.compare_digest, and by nothing else."""
    lines = [
        line for line in (ROOT / "mockserver/web/admin.py").read_text().splitlines() if "token" in line and "==" in line
    ]
    assert not [line for line in lines if "compare_digest" not in line]
    assert "hmac.compare_digest(" in (ROOT / "mockserver/web/admin.py").read_text()


@pytest.mark.parametrize("path", PINS, ids=lambda path: path.name)
def test_every_pin_has_a_version_and_hashes(path: Path) -> None:
    """Each requirement is one version with hashes, so that an index cannot change what is installed; none is named."""
    text = path.read_text()
    assert not re.search(r"https?://|--(extra-)?index|--find-links|--trusted|@ file|git\+", text.split("# via")[0])
    entries = re.sub(r"\s*#.*", "", text).replace("\\\n", " ").splitlines()
    pins = [entry for entry in entries if entry.strip()]
    assert pins
    for entry in pins:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==[\w.!+-]+( ;[^-]*)?\s+(--hash=sha256:[0-9a-f]{64}\s*)+$", entry), entry


def test_an_id_stays_text() -> None:
    """An id that is HTML or a line of a log stays text in whatever is answered, and is one line in a log."""
    stream = StringIO()
    transport = in_process(application(Settings(log_format="text"), stream, contract()))
    answer = transport(
        "GET", f"/consumer/users/{quote('<script>x</script>' + chr(10) + 'GET /fake 200')}", None, {"x-api-key": "k"}
    )
    assert answer.headers["content-type"] == "application/json"
    assert not [line for line in stream.getvalue().splitlines() if line.startswith("GET /fake")]
