"""A refusal explains itself; what is let through but smells is said aloud; nothing is ever HTML or a 500."""

from __future__ import annotations

from io import StringIO
from typing import Any
from urllib.parse import quote

import pytest

from mockserver.config import Settings
from mockserver.server import Server
from mockserver.web.factory import application
from tests.harness import NOW, Answer, Api, contract, in_process, over_http

CONSUMER, BUSINESS, EVENT = "/consumer/users", "/business/users", "/events/consumer/user"
USER = {"userId": "u", "createdTimestamp": NOW}
COMPANY = {**USER, "legalEntity": {"companyGeneralDetails": {"legalName": "Hazelnut"}}}


def refused(answer: Answer) -> list[dict[str, Any]]:
    """The violations of a 400, whose other parts must say the same."""
    body = answer.body
    assert answer.status == 400
    lines = body["validationErrors"].split("\n")
    assert len(lines) == len(body["violations"])
    for line, violation in zip(lines, body["violations"], strict=True):
        assert violation["message"] in line
    assert body["message"].startswith(lines[0])
    assert ("more" in body["message"]) == (len(lines) > 1)
    return body["violations"]


def test_every_violation_is_reported_in_the_order_of_the_body(api: Api) -> None:
    """All that is wrong stands in the report, ordered as the body is, what is missing after what is there."""
    found = refused(api.post(CONSUMER, {
        "riskLevel": "HUGE",
        "userDetails": {"gender": "X", "name": {"lastName": 1}},
        "tags": [{"key": "a", "value": "b"}, {"key": 1, "value": 2}],
        "userId": "",
        "eoddDate": "soon",
    }))  # fmt: skip
    assert [entry["pointer"] for entry in found] == [
        "/riskLevel", "/userDetails/gender", "/userDetails/name/lastName", "/userDetails/name/firstName",
        "/tags/1/key", "/tags/1/value", "/userId", "/eoddDate", "/createdTimestamp",
    ]  # fmt: skip
    assert [entry["rule"] for entry in found] == [
        "enum", "enum", "type", "required", "type", "type", "minLength", "type", "required",
    ]  # fmt: skip


# path, body, pointer, rule, what is sent, and texts that must stand in the violation's JSON
REPORTS: list[tuple[str, Any, str, str, Any, list[str]]] = [
    (CONSUMER, {**USER, "riskLevel": "HIHG"}, "/riskLevel", "enum", "HIHG", ["'HIGH'", "'VERY_LOW'", "did you mean"]),
    (CONSUMER, {**USER, "riskLevel": "high"}, "/riskLevel", "enum", "high", ["did you mean HIGH"]),
    (CONSUMER, {**USER, "userDetails": {"countryOfResidence": "DEU"}}, "/userDetails/countryOfResidence", "enum", "DEU",
     ["'DE'", "275"]),
    (CONSUMER, {**USER, "sourceOfFunds": ["earnings"]}, "/sourceOfFunds/0", "enum", "earnings", ["Earnings"]),
    (CONSUMER, {**USER, "createdTimestamp": 1641654664}, "/createdTimestamp", "minimum", 1641654664,
     ["315529200000", "1641654664000"]),
    (CONSUMER, {**USER, "createdTimestamp": 9e15}, "/createdTimestamp", "maximum", 9e15, ["4133890801000"]),
    (CONSUMER, {"userID": "u", "createdTimestamp": NOW}, "/userId", "required", None, ["userID", "mean userId"]),
    (CONSUMER, {"user_id": "u", "createdTimestamp": NOW}, "/userId", "required", None, ["user_id"]),
    (CONSUMER, {**USER, "a/b~c": 1, "tags": 5}, "/tags", "type", 5, ["a list"]),
    (CONSUMER, {**USER, "occupation": ["x" * 500]}, "/occupation", "type", "…", ["a string"]),
    (CONSUMER, {**USER, "occupation": {str(n): n for n in range(999)}}, "/occupation", "type", "999 entries", []),
    (CONSUMER, {**USER, "savedPaymentDetails": [{"method": "IBAN", "country": "XX"}]}, "/savedPaymentDetails/0/country",
     "enum", "XX", []),
    (CONSUMER, {**USER, "savedPaymentDetails": [{"method": "CARD", "cardExpiry": 1}]},
     "/savedPaymentDetails/0/cardExpiry", "type", 1, ["an object"]),
    (CONSUMER, {**USER, "savedPaymentDetails": [{"method": "CRAD"}]}, "/savedPaymentDetails/0/method", "enum", "CRAD",
     ["CARD"]),
    (CONSUMER, {**USER, "savedPaymentDetails": [{"IBAN": "x"}]}, "/savedPaymentDetails/0/method", "required", None, []),
    (CONSUMER, {**USER, "savedPaymentDetails": [{"methd": "CARD"}]}, "/savedPaymentDetails/0/method", "required", None,
     ["methd"]),
    (BUSINESS, {**COMPANY, "directors": [{"generalDetails": {"gender": "X"}}]}, "/directors/0/generalDetails/gender",
     "enum", "X", ["'NB'"]),
    (BUSINESS, {**COMPANY, "directors": [{"companyGeneralDetails": {"userSegment": "BIG"}}]},
     "/directors/0/companyGeneralDetails/userSegment", "enum", "BIG", []),
    (BUSINESS, {**COMPANY, "shareHolders": [{"userId": "x"}]}, "/shareHolders/0", "anyOf", {"userId": "x"},
     ["Person", "generalDetails", "LegalEntity", "companyGeneralDetails"]),
    (BUSINESS, {**COMPANY, "shareHolders": ["x"]}, "/shareHolders/0", "anyOf", "x", ["an object"]),
    (BUSINESS, {**COMPANY, "directors": []}, "/directors", "minItems", [], ["at least 1"]),
    (BUSINESS, {**USER, "legalEntity": {"companyGeneralDetails": {"legalname": "x"}}},
     "/legalEntity/companyGeneralDetails/legalName", "required", None, ["legalname"]),
    (EVENT, {"userId": "u", "timestamp": True}, "/timestamp", "type", True, ["a number"]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "pointer", "rule", "sent", "texts"), REPORTS)
def test_a_violation_says_where_what_and_what_is_allowed(
    api: Api, path: str, body: Any, pointer: str, rule: str, sent: Any, texts: list[str]
) -> None:
    """One mistake is one violation: pointer, rule, what was sent (shortened), what is allowed, the nearest name."""
    [violation] = refused(api.post(path, body))
    assert (violation["pointer"], violation["rule"]) == (pointer, rule)
    if sent is None:
        assert "sent" not in violation
    elif isinstance(violation["sent"], str):
        assert str(sent) in violation["sent"]
    else:
        assert violation["sent"] == sent
    assert len(str(violation)) < 700
    for text in texts:
        assert text in str(violation)


def test_strict_names_the_nearest_property(api: Api) -> None:
    """Under strict an unknown property is refused where it stands, with the nearest known one."""
    body = {**USER, "userDetail": {}, "userDetails": {"nmae": 1}, "zzz": 1}
    found = refused(api.post(CONSUMER, body, headers={"Prefer": "validation=strict"}))
    assert [(entry["pointer"], entry.get("hint")) for entry in found] == [
        ("/userDetail", "did you mean userDetails?"),
        ("/userDetails/nmae", "did you mean name?"),
        ("/zzz", None),
    ]


@pytest.mark.parametrize("count", [100, 101, 5000])
def test_a_report_stops_at_100_and_says_so(api: Api, count: int) -> None:
    """Of thousands of mistakes the first hundred are named, and the message says that there it stops."""
    body = api.post(CONSUMER, {**USER, "tags": [{"key": "k"}] * count}).body
    assert [entry["pointer"] for entry in body["violations"]] == [f"/tags/{n}/value" for n in range(100)]
    assert ("stops at 100" in body["message"]) == (count > 100)


FLAGS = ["lockCraRiskLevel", "lockKycRiskLevel", "validateUserId"]
EVENT_FLAGS = ["lockCraRiskLevel", "lockKycRiskLevel", "allowUserTypeConversion", "changeUserId"]
VALUES = ["True", "TRUE", "1", "0", "yes", "", "false ", "%20true", "t", "truefalse", "%F0%9F%98%80", "%FF"]


@pytest.mark.parametrize("value", VALUES)
def test_a_flag_is_true_or_false(api: Api, value: str) -> None:
    """A boolean parameter is `true` or `false`, case-sensitive; anything else is a 400 that names it."""
    for path, flags in ((CONSUMER, FLAGS), (EVENT, EVENT_FLAGS)):
        for flag in flags:
            [violation] = refused(api.post(f"{path}?{flag}={value}", {**USER, "timestamp": 1}))
            assert (violation["in"], violation["pointer"]) == ("query", f"/{flag}")
            assert violation["allowed"] == ["true", "false"]
    assert api.get(f"{CONSUMER}/u").status == 404


QUERIES = [
    ("lockCraRiskLevel=true&lockCraRiskLevel=false", 201), ("lockCraRiskLevel=true&lockCraRiskLevel=no", 400),
    ("lockCraRiskLevel=no&lockCraRiskLevel=true", 400), ("lockCraRiskLevel", 400), ("_krsOnly=anything", 201),
    ("_krsOnly=", 201), ("_krsOnly", 201), ("other=%FF&x=1&&&=", 201), ("LOCKCRARISKLEVEL=no", 201),
    ("changeUserId=no", 201), ("lockCraRiskLevel=tru%65", 201), ("a=" + "b" * 5000, 201), ("", 201),
]  # fmt: skip


@pytest.mark.parametrize(("query", "status"), QUERIES)
def test_query_parameters_are_read_strictly_and_others_ignored(api: Api, query: str, status: int) -> None:
    """A repeated parameter must be valid each time; _krsOnly takes any text; unknown parameters are no matter."""
    assert api.post(f"{CONSUMER}?{query}", USER).status == status


def test_query_and_body_are_refused_together(api: Api) -> None:
    """One answer names what is wrong with the query and with the body."""
    found = refused(api.post(f"{CONSUMER}?validateUserId=maybe", {"userId": "u"}))
    assert [entry["in"] for entry in found] == ["query", "body"]


# method, target, status, a text of the message or hint
PLACES: list[tuple[str, str, int, str]] = [
    ("GET", "/nowhere", 404, "/openapi.json"),
    ("GET", "/consumer/user", 404, "/consumer/users"),
    ("GET", "/consumer/user/1", 404, "/consumer/users/1"),
    ("POST", "/consumer/user", 404, "/consumer/users"),
    ("POST", "/business/user", 404, "/business/users"),
    ("GET", "/business/user/a%2Fb", 404, "/business/users/a/b"),
    ("POST", "/events/consumer/users", 404, "/events/consumer/user"),
    ("POST", "/events/business/users", 404, "/events/business/user"),
    ("POST", "/consumer/users/", 404, "/consumer/users"),
    ("GET", CONSUMER, 405, "POST"),
    ("PUT", CONSUMER, 405, "POST"),
    ("DELETE", f"{CONSUMER}/u", 405, "GET"),
    ("PATCH", f"{BUSINESS}/u", 405, "GET"),
    ("POST", f"{CONSUMER}/u", 405, "GET"),
    ("OPTIONS", CONSUMER, 405, "POST"),
    ("POST", "/openapi.json", 405, "GET"),
    ("GET", "/transaction/a", 404, "/transactions/a"),
    ("POST", "/batch/consumer/user", 404, "/batch/consumer/users"),
    ("POST", "/batch/transactionz", 404, "/batch/transactions"),
    ("DELETE", "/transactions/a/b", 405, "GET"),
    ("GET", "/batch/events/business/user", 405, "POST"),
]


@pytest.mark.parametrize(("method", "target", "status", "text"), PLACES)
def test_a_wrong_path_or_method_is_named(api: Api, method: str, target: str, status: int, text: str) -> None:
    """404 and 405 have the vendor's shape and say what is right; a 405 carries Allow."""
    answer = api.call(method, target, {} if method in ("POST", "PUT", "PATCH") else None)
    assert answer.status == status
    assert text in answer.raw.decode()
    assert status != 405 or text in answer.headers["allow"]


# path, query, body, what X-Mockserver-Warning must say; nothing: there must be none
WARNINGS: list[tuple[str, Any, list[str]]] = [
    (CONSUMER, {**USER, "userDetial": {}}, ["/userDetial", "did you mean userDetails"]),
    (CONSUMER, {**USER, "userDetails": {"nmae": {}}}, ["/userDetails/nmae", "name"]),
    (CONSUMER, {**USER, "eoddDate": 1641654664}, ["1641654664 looks like seconds", "1641654664000"]),
    (BUSINESS, {**COMPANY, "createdTimestamp": 1641654664.5}, ["/createdTimestamp", "1641654664500"]),
    (BUSINESS, {**COMPANY, "directors": [{"generalDetails": {"shoe": 1}}]}, ["/directors/0/generalDetails/shoe"]),
    (CONSUMER, {**USER, "customObject": {"userDetial": 1641654664}}, []),
    (CONSUMER, {**USER, "userStateDetails": {"state": "ACTIVE", "userId": "u"}, "lastTransactionTimestamp": NOW}, []),
    (CONSUMER, {**USER, "userId": "userId"}, []),
    (CONSUMER, USER, []),
    (CONSUMER, {**USER, "ünïcödé\r\nX-Evil: 1\x00": 1}, ["\\xfc"]),
    (CONSUMER, {**USER, "😀" * 5000: 1}, ["\\U0001f600"]),
    (CONSUMER, {**USER, **{f"unknown{n}": n for n in range(50)}}, ["/unknown0", "42 more"]),
]


@pytest.mark.parametrize(("path", "body", "texts"), WARNINGS)
def test_what_smells_is_said_aloud(api: Api, path: str, body: Any, texts: list[str]) -> None:
    """Unknown names and seconds are accepted with a warning in a safe header; what the pages show is none."""
    answer = api.post(path, body)
    assert answer.status == 201
    assert bool(answer.warnings) == bool(texts)
    assert "x-evil" not in answer.headers
    assert answer.warnings.isascii()
    assert len(answer.warnings) < 4000
    for text in texts:
        assert text in answer.warnings


def test_history_and_the_other_type_are_warned_of(api: Api) -> None:
    """A replaced user that events had changed, and an id that is the other type too, are said aloud."""
    assert not api.post(CONSUMER, USER).warnings
    assert not api.post(CONSUMER, USER).warnings
    assert "business" not in api.post(CONSUMER, USER).warnings
    assert "consumer user too" in api.post(BUSINESS, COMPANY).warnings
    api.post(EVENT, {"userId": "u", "timestamp": 1})
    assert "1 event changed" in api.post(CONSUMER, USER).warnings


EVIL = ["a\r\nGET /forged 200", "\x1b[31mred", "\u202e", "\x00", "\u2028x", "ü😀"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_request_cannot_forge_a_log_line(form: str) -> None:
    """Names, ids and queries with line breaks or escapes leave one clean line a request in the log."""
    stream = StringIO()
    api = Api(in_process(application(Settings(log_format=form), stream, contract())))
    for text in EVIL:
        api.get(f"{CONSUMER}/{quote(text)}?{quote(text)}")
        api.post(CONSUMER, {**USER, text: 1, "tags": [{text: 1}]})
        api.post(CONSUMER, {**USER, "userId": text, text: 1})
    lines = stream.getvalue().removesuffix("\n").split("\n")
    assert all(line.isprintable() for line in lines)
    assert len([line for line in lines if not line.startswith(" ")]) == 3 * len(EVIL)


def test_refusals_log_no_values(server: Server) -> None:
    """The log names places and rules, never what was sent, nor the key."""
    stream = StringIO()
    api = Api(in_process(application(Settings(), stream, contract())), "topsecret")
    api.post(CONSUMER, {**USER, "riskLevel": "privatevalue", "userDetails": {"gender": "privatevalue"}})
    assert "/riskLevel" in stream.getvalue()
    assert "privatevalue" not in stream.getvalue()
    assert "topsecret" not in stream.getvalue()


NASTY_KEYS = ["k" * 5000, "k\u00fc", "world-\u00fc", "world-../..", "world-" + "x" * 3000, "world-%s{0}"]


@pytest.mark.parametrize("name", NASTY_KEYS)
def test_a_strange_key_is_a_key(server: Server, name: str) -> None:
    """Any non-blank key works and has its world, over HTTP too; a 404 with its name is still valid."""
    for transport in (in_process(server.app), over_http(server.url)):
        api = Api(transport, name.encode().decode("latin-1"))
        assert api.post(CONSUMER, {**USER, "userId": "strange"}).status == 201
        assert api.get(f"{CONSUMER}/strange").status == 200
