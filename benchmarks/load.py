"""Load by wrk, and what it cost the server."""

from __future__ import annotations

import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bodies import KEY, Operation
from benchmarks.machine import LOAD_CORE, Unfit, busy_seconds, cpu_seconds

_SCRIPT = """
local number = %(first)d
local head, tail, path, key = %(head)s, %(tail)s, "%(path)s", "%(key)s"
local spread, worlds = %(spread)d, %(worlds)d
local headers = {["x-api-key"] = key%(type)s}
request = function()
  number = number + 1
  local own = number
  if spread > 0 then own = (number * 7919) %% spread end
  local body, target = nil, path
  if head ~= "" then body = head .. "u" .. own .. tail elseif spread > 0 then target = path .. "u" .. own end
  if worlds > 0 then headers["x-api-key"] = key .. (number %% worlds) end
  return wrk.format("%(method)s", target, headers, body)
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %%d %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration,
    e.connect + e.read + e.write + e.timeout, e.status, latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Measured:
    """One turn: what a request cost and how long it took."""

    requests: int
    cpu_us: float  # of the server, user and system, a request
    rate: float  # requests a second
    p50_ms: float
    p99_ms: float
    foreign: float  # the share of the machine that neither server nor load used


def measure(
    url: str,
    pid: int,
    operation: Operation,
    *,
    seconds: int,
    connections: int = 8,
    first: int = 0,
    worlds: int = 0,
    warming: bool = False,
) -> Measured:
    """Load one operation of one server; ids count from `first`, worlds (0: the shared one) take turns.

    Raises Unfit when any answer is an error, since an error is cheaper than what is measured;
    while warming, a server may be too late, as some compile their checks when they are first asked.
    """
    script = _SCRIPT % {
        "first": first,
        "head": _long(operation.body[0]),
        "tail": _long(operation.body[1]),
        "spread": operation.spread,
        "worlds": worlds,
        "type": ', ["content-type"] = "application/json"' if operation.body[0] else "",
        "key": "world-bench-" if worlds else KEY,
        "method": operation.method,
        "path": operation.path,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "load.lua"
        path.write_text(script)
        how = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"]
        command = ["taskset", "-c", str(LOAD_CORE), "wrk", *how]
        began, busy, own, used = time.monotonic(), busy_seconds(), cpu_seconds(pid), _children()
        done = subprocess.run([*command, "-s", str(path), url], capture_output=True, text=True, check=False)
        spent = cpu_seconds(pid) - own
        foreign = busy_seconds() - busy - spent - (_children() - used)
        wall = time.monotonic() - began
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    if line is None:
        raise Unfit(f"wrk failed: {done.stdout}{done.stderr}")
    requests, duration, broken, refused, p50, p99 = map(int, line.split()[1:])
    if (broken or refused or not requests) and not warming:
        raise Unfit(f"{operation.title} at {url}: {requests} requests, {broken} broken, {refused} errors")
    return Measured(
        requests,
        spent / max(1, requests) * 1e6,
        requests / duration * 1e6,
        p50 / 1000,
        p99 / 1000,
        max(0.0, foreign / wall / 2),
    )


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _long(text: str) -> str:
    """The text as a Lua long string, with as many signs of equality as it takes."""
    level = "="
    while f"]{level}]" in text:
        level += "="
    return f"[{level}[{text}]{level}]"
