"""What is accepted and refused, at its edges, by each operation under each validation profile."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from tests.harness import NOW, Answer, Api, in_process, made

CONSUMER, BUSINESS = "/consumer/users", "/business/users"
CONSUMER_EVENT, BUSINESS_EVENT = "/events/consumer/user", "/events/business/user"
USERS, EVENTS = (CONSUMER, BUSINESS), (CONSUMER_EVENT, BUSINESS_EVENT)
POSTS = (*USERS, *EVENTS)
USER_OF = {CONSUMER_EVENT: CONSUMER, BUSINESS_EVENT: BUSINESS}
ATTRIBUTES = {CONSUMER_EVENT: "updatedConsumerUserAttributes", BUSINESS_EVENT: "updatedBusinessUserAttributes"}
LOWEST, HIGHEST = 315529200000, 4133890801000
GONE: Any = object()  # the property is left out

VALID: dict[str, dict[str, Any]] = {
    CONSUMER: {"userId": "u", "createdTimestamp": NOW},
    BUSINESS: {
        "userId": "u",
        "createdTimestamp": NOW,
        "legalEntity": {"companyGeneralDetails": {"legalName": "Hazelnut"}},
    },
    CONSUMER_EVENT: {"userId": "u", "timestamp": NOW, "eventId": "e"},
    BUSINESS_EVENT: {"userId": "u", "timestamp": NOW, "eventId": "e"},
}
Case = tuple[str, str, Any]  # path, place in the body with slashes, value


def changed(path: str, place: str, value: Any) -> dict[str, Any]:
    """The smallest valid body of an operation with one value put in, or taken out."""
    body = deepcopy(VALID[path])
    *parents, last = place.split("/")
    holder: Any = body
    for name in parents:
        holder = holder.setdefault(name, {})
    if value is GONE:
        del holder[last]
    else:
        holder[last] = value
    return body


def send(api: Api, case: Case, **more: Any) -> Answer:
    """POST the case; for an event the user is there first."""
    path, place, value = case
    if path in USER_OF:
        assert api.post(USER_OF[path], VALID[USER_OF[path]]).status == 201
    return api.post(path, changed(path, place, value), **more)


def named(case: Case) -> str:
    """A case as the name of a test."""
    return f"{case[0]}-{case[1]}-{'gone' if case[2] is GONE else str(case[2])[:30]}"


LEGAL_NAME = "legalEntity/companyGeneralDetails/legalName"
COMPANY: dict[str, Any] = {"companyGeneralDetails": {}}
PERSON = {"generalDetails": {"name": {"firstName": "A"}}}
NOT_NUMBERS: list[Any] = ["1641654664000", True, [], {}]
NO_DIRECTORS: list[Any] = [[], {}, [{}], [None], [PERSON, {}]]
SOME_DIRECTORS: list[Any] = [None, [PERSON], [{"companyGeneralDetails": {"alias": []}}]]
NULL_OR_GONE: list[Any] = [None, GONE]
BAD_NAMES: list[Any] = [GONE, "", None, 1]
BAD_COMPANIES: list[Any] = [GONE, None, {}, [], "x", {"companyGeneralDetails": None}]
NOT_IDS: list[Any] = ["", None, 1, True, [], {}, GONE]
NO_DATE = ["1990-13-01", "1990-02-30", "19900101", "", "01.01.1990", "1990-01-01T00:00:00Z"]

BOUNDED: list[tuple[str, str, str]] = [
    ("pages", CONSUMER, "createdTimestamp"),
    ("pages", CONSUMER, "activatedTimestamp"),
    ("strict", BUSINESS, "createdTimestamp"),
    ("strict", BUSINESS, "activatedTimestamp"),
    ("strict", CONSUMER_EVENT, "timestamp"),
    ("strict", BUSINESS_EVENT, "timestamp"),
]
BELOW_OR_ABOVE: list[Any] = [LOWEST - 1, HIGHEST + 1, LOWEST - 0.5, 0, -1, 1.1, 1641654664]
AT_THE_EDGE: list[Any] = [LOWEST, HIGHEST, float(LOWEST), float(HIGHEST), NOW]
UNBOUNDED = [
    *[(path, "eoddDate") for path in USERS],
    *[(path, "lastTransactionTimestamp") for path in USERS],
    *[(path, f"{ATTRIBUTES[path]}/activatedTimestamp") for path in EVENTS],
]
ENUMS: list[tuple[str, str, list[str]]] = [
    (CONSUMER, "riskLevel", ["VERY_HIGH", "HIGH", "MEDIUM", "LOW", "VERY_LOW"]),
    (BUSINESS, "kycRiskLevel", ["VERY_HIGH", "LOW"]),
    (CONSUMER, "userSegment", ["RETAIL", "PROFESSIONAL"]),
    (CONSUMER, "employmentStatus", ["UNEMPLOYED", "COMPANY_OWNER", "NA"]),
    (CONSUMER, "acquisitionChannel", ["ORGANIC", "GATHERING", "UNKNOWN"]),
    (CONSUMER, "userDetails/gender", ["M", "F", "NB"]),
    (CONSUMER, "userDetails/countryOfResidence", ["DE", "XZ", "N/A"]),
    (BUSINESS, "legalEntity/companyGeneralDetails/userSegment", ["SOLE_PROPRIETORSHIP", "UNKNOWN"]),
    (CONSUMER_EVENT, "updatedConsumerUserAttributes/riskLevel", ["HIGH"]),
    (CONSUMER_EVENT, "userStateDetails/state", ["UNACCEPTABLE", "BLOCKED", "ACTIVE"]),
    (BUSINESS_EVENT, "updatedBusinessUserAttributes/kycStatusDetails/status", ["SUCCESSFUL", "EDD_IN_PROGRESS"]),
]

PAGES_REFUSE: list[Case] = [
    *[(p, f, v) for mode, p, f in BOUNDED if mode == "pages" for v in (*BELOW_OR_ABOVE, *NOT_NUMBERS)],
    *[(p, f, v) for mode, p, f in BOUNDED if mode == "strict" for v in NOT_NUMBERS],
    *[(p, f, v) for p, f in UNBOUNDED for v in NOT_NUMBERS],
    *[(p, f, v) for _, p, f in BOUNDED if f != "activatedTimestamp" for v in NULL_OR_GONE],
    *[(p, "userId", v) for p in POSTS for v in NOT_IDS],
    *[(p, f, "") for p in EVENTS for f in ("eventId", "newUserId")],
    *[(BUSINESS, LEGAL_NAME, v) for v in BAD_NAMES],
    *[(BUSINESS, "legalEntity", v) for v in BAD_COMPANIES],
    *[(BUSINESS, "directors", v) for v in NO_DIRECTORS],
    (CONSUMER, "legalDocuments", [{"documentType": "passport"}]),
    (CONSUMER, "legalDocuments", [{"documentType": None, "documentNumber": "1"}]),
    (CONSUMER, "pepStatus", [{}]),
    (CONSUMER, "tags", [{"key": "k"}]),
    (CONSUMER, "userDetails", {"name": {"lastName": "B"}}),
    (CONSUMER_EVENT, "updatedConsumerUserAttributes/userStateDetails", {"reason": "r"}),
    (BUSINESS_EVENT, "userStateDetails", {"reason": "r"}),
    (BUSINESS_EVENT, "updatedBusinessUserAttributes/legalEntity", {}),
    (CONSUMER, "savedPaymentDetails", [{}]),
    (CONSUMER, "savedPaymentDetails", [{"method": "CREDIT"}]),
    *[(p, f, bad) for p, f, good in ENUMS for bad in (good[0].lower(), "", 1, True, [good[0]])],
]
PAGES_ACCEPT: list[Case] = [
    *[(p, f, v) for _, p, f in BOUNDED for v in AT_THE_EDGE],
    *[(p, f, v) for mode, p, f in BOUNDED if mode == "strict" for v in BELOW_OR_ABOVE],
    *[(p, f, v) for p, f in UNBOUNDED for v in (*BELOW_OR_ABOVE, None)],
    *[(p, "activatedTimestamp", None) for p in USERS],
    *[(BUSINESS, "directors", v) for v in SOME_DIRECTORS],
    *[(BUSINESS, place, [COMPANY]) for place in ("shareHolders", "directors", "businessPartners")],
    (BUSINESS, "shareHolders", []),
    (BUSINESS_EVENT, "updatedBusinessUserAttributes/directors", []),
    (BUSINESS_EVENT, "updatedBusinessUserAttributes/legalEntity", COMPANY),
    (BUSINESS_EVENT, "updatedBusinessUserAttributes/legalEntity", {"companyGeneralDetails": {"legalName": ""}}),
    (CONSUMER, "pepStatus", [{"isPepHit": True, "pepCountry": "pepCountry"}]),
    (CONSUMER, "userDetails", {"dateOfBirth": "yesterday"}),
    (CONSUMER, "contactDetails", {"emailIds": ["emailIds"], "addresses": [{"addressLines": [], "country": "Germany"}]}),
    *[(p, "somethingElse", {"a": None}) for p in POSTS],
    *[(p, f, value) for p, f, good in ENUMS for value in good],
]
STRICT_REFUSE: list[Case] = [
    *[(p, f, v) for _, p, f in BOUNDED for v in BELOW_OR_ABOVE],
    *[(CONSUMER, "userDetails", {"dateOfBirth": v}) for v in NO_DATE],
    (BUSINESS, "legalEntity/companyRegistrationDetails", {"dateOfRegistration": "soon"}),
    (CONSUMER_EVENT, "updatedConsumerUserAttributes/userDetails", {"dateOfBirth": "soon"}),
    (CONSUMER, "pepStatus", [{"isPepHit": True, "pepCountry": "pepCountry"}]),
    *[(p, "somethingElse", 1) for p in POSTS],
    (CONSUMER, "userDetails/nickName", "x"),
    (CONSUMER, "savedPaymentDetails", [{"method": "CARD", "IBAN": "x"}]),
    (BUSINESS, "directors", [{**PERSON, "shoeSize": 1}]),
    (BUSINESS, "directors", []),
    (BUSINESS, LEGAL_NAME, ""),
]
STRICT_ACCEPT: list[Case] = [
    *[(p, f, v) for _, p, f in BOUNDED for v in AT_THE_EDGE],
    *[(p, f, v) for p, f in UNBOUNDED if "activated" not in f for v in (1, None)],
    (CONSUMER, "userDetails", {"dateOfBirth": "1992-02-29"}),
    (CONSUMER, "userDetails", {"dateOfBirth": None}),
    (CONSUMER, "pepStatus", [{"isPepHit": True, "pepCountry": "DE"}, {"isPepHit": False, "pepCountry": None}]),
    (CONSUMER, "userStateDetails", {"state": "ACTIVE", "userId": "u"}),
    (CONSUMER_EVENT, "kycStatusDetails", {"status": "FAILED", "userId": "u"}),
    (BUSINESS, "savedPaymentDetails", [{"method": "IBAN", "IBAN": "x"}, {"method": "CARD", "3dsDone": True}]),
    (BUSINESS, "directors", [PERSON, COMPANY]),
]


@pytest.mark.parametrize("case", PAGES_REFUSE, ids=named)
def test_pages_refuses_and_changes_nothing(api: Api, case: Case) -> None:
    """What the documentation forbids is a 400, after which no user, no event and no change is there."""
    path, _, _ = case
    if path in USERS:
        assert send(api, case).status == 400
        assert api.get(f"{path}/u").status == 404
        return
    assert api.post(USER_OF[path], VALID[USER_OF[path]]).status == 201
    before = api.get(f"{USER_OF[path]}/u").raw
    assert api.post(path, changed(*case)).status == 400
    assert api.get(f"{USER_OF[path]}/u").raw == before
    assert api.get(f"{path}/e").status == 404


@pytest.mark.parametrize("case", PAGES_ACCEPT, ids=named)
def test_pages_accepts_what_no_page_forbids(api: Api, case: Case) -> None:
    """A limit holds where a page states it and nowhere else, and its edges belong to what is allowed."""
    answer = send(api, case)
    assert answer.status == 201, answer.body


@pytest.fixture(scope="module")
def strict_sandbox() -> Api:
    """One sandbox with the setting validation=strict."""
    return made(validation="strict")


@pytest.fixture(params=["setting", "Prefer"])
def strict(request: Any, server: Any, key: str, strict_sandbox: Api) -> tuple[Api, dict[str, Any]]:
    """A client and what it must send to be checked strictly."""
    if request.param == "setting":
        return strict_sandbox.with_key(key), {}
    return Api(in_process(server.app), key), {"headers": {"Prefer": "validation=strict"}}


@pytest.mark.parametrize("case", [*PAGES_REFUSE[::3], *STRICT_REFUSE], ids=named)
def test_strict_refuses(strict: tuple[Api, dict[str, Any]], case: Case) -> None:
    """Strict refuses what pages refuses, and what the newest documentation forbids besides."""
    api, more = strict
    assert send(api, case, **more).status == 400


@pytest.mark.parametrize("case", STRICT_ACCEPT, ids=named)
def test_strict_accepts(strict: tuple[Api, dict[str, Any]], case: Case) -> None:
    """Strict accepts the edges of its limits, and every name that the documentation itself shows."""
    api, more = strict
    answer = send(api, case, **more)
    assert answer.status == 201, answer.body


@pytest.mark.parametrize(("first", "second"), [USERS, USERS[::-1]])
def test_strict_allows_one_type_per_id(strict: tuple[Api, dict[str, Any]], first: str, second: str) -> None:
    """Under strict an id that is one type of user cannot become the other type too; pages lets it."""
    api, more = strict
    assert api.post(first, VALID[first]).status == 201
    refused = api.post(second, VALID[second], **more)
    assert (refused.status, refused.body["violations"][0]["pointer"]) == (400, "/userId")
    assert api.get(f"{second}/u").status == 404
    assert api.post(second, VALID[second], headers={"Prefer": "validation=pages"}).status == 201


@pytest.fixture(scope="module")
def lenient_sandbox() -> Api:
    """One sandbox with the setting validation=lenient."""
    return made(validation="lenient")


def lenient(sandbox: Api, key: str, target: str, body: Any) -> Answer:
    """POST, unchecked by the harness: what lenient lets through need not be valid by any schema."""
    api = sandbox.with_key(key)
    if target in USER_OF:
        assert api.post(USER_OF[target], VALID[USER_OF[target]]).status == 201
    answer: Answer = api.transport("POST", target, body, {"x-api-key": key})
    return answer


@pytest.mark.parametrize("case", [case for case in PAGES_REFUSE if case[1] != "userId"], ids=named)
def test_lenient_notes_what_pages_refuses(lenient_sandbox: Api, key: str, case: Case) -> None:
    """Lenient stores what pages refuses, and says in a warning what was wrong."""
    answer = lenient(lenient_sandbox, key, case[0], json.dumps(changed(*case)).encode())
    assert answer.status == 201, answer.raw
    assert case[1].split("/")[-1] in answer.warnings or case[1].split("/")[0] in answer.warnings


NOT_STORABLE = [b"", b"{", b"[]", b'"x"', b"null", b"{}", b'{"userId": ""}', b'{"userId": null}', b'{"userId": 1}']


@pytest.mark.parametrize("raw", NOT_STORABLE)
@pytest.mark.parametrize("path", POSTS)
def test_lenient_refuses_only_what_cannot_be_stored(lenient_sandbox: Api, key: str, path: str, raw: bytes) -> None:
    """Not JSON, no object or no userId is a 400 even under lenient."""
    api = lenient_sandbox.with_key(key)
    answer = api.post(path, raw=raw)
    assert answer.status == 400
    assert all(entry["pointer"] in ("", "/userId") for entry in answer.body["violations"])


def test_prefer_beats_the_setting_both_ways(lenient_sandbox: Api, strict_sandbox: Api, key: str) -> None:
    """A request's own validation counts, whatever the setting says, and the answer confirms it."""
    body = {**VALID[CONSUMER], "createdTimestamp": 1, "odd": 1}
    refused = lenient_sandbox.with_key(key).post(CONSUMER, body, headers={"Prefer": "validation=strict"})
    accepted = strict_sandbox.with_key(key).post(CONSUMER, body, headers={"Prefer": "validation=lenient"})
    assert (refused.status, accepted.status) == (400, 201)
    assert accepted.headers["preference-applied"] == "validation=lenient"
