"""Step 6: the application as it is run, knowing nothing of the sandbox."""

import pytest
from mockserver import FlagrightMock

from onboarding.__main__ import main


def test_the_command_registers(flagright_mock: FlagrightMock, capsys: pytest.CaptureFixture[str]) -> None:
    """The command finds the sandbox by its own variables and says how the customer stands."""
    assert main(["ada-1", "Ada", "Byron", "GB"]) == 0
    assert main(["mock_blocked_1", "Eve", "Moor", "GB"]) == 0
    assert capsys.readouterr().out == "ada-1: open, risk LOW\nmock_blocked_1: hold, risk VERY_HIGH\n"
    flagright_mock.assert_requested("consumer_users.create", times=2, userDetails__countryOfResidence="GB")


def test_a_refusal_is_one_line(flagright_mock: FlagrightMock, capsys: pytest.CaptureFixture[str]) -> None:
    """What Flagright refuses is said in a line, with the reason."""
    with flagright_mock.expect_refusal("/userDetails/countryOfResidence", rule="enum"):
        assert main(["ada-1", "Ada", "Byron", "Britain"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("ada-1: not registered: /userDetails/countryOfResidence: ")
    assert len(said.splitlines()) == 1
