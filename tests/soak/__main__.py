"""`make soak`: full load on a server for a while; its memory must stay flat and its descriptors few.

Usage: python -m tests.soak [SECONDS]. Half of the time goes to each of the stores memory and sqlite. What is sent is
drawn from few ids, so that what a world holds stops growing in the first part, which is not measured.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import mean
from typing import Any

from tests.harness import NOW
from tests.stores.process import Served, served

CLIENTS = 6
USERS = EVENTS = 60
WARM = 0.5  # of the time
# MiB that the mean of the last quarter may lie above that of the first. A thread of SQLite's has a page cache of
# 2 MiB, and sixteen of them fill up slowly; then it is as flat as the memory's.
GROWTH = {"memory": 4.0, "sqlite": 12.0}


class Client(threading.Thread):
    """Asks for anything, one request after the other, until it is told to stop."""

    def __init__(self, address: str, number: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.address, self.stop, self.chance = address, stop, random.Random(number)
        self.asked, self.wrong = 0, list[str]()

    def run(self) -> None:
        """Ask, on connections that end now and then."""
        try:
            while not self.stop.is_set():
                connection = http.client.HTTPConnection(self.address, timeout=30)
                for _ in range(self.chance.randrange(1, 400)):
                    if self.stop.is_set():
                        break
                    self.ask(connection)
                connection.close()
        except Exception as error:  # noqa: BLE001 - whatever it is, the soak has failed
            self.wrong.append(f"{type(error).__name__}: {error}")

    def ask(self, connection: http.client.HTTPConnection) -> None:
        """One request, answered by a status that it may have."""
        method, path, body, allowed = self.draw()
        headers = {"x-api-key": f"world-soak-{self.chance.randrange(3)}", "content-type": "application/json"}
        if self.chance.random() < 0.02:
            headers["prefer"] = self.chance.choice(["delay=5", "code=429", "outcome=blocked", "answers=example"])
            allowed = (*allowed, 429, 200, 201)
        raw = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, raw, headers)
        response = connection.getresponse()
        response.read()
        self.asked += 1
        if response.status not in allowed:
            self.wrong.append(f"{method} {path}: {response.status}")

    def draw(self) -> tuple[str, str, Any, tuple[int, ...]]:
        """A request: method, path, body, and the statuses that are right."""
        chance = self.chance
        kind, number, dice = chance.choice(["consumer", "business"]), chance.randrange(USERS), chance.random()
        user, event = f"{kind}-{number}", f"{kind}-{chance.randrange(EVENTS)}"
        if dice < 0.25:
            entity = {"legalEntity": {"companyGeneralDetails": {"legalName": "Ada Ltd"}}} if kind == "business" else {}
            return "POST", f"/{kind}/users", {"userId": user, "createdTimestamp": NOW, **entity}, (201,)
        if dice < 0.5:
            return "GET", f"/{kind}/users/{user}", None, (200, 404)
        if dice < 0.75:
            tags = [{"key": "k", "value": str(chance.randrange(5))}]
            changes = {f"updated{kind.title()}UserAttributes": {"tags": tags}}
            body = {"timestamp": NOW, "userId": user, "eventId": event, **changes}
            query = chance.choice(["", "", "?allowUserTypeConversion=true"])
            return "POST", f"/events/{kind}/user{query}", body, (201, 404, 409)
        if dice < 0.85:
            return "GET", f"/events/{kind}/user/{event}", None, (200, 404)
        if dice < 0.97:
            wrong = chance.choice([b"{", b"\xff", b'{"userId":7}', b"[" * 2000, b'{"a":1,"a":2}', b"x" * 100_000])
            return "POST", f"/{kind}/users", wrong, (400,)
        world = f"world=soak-{chance.randrange(3)}"
        return chance.choice(
            [
                ("POST", f"/__admin/requests/count?{world}", {}, (200,)),
                ("GET", f"/__admin/state?{world}", None, (200,)),
                ("PUT", f"/__admin/snapshots/s?{world}", None, (201,)),
                ("POST", f"/__admin/snapshots/s/restore?{world}", None, (200, 404)),
                ("GET", "/nowhere", None, (404,)),
            ]
        )


def proc(server: Served) -> tuple[int, int]:
    """The process's resident bytes and its open descriptors."""
    place = Path(f"/proc/{server.process.pid}")
    resident = next(line for line in (place / "status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(resident.split()[1]) * 1024, len(list((place / "fd").iterdir()))


def soak(store: str, seconds: float) -> list[str]:
    """Load a server with this store, and say what is wrong with it."""
    with served("--store", store, "--journal-size", "200") as server:
        stop, begun, memory = threading.Event(), time.monotonic(), list[int]()
        clients = [Client(server.url.removeprefix("http://"), number, stop) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        most = 0
        while time.monotonic() - begun < seconds and not any(client.wrong for client in clients):
            time.sleep(0.25)
            resident, descriptors = proc(server)
            most = max(most, descriptors)
            if time.monotonic() - begun > seconds * WARM:
                memory.append(resident)
        stop.set()
        for client in clients:
            client.join(30)
        wrong = [line for client in clients for line in client.wrong[:3]]
        time.sleep(1)
        _, left = proc(server)
        open_for_itself = 60 if store != "memory" else 20  # a connection of SQLite's has three files, a thread each
        if left > open_for_itself:
            wrong.append(f"{left} descriptors are open when every client is gone")
        asked = sum(client.asked for client in clients)
        quarter = max(len(memory) // 4, 1)
        growth = (mean(memory[-quarter:]) - mean(memory[:quarter])) / 2**20 if memory else 0.0
        if growth > GROWTH[store.partition(":")[0]]:
            wrong.append(f"memory grew by {growth:.1f} MiB in {len(memory) / 4:.0f} s after warming up")
        figures = f"{asked} requests in {seconds:.0f} s, {(memory or [0])[-1] / 2**20:.0f} MiB"
        sys.stdout.write(f"{store.partition(':')[0]}: {figures}, growth {growth:+.2f} MiB, ")
        sys.stdout.write(f"descriptors {left}, at most {most}\n")
        return [f"{store.partition(':')[0]}: {line}" for line in wrong]


def main(seconds: int) -> int:
    """Soak each store; 1 where something was wrong."""
    with tempfile.TemporaryDirectory(prefix="mockserver-soak-") as folder:
        wrong = soak("memory", seconds / 2) + soak(f"sqlite:///{folder}/worlds.db", seconds / 2)
    sys.stdout.writelines(f"soak: {line}\n" for line in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    given = sys.argv[1] if len(sys.argv) > 1 else "60"
    if not given.isdecimal() or int(given) < 10:
        sys.exit(f"soak: {given!r} is no whole number of seconds, 10 at least")
    if not Path("/proc/self/fd").is_dir():
        sys.exit("soak: needs /proc, to see what the server holds")
    sys.exit(main(int(given)))
