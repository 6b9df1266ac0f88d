"""What the machine says: CPU and memory of a process, the load of others, and what it is."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

SERVER_CORE, LOAD_CORE = 0, 1
_TICK = os.sysconf("SC_CLK_TCK")


class Missing(Exception):
    """Something that the benchmark needs is not here; the text says how to install it."""


class Unfit(Exception):
    """What was to be measured does not do what is measured, so that its figures would say nothing."""


def require(*commands: str) -> None:
    """Raise Missing with a line for each of the commands that is not here, or where it cannot be measured."""
    how = {
        "wrk": "wrk: apt-get install wrk",
        "node": "node 18 or newer: apt-get install nodejs",
        "npm": "npm: apt-get install npm",
    }
    lines = [how[command] for command in commands if shutil.which(command) is None]
    if not Path("/proc/self/stat").exists():
        lines.append("/proc: CPU is taken from the process's own accounting, which only Linux shows there")
    elif len(os.sched_getaffinity(0)) < 2:
        lines.append("two cores: one for the server, one for the load")
    if lines:
        raise Missing("\n".join(lines))


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def resident_mb(pid: int) -> float:
    """Resident memory in MB (10^6 bytes)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def busy_seconds() -> float:
    """Time that all cores together were not idle since the machine started."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle, waiting = fields[3], fields[4]
    return (sum(fields) - idle - waiting) / _TICK


def description() -> str:
    """Processor, cores, system and Python in one line."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    cores = os.cpu_count()
    return f"{model}, {cores} cores, {platform.system()} {platform.release()}, Python {sys.version.split()[0]}"
