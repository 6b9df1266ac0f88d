"""Generated variants fit together: countries, money, names, times and results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest
from faker import Faker

from tests.harness import contract
from tests.world.drawn import (
    BY_CODE,
    EARLIEST,
    EMPTY,
    LATEST,
    OPERATIONS,
    PROFILES,
    RECORDS,
    drawn,
    everywhere,
    holders,
    objects,
    records,
    strings,
    users,
)  # fmt: skip

IBAN_LENGTHS = {
    "AT": 20, "BR": 29, "CH": 21, "DE": 22, "DK": 18, "ES": 24, "FR": 27, "GB": 22, "IE": 22, "IT": 27, "NL": 18,
    "PL": 28, "PT": 25, "SE": 24,
}  # fmt: skip
# Times that no honest body has out of order: (model, earlier, later).
ORDERED = [
    ("LegalDocument", "documentIssuedDate", "documentExpirationDate"),
    ("LoanProductDetails", "openingDate", "maturityDate"),
    ("LoanProductDetails", "disbursedAmount", "loanAmount"),
    ("NppDetails", "processingDate", "settlementDate"),
    ("PersonAttachment", "createdAt", "deletedAt"),
    ("TransactionCountLimit", "day", "year"),
    ("DeviceData", "velocity5mEvents", "velocity24hEvents"),
]


def test_ibans_check() -> None:
    """Every IBAN has its country's length and right check digits, and stands beside its country and a BIC of it."""
    found = 0
    for holder in holders("IbanDetails"):
        iban = holder.get("IBAN")
        if iban is None:
            continue
        found += 1
        assert len(iban) == IBAN_LENGTHS[iban[:2]], iban
        assert int("".join(str(int(char, 36)) for char in iban[4:] + iban[:4])) % 97 == 1, iban
        assert holder.get("country", iban[:2]) == iban[:2]
        assert holder.get("BIC", f"XXXX{iban[:2]}")[4:6] == iban[:2]
    assert found > 50


def own_countries(user: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Of a consumer each hint at the country, as a country code."""
    details = user.get("userDetails", EMPTY)
    for name in ("countryOfResidence", "countryOfNationality", "countryOfTaxResidence"):
        if name in details:
            yield name, details[name]
    if "placeOfBirth" in details:
        yield "placeOfBirth", details["placeOfBirth"]["country"]
    for document in user.get("legalDocuments", ()):
        if "documentIssuedCountry" in document:
            yield "documentIssuedCountry", document["documentIssuedCountry"]
    contact = user.get("contactDetails", EMPTY)
    for address in contact.get("addresses", ()):
        for profile in PROFILES:
            if address.get("country") == profile["name"]:
                yield "address", profile["code"]
            if any(city["name"] == address.get("city") for city in profile["cities"]):
                yield "city", profile["code"]
    for number in contact.get("contactNumbers", ()):
        fits = [profile for profile in PROFILES if number.startswith(profile["phone"].split("#")[0])]
        yield from (("phone", profile["code"]) for profile in fits)
        assert fits, number
    for method in user.get("savedPaymentDetails", ()):
        if "IBAN" in method:
            yield "IBAN", method["IBAN"][:2]
        if "cardIssuedCountry" in method:
            yield "card", method["cardIssuedCountry"]
    if "ipCountry" in user.get("metaData", EMPTY):
        yield "ip", user["metaData"]["ipCountry"]


def test_a_person_has_one_country() -> None:
    """Residence, nationality, documents, addresses, phones, IBAN, card and money of one consumer fit together."""
    hints: Counter[str] = Counter()
    for user in users("consumer"):
        found = list(own_countries(user))
        hints.update(name for name, _ in found)
        codes = {code for _, code in found}
        assert len(codes) <= 1, found
        money = {
            amount["amountCurrency"]
            for part in ("transactionLimits", "expectedIncome")
            for amount in user.get(part, EMPTY).values()
            if "amountCurrency" in amount
        }
        assert money <= {BY_CODE[code]["currency"] for code in codes} or not codes, user["userId"]
    for name in ("countryOfResidence", "address", "city", "phone", "IBAN", "card", "documentIssuedCountry", "ip"):
        assert hints[name] > 5, name


def test_every_country_is_drawn() -> None:
    """Each profile of the table has users."""
    seen = {code for user in users("consumer") for _, code in own_countries(user)}
    assert seen == set(BY_CODE)


@cache
def people(locale: str) -> Any:
    """Faker's names of a locale."""
    return Faker(locale).factories[0].provider("faker.providers.person")


def test_names_fit() -> None:
    """A first name is one of its gender, the e-mail address is made of the name at a reserved domain."""
    checked = 0
    for user in users("consumer"):
        details, contact = user.get("userDetails", EMPTY), user.get("contactDetails", EMPTY)
        for email in contact.get("emailIds", ()):
            local, _, domain = email.partition("@")
            assert domain in ("example.com", "example.org", "example.net")
            first = details.get("name", EMPTY).get("firstName", "")
            if first.isascii() and first.isalpha():
                assert local.startswith(first.lower() + "."), (first, email)
        code = details.get("countryOfResidence")
        if code and "name" in details and details.get("gender") in ("M", "F"):
            provider = people(BY_CODE[code]["locale"])
            known = provider.first_names_male if details["gender"] == "M" else provider.first_names_female
            assert details["name"]["firstName"] in known
            checked += 1
    assert checked > 100


def test_a_business_fits_together() -> None:
    """Legal name, registration, country and website of a business agree; its owners are mostly of its country."""
    same = other = 0
    for user in users("business"):
        entity = user["legalEntity"]
        name = entity["companyGeneralDetails"]["legalName"]
        registration = entity.get("companyRegistrationDetails", EMPTY)
        country = registration.get("registrationCountry")
        if country:
            assert name.endswith(tuple(BY_CODE[country]["legalForms"])), (name, country)
            assert registration.get("taxResidenceCountry", country) == country
        assert name.endswith(registration.get("legalEntityType", ""))
        if "dateOfRegistration" in registration:
            assert registration["dateOfRegistration"] < day(user["createdTimestamp"])
        for site in entity.get("contactDetails", EMPTY).get("websites", ()):
            assert site.startswith("https://www.example.com/")
        for email in entity.get("contactDetails", EMPTY).get("emailIds", ()):
            assert email.endswith(".example.com")
        for owner in (*user.get("shareHolders", ()), *user.get("directors", ())):
            nationality = owner.get("generalDetails", EMPTY).get("countryOfNationality")
            if country and nationality:
                same, other = same + (nationality == country), other + (nationality != country)
    assert same > 3 * other > 0


def day(timestamp: float) -> str:
    """The day of epoch milliseconds, YYYY-MM-DD."""
    return (date(1970, 1, 1) + timedelta(milliseconds=timestamp)).isoformat()


def test_times_are_in_order() -> None:
    """Everybody is of age at creation, documents and cards are valid then, activation and events come later."""
    births = 0
    bodies = [
        record for operation_id in RECORDS for body in drawn(operation_id) for record in records(operation_id, body)
    ]
    for body in (*users("consumer"), *users("business"), *bodies):
        created = body.get("createdTimestamp")
        if created is None:
            continue
        assert EARLIEST <= created <= body.get("activatedTimestamp", created) <= LATEST
        for part in objects(body):
            if "dateOfBirth" in part:
                births += 1
                assert part["dateOfBirth"] > "1900"
                assert int(part["dateOfBirth"][:4]) + 18 <= int(day(created)[:4])
            if "documentIssuedDate" in part:
                assert part["documentIssuedDate"] < created
                if "dateOfBirth" in body.get("userDetails", EMPTY) and part in body.get("legalDocuments", ()):
                    assert day(part["documentIssuedDate"]) > body["userDetails"]["dateOfBirth"]
            assert part.get("documentExpirationDate", LATEST) > created
            assert part.get("cardExpiry", EMPTY).get("year", 3000) > int(day(created)[:4]) + 1
        for rule in body.get("executedRules", ()):
            assert rule.get("executedAt", LATEST) > created
    for body in bodies:
        assert EARLIEST <= body.get("timestamp", EARLIEST) <= LATEST
    assert births > 200


@pytest.mark.parametrize(("model", "earlier", "later"), ORDERED)
def test_pairs_are_in_order(model: str, earlier: str, later: str) -> None:
    """Of two values that belong together the one that must be less is not more."""
    pairs = [(one[earlier], one[later]) for one in holders(model) if earlier in one and later in one]
    assert pairs
    assert all(first <= second for first, second in pairs)


@pytest.mark.parametrize("operation_id", RECORDS)
def test_results_agree(operation_id: str) -> None:
    """What hit was executed, as a hit and in the same words, is no shadow hit, and scores, levels and status agree."""
    scores = contract().risk_scores
    counts: Counter[int] = Counter()
    for body in (record for answer in drawn(operation_id) for record in records(operation_id, answer)):
        executed = {rule["ruleInstanceId"]: rule for rule in body.get("executedRules", ())}
        hits = body.get("hitRules", [rule for rule in executed.values() if rule["ruleHit"]])
        if "executedRules" in body:
            assert len(executed) == len(body["executedRules"]) > 0
            assert [rule["ruleInstanceId"] for rule in hits] == [
                key for key, rule in executed.items() if rule["ruleHit"]
            ]
            for rule in hits:
                assert all(executed[rule["ruleInstanceId"]].get(name, value) == value for name, value in rule.items())
        assert not any(rule.get("isShadow") for rule in hits)
        assert body.get("status", strictest(hits)) == strictest(hits)
        risk = body["riskScoreDetails"]
        for kind in ("cra", "kyc", "trs", "originUserCra", "destinationUserCra"):
            level = risk.get(f"{kind}RiskLevel")
            score = risk.get("trsScore" if kind == "trs" else f"{kind}RiskScore")
            assert level is None or score is None or scores[level] == score
        for ours, theirs in (("riskLevel", "craRiskLevel"), ("kycRiskLevel", "kycRiskLevel")):
            assert ours not in body or body[ours] == risk.get(theirs, body[ours])
        for score in ("craRiskScore", "trsScore"):
            assert score not in risk or bool(hits) == (risk[score] >= 50)
        counts[len(hits)] += 1
    assert len(counts) > 1


def strictest(hits: list[dict[str, Any]]) -> str:
    """What becomes of a transaction by the rules that hit it."""
    actions = {rule["ruleAction"] for rule in hits}
    return next((action for action in ("BLOCK", "SUSPEND", "FLAG") if action in actions), "ALLOW")


def test_a_pep_is_one_throughout() -> None:
    """Entries that say no PEP name no country or rank, and no list says yes and no."""
    lists = [place.value for place in everywhere() if place.name == "pepStatus"]
    assert {entry["isPepHit"] for entries in lists for entry in entries} == {True, False}
    for entries in lists:
        assert len({entry["isPepHit"] for entry in entries}) == 1
        assert all(entry["isPepHit"] or len(entry) == 1 for entry in entries)


def test_magic_values_are_never_drawn() -> None:
    """No id begins as the magic ids do, no name is one of the magic names, and no text is long."""
    for operation_id in OPERATIONS:
        for body in drawn(operation_id):
            for text in strings(body):
                assert not text.startswith("mock_")
                assert not text.endswith("-Hit")
                assert len(text) <= 120, text
