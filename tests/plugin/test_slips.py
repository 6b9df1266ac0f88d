"""What a test itself gets wrong is told at once: a field that is missing later would be looked for in the client."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.client import FlagrightMockError
from mockserver.pytest_plugin.servers import MockServer
from tests.harness import NOW


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"usrId": "u"}, "/usrId: not a property of User; did you mean userId?"),
        ({"created_timestmap": NOW}, "did you mean createdTimestamp?"),
        ({"user_details": {"name": {"firstName": "A", "last_name": "B"}}}, "/last_name: .*; did you mean lastName?"),
        ({"userId": "u", "user_id": "v"}, "user_id and userId are the same: give one"),
        ({"tags": {1, 2}}, "what is given is no JSON: Object of type set"),
        ({"user_id": 7}, "userId: must be a text of one character at least, was 7"),
    ],
)
def test_a_slip_of_the_test_itself_is_told_and_nothing_stored(
    embedded: MockServer, fields: dict[str, Any], told: str
) -> None:
    """A name that add_consumer does not know, and is near one that it knows, is an error; any other name is kept."""
    mock = embedded.open("slip")
    with pytest.raises(FlagrightMockError, match=told):
        mock.add_consumer(**fields)
    assert mock.admin.call("GET", "/state", world=mock.world)["users"]["consumer"] == 0
    assert mock.add_consumer(user_id="u", zzz=1)["zzz"] == 1
    with pytest.raises(FlagrightMockError, match="an id must be a text"):
        mock.consumer(7)  # type: ignore[arg-type]
