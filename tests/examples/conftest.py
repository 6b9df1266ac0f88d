"""A sandbox as a person starts it, for the examples to run against."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.examples.tutorial import served_url


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of `mockserver serve --outcome clean`, in a process of its own."""
    command = [sys.executable, "-m", "mockserver", "serve", "--outcome", "clean", "--log-format", "off", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield served_url(process)
        finally:
            process.terminate()
            assert process.wait(10) == 0
