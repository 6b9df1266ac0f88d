"""docs/pytest.md says what the plugin does: its tests are run, its ini blocks are taken."""

from __future__ import annotations

import re

import pytest

from mockserver.pytest_plugin.options import INI_OPTIONS, TOKEN_VARIABLE, URL_VARIABLE, Choices
from tests.harness import ROOT
from tests.plugin.inner import Inner

pytest_plugins = ["pytester"]

PAGE = (ROOT / "docs" / "pytest.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_the_documented_tests_pass(inner: Inner) -> None:
    """Every Python block of the page is a test module that passes as it stands."""
    blocks = [code for language, code in BLOCKS if language == "python"]
    inner.pytester.makepyfile(**{f"test_block_{number}": code for number, code in enumerate(blocks)})
    result = inner.run("")
    result.assert_outcomes(passed=sum(code.count("def test_") for code in blocks))


@pytest.mark.parametrize("code", [code for language, code in BLOCKS if language == "ini"])
def test_the_documented_ini_blocks_are_taken(inner: Inner, code: str) -> None:
    """Every ini block of the page is understood."""
    ini = code.removeprefix("[pytest]\n")
    inner.run("def test_it(flagright_mock): pass", ini=ini).assert_outcomes(passed=1)
    assert all(line.split(" =")[0] in {option.ini for option in INI_OPTIONS} for line in ini.splitlines())


def test_the_page_names_every_way_to_choose() -> None:
    """The flag and the variables stand on the page, and the defaults of the table are those that hold."""
    for name in (URL_VARIABLE, TOKEN_VARIABLE, "--flagright-mock-url"):
        assert name in PAGE
    for option in INI_OPTIONS:
        default = getattr(Choices(), option.name)
        assert option.default == ("" if default in ((), "") else str(default))
