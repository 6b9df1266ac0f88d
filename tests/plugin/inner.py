"""Whole pytest runs inside a test."""

from __future__ import annotations

import os
import re
import sys
from importlib.metadata import entry_points
from textwrap import dedent

import pytest

# Installed, the plugin comes by its entry point; from a source tree it is named.
NAMED = [] if entry_points(group="pytest11", name="flagright_mock") else ["-p", "mockserver.pytest_plugin"]
# Other plugins of the development environment, which cost time and print.
FOREIGN = ("hypothesispytest", "anyio", "faker", "schemathesis", "cacheprovider")


class Inner:
    """Runs suites in a folder of their own; `pytester` and `monkeypatch` are pytest's."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pytester, self.monkeypatch = pytester, monkeypatch
        for name in ("PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS", "FLAGRIGHT_MOCK_URL", "FLAGRIGHT_MOCK_ADMIN_TOKEN"):
            monkeypatch.delenv(name, raising=False)

    def run(
        self, suite: str, *args: str, ini: str = "", quiet: bool = True, subprocess: bool = False
    ) -> pytest.RunResult:
        """Run a suite, the text of test_suite.py, with these lines in the ini file; all warnings else are errors."""
        filters = "filterwarnings =\n  error\n  default::mockserver.FlagrightContractWarning"
        self.pytester.makefile(".ini", pytest=f"[pytest]\n{filters}\n{ini}\n")
        self.pytester.path.joinpath("test_suite.py").write_text(dedent(suite))
        for module in ("app", "test_suite"):
            sys.modules.pop(module, None)
        foreign = [word for name in FOREIGN for word in ("-p", f"no:{name}")]
        given = [*NAMED, *foreign, *(["-q"] if quiet else []), "-rfE", "--tb=short", *args]
        return self.pytester.runpytest_subprocess(*given) if subprocess else self.pytester.runpytest_inprocess(*given)

    @staticmethod
    def failed(result: pytest.RunResult) -> set[str]:
        """The names of the tests that failed, without test_."""
        return set(re.findall(r"^FAILED test_suite\.py::test_(\w+)", result.stdout.str(), re.MULTILINE))

    @staticmethod
    def warned(result: pytest.RunResult) -> set[str]:
        """The names of the tests that were warned of."""
        return set(re.findall(r"^test_suite\.py::test_(\w+)", result.stdout.str(), re.MULTILINE))

    @staticmethod
    def environ() -> dict[str, str]:
        """The environment as it is."""
        return dict(os.environ)
