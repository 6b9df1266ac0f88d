"""Several processes that serve one port: started, watched, started anew when one dies, and ended together."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

GRACE = 0.8  # seconds that a worker has to end; then it is killed
_QUICK = 2.0  # seconds; a worker that ends sooner than that did not come up
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_MOST_FAILURES = 5  # of workers that did not come up, one after another


class Workers:
    """`count` processes, forked off this one, each of which calls `serve` and ends with it.

    `say` is given one line for a person: a worker that died, or why all end.
    """

    def __init__(self, serve: Callable[[], None], count: int, say: Callable[[str], None]) -> None:
        self._serve = serve
        self._count = count
        self._say = say
        self._born: dict[int, float] = {}  # by process id
        self._ending = False

    def run(self, on_ready: Callable[[], None]) -> int:
        """Serve until SIGINT, SIGTERM or SIGHUP; the exit status: 1 where workers do not come up."""
        # Under nohup a hang-up is ignored, and so it stays.
        ends = [each for each in _ENDS if each != signal.SIGHUP or signal.getsignal(each) is not signal.SIG_IGN]
        before = {each: signal.signal(each, self._end) for each in ends}
        try:
            for _ in range(self._count):
                self._fork()
            on_ready()
            return self._watch()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for each, handler in before.items():
                signal.signal(each, handler)

    def _fork(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        child = os.fork()
        if child:
            self._born[child] = time.monotonic()
            return
        status = 1
        try:
            for each in _ENDS:
                if signal.getsignal(each) is not signal.SIG_IGN:
                    signal.signal(each, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the first process decides
            self._serve()
            status = 0
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(status)

    def _watch(self) -> int:
        failures = 0
        while self._born:
            try:
                child, status = os.waitpid(-1, 0)
            except InterruptedError:
                continue
            lived = time.monotonic() - self._born.pop(child, 0)
            if self._ending:
                continue
            failures = failures + 1 if lived < _QUICK else 0
            how = f"signal {-code}" if (code := os.waitstatus_to_exitcode(status)) < 0 else f"exit {code}"
            if failures >= _MOST_FAILURES:
                self._say(f"workers do not come up ({how}, {failures} times): ending")
                self._end()
                self._reap()
                return 1
            self._say(f"worker {child} died ({how}): another takes its place")
            self._fork()
        return 0

    def _end(self, *_: object) -> None:
        """End every worker; a second signal kills those that are left."""
        last = signal.SIGKILL if self._ending else signal.SIGTERM
        self._ending = True
        for child in list(self._born):
            with suppress(ProcessLookupError):  # it ended by itself, just now
                os.kill(child, last)
        if last == signal.SIGTERM:
            signal.signal(signal.SIGALRM, self._end)
            signal.setitimer(signal.ITIMER_REAL, GRACE)

    def _reap(self) -> None:
        while self._born:
            child, _ = os.waitpid(-1, 0)
            self._born.pop(child, None)
