"""Generated variants: valid, coherent, and the same for the same seed in every process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from itertools import chain
from typing import Any

import jsonschema_rs
import pytest
from faker import Faker

from mockserver.contract import Contract
from mockserver.contract.checks import compiled_schema
from mockserver.contract.models import Form
from mockserver.contract.operations import RESULT_NAMES, Operation
from mockserver.contract.walk import Place, walk
from mockserver.errors import ContractError
from mockserver.world.variants import Variants
from tests.harness import FIXTURES, ROOT, contract, other_hash_seed

DRAWS = int(os.environ.get("MOCKSERVER_TEST_DRAWS", "150"))  # of each operation; set it higher to look for more
LOOKED_AT = 150  # bodies of each operation that the tests of coherence read
OPERATIONS = [operation.id for operation in contract().operations.built]
ENTITIES = ["consumer", "business"]
EARLIEST, LATEST = 315529200000, 4133890801000  # the documented bounds of timestamps
PROFILES = json.loads((FIXTURES / "variants" / "countries.json").read_text())["countries"]
BY_CODE = {profile["code"]: profile for profile in PROFILES}
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
EMPTY: Any = {}


@cache
def variants() -> Variants:
    """One maker for all tests."""
    return Variants(contract())


def find(operation_id: str) -> Operation:
    """The operation of an id."""
    return contract().operations.find(operation_id)


@cache
def drawn(operation_id: str) -> tuple[dict[str, Any], ...]:
    """Some bodies of an operation, each of another seed and id."""
    operation = find(operation_id)
    return tuple(variants().body(operation, seed, f"asked-{seed}") for seed in range(LOOKED_AT))


@cache
def users(entity: str) -> tuple[dict[str, Any], ...]:
    """Some users of a kind."""
    return tuple(variants().user(entity, 7, number) for number in range(LOOKED_AT * 2))


def places(operation_id: str, bodies: tuple[dict[str, Any], ...]) -> Iterator[Place]:
    """Every property of the bodies, with the model that has it."""
    for body in bodies:
        yield from walk(contract().models, [find(operation_id).response], body)


@cache
def everywhere() -> tuple[Place, ...]:
    """Every property of every body that these tests drew."""
    return tuple(place for operation_id in OPERATIONS for place in places(operation_id, drawn(operation_id)))


def holders(model: str) -> Iterator[dict[str, Any]]:
    """Every object of a model in every body."""
    seen: set[int] = set()
    for place in everywhere():
        if place.title == model and id(place.holder) not in seen:
            seen.add(id(place.holder))
            yield place.holder


def strings(value: Any) -> Iterator[str]:
    """Every string of a JSON value, names of properties left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def without_results(body: dict[str, Any]) -> dict[str, Any]:
    """The part of an answer that could be posted."""
    return {name: value for name, value in body.items() if name not in RESULT_NAMES}


def sender(operation: Operation) -> Operation:
    """The operation that an answer's user or event would be posted with."""
    do = "apply-event" if operation.do == "get-event" else "create-user"
    built = contract().operations.built
    return next(each for each in built if each.do == do and each.entity == operation.entity)


# What a new maker draws of all operations and users, as a hash.
DIGEST = """
import hashlib, json
from mockserver.contract import Contract
from mockserver.world.variants import Variants
{first}
contract = Contract(); variants = Variants(contract)
bodies = [variants.body(op, n, f"id-{{n}}") for op in contract.operations.built for n in range(40)]
bodies += [variants.user(kind, 3, n) for kind in ("consumer", "business") for n in range(40)]
digest = hashlib.sha256(json.dumps(bodies).encode()).hexdigest()
"""


def digest() -> str:
    """The digest of this process."""
    names: dict[str, str] = {}
    exec(DIGEST.format(first=""), names)
    return names["digest"]


def digest_elsewhere(*first: str, **environment: str) -> str:
    """The digest of another process, which does something else before the first draw."""
    code = DIGEST.format(first="\n".join(first)) + "print(digest)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_every_body_is_valid_and_postable(operation_id: str) -> None:
    """Every draw carries the asked id, satisfies the response schema, and is a good request without its results."""
    operation = find(operation_id)
    promised, closed = (
        jsonschema_rs.Draft202012Validator(
            compiled_schema(contract().models, [operation.response], form), validate_formats=True
        )
        for form in (Form(), Form(strict=True))
    )
    checks = [contract().check(sender(operation), strict=strict) for strict in (False, True)]
    posted = "createdTimestamp" in contract().models.follow(operation.response).get("properties", {})
    posted = posted or "allOf" in operation.response
    more = (variants().body(operation, seed, f"asked-{seed}") for seed in range(LOOKED_AT, DRAWS))
    for seed, body in enumerate(chain(drawn(operation_id)[:DRAWS], more)):
        assert body[operation.id_property] == f"asked-{seed}"
        assert promised.is_valid(body), next(promised.iter_errors(body))
        if "allOf" not in operation.response:  # closed, the parts of an allOf would refuse one another's properties
            assert closed.is_valid(body), next(closed.iter_errors(body))
        assert {"executedRules", "hitRules", "riskScoreDetails"} <= body.keys()
        assert ("message" in body) == operation.says_message
        for check in checks if posted else ():
            assert check.check(without_results(body)) == ([], []), seed


@pytest.mark.parametrize("strict", [False, True], ids=["pages", "strict"])
@pytest.mark.parametrize("entity", ENTITIES)
def test_every_user_is_a_good_request(entity: str, strict: bool) -> None:
    """A generated user is accepted by the create operation without a warning, and bears its number."""
    create = next(op for op in contract().operations.built if op.do == "create-user" and op.entity.name == entity)
    check = contract().check(create, strict=strict)
    for number in range(DRAWS):
        user = variants().user(entity, 1, number)
        assert user["userId"] == f"generated-{entity}-{number:06d}"
        assert check.check(user) == ([], []), number


def test_unknown_kind_of_user() -> None:
    """A kind of user that the contract does not have is a KeyError that names it."""
    with pytest.raises(KeyError, match="alien"):
        variants().user("alien", 0, 0)


def test_processes_agree() -> None:
    """Another process with other hashes, another time zone and no clock at all draws equal bytes."""
    no_clock = [
        "import datetime, time",
        "def refuse(*args): raise AssertionError('asked for the time')",
        "time.time = time.time_ns = time.localtime = refuse",
        "class date(datetime.date): today = refuse",
        "class stamp(datetime.datetime): now = utcnow = today = refuse",
        "datetime.date, datetime.datetime = date, stamp",
    ]
    assert digest_elsewhere(*no_clock, PYTHONHASHSEED=other_hash_seed(), TZ="Asia/Tokyo") == digest()


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_a_body_depends_on_seed_operation_and_id_alone(operation_id: str) -> None:
    """The same three give equal bytes whatever was drawn before, by another maker, too; each other seed or id not."""
    operation = find(operation_id)
    first = json.dumps(variants().body(operation, 5, "one"))
    variants().user("business", 99, 99)
    assert json.dumps(variants().body(operation, 5, "one")) == first
    assert json.dumps(Variants(contract()).body(operation, 5, "one")) == first
    assert json.dumps(variants().body(operation, 6, "one")) != first
    other = variants().body(operation, 5, "two")
    assert json.dumps({**other, operation.id_property: "one"}) != first


@pytest.mark.parametrize("entity", ENTITIES)
def test_users_differ(entity: str) -> None:
    """Users of other numbers and seeds differ in their values and in their shapes."""
    bodies = [without_id(user) for user in users(entity)]
    assert len({json.dumps(body) for body in bodies}) == len(bodies)
    assert len({tuple(body) for body in bodies}) > len(bodies) // 2
    assert without_id(variants().user(entity, 8, 1)) != without_id(variants().user(entity, 7, 1))


def without_id(user: dict[str, Any]) -> dict[str, Any]:
    """A user without what its number alone makes differ."""
    return {name: value for name, value in user.items() if name not in ("userId", "attachments")}


def test_every_property_is_drawn() -> None:
    """No property of any model that an answer can have is never generated."""
    models = contract().models
    reached: dict[str, dict[int, str]] = {operation_id: {} for operation_id in OPERATIONS}
    for operation_id in OPERATIONS:
        for name in models.reachable(find(operation_id).response):
            for key, schema in models.raw[name].get("properties", {}).items():
                reached[operation_id][id(schema)] = f"{name}.{key}"
    missing = {one: name for names in reached.values() for one, name in names.items()}
    for place in everywhere():
        for schema in place.declared:
            missing.pop(id(schema), None)
    for seed in range(10_000, 12_000):
        for operation_id in (one for one in OPERATIONS if missing.keys() & reached[one].keys()):
            operation = find(operation_id)
            for place in walk(models, [operation.response], variants().body(operation, seed, "any")):
                for schema in place.declared:
                    missing.pop(id(schema), None)
        if not missing:
            break
    assert not missing, sorted(missing.values())


def test_every_property_has_a_rule() -> None:
    """Nothing of today's contract is drawn by its type alone: each name has a kind of value of its own."""
    for operation_id in OPERATIONS:
        assert drawn(operation_id)
    assert variants().unruled == frozenset()


def test_the_schema_leads() -> None:
    """A property that no rule knows is drawn by its type, and enums come from the schema as it stands."""
    changed = Contract()
    user = changed.models.raw["User"]["properties"]
    user |= {
        "shoeSize": {"type": "integer", "minimum": 20, "maximum": 21},
        "nickname": {"type": "string"},
        "isTall": {"type": "boolean"},
        "bag": {"type": "array", "items": {"type": "string", "enum": ["only"]}},
    }
    changed.models.raw["MaritalStatus"]["enum"] = ["ENGAGED"]
    maker = Variants(changed)
    made = [maker.user("consumer", 0, number) for number in range(60)]
    assert {user["shoeSize"] for user in made if "shoeSize" in user} == {20, 21}
    assert all(len(user.get("nickname", "x")) < 20 for user in made)
    assert {user["isTall"] for user in made if "isTall" in user} <= {True, False}
    assert {"only"} == {value for user in made for value in user.get("bag", ())}
    assert {"ENGAGED"} == {
        u["userDetails"]["maritalStatus"] for u in made if "maritalStatus" in u.get("userDetails", ())
    }
    assert maker.unruled == {("User", "shoeSize"), ("User", "nickname")}


@pytest.mark.parametrize(("model", "value"), [("CountryCode", "DE"), ("CurrencyCode", "EUR"), ("RuleNature", "AML")])
def test_data_that_contradicts_the_schemas_is_named(model: str, value: str) -> None:
    """A value of fixtures/variants that its enum does not have stops the first draw, with file and value."""
    changed = Contract()
    changed.models.raw[model]["enum"].remove(value)
    with pytest.raises(ContractError, match=rf"fixtures/variants/.*{value} is none of {model}"):
        Variants(changed).user("consumer", 0, 0)


def test_enums_come_from_the_schema() -> None:
    """Every value whose model is an enum is one of it, and of one that was drawn often every value occurs."""
    seen: dict[str, Counter[Any]] = {}
    raw = contract().models.raw
    for place in everywhere():
        for schema in place.declared:
            name = str(schema.get("items", schema).get("$ref", "")).removesuffix(".json")
            if "enum" in raw.get(name, EMPTY):
                values = place.value if isinstance(place.value, list) else [place.value]
                assert set(values) <= set(raw[name]["enum"]), (place.pointer, values)
                seen.setdefault(name, Counter()).update(values)
    often = {name: drawn for name, drawn in seen.items() if drawn.total() > 25 * len(raw[name]["enum"])}
    often.pop("CountryCode", None)  # of these only those of the profiles
    often.pop("CurrencyCode", None)
    assert len(often) > 15
    assert {name: set(drawn) for name, drawn in often.items()} == {name: set(raw[name]["enum"]) for name in often}


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
    bodies = [body for operation_id in OPERATIONS for body in drawn(operation_id)]
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
    for body in (*drawn(OPERATIONS[3]), *drawn(OPERATIONS[7])):
        assert EARLIEST <= body["timestamp"] <= LATEST
    assert births > 200


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a JSON value."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(part)


@pytest.mark.parametrize(("model", "earlier", "later"), ORDERED)
def test_pairs_are_in_order(model: str, earlier: str, later: str) -> None:
    """Of two values that belong together the one that must be less is not more."""
    pairs = [(one[earlier], one[later]) for one in holders(model) if earlier in one and later in one]
    assert pairs
    assert all(first <= second for first, second in pairs)


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_results_agree(operation_id: str) -> None:
    """What hit was executed, as a hit and in the same words, is no shadow hit, and the scores are of their levels."""
    scores = contract().risk_scores
    counts: Counter[int] = Counter()
    for body in drawn(operation_id):
        executed = {rule["ruleInstanceId"]: rule for rule in body["executedRules"]}
        assert len(executed) == len(body["executedRules"]) > 0
        hits = [rule["ruleInstanceId"] for rule in body["hitRules"]]
        assert hits == [key for key, rule in executed.items() if rule["ruleHit"]]
        for rule in body["hitRules"]:
            twin = executed[rule["ruleInstanceId"]]
            assert all(twin.get(name, value) == value for name, value in rule.items())
            assert not rule.get("isShadow")
        risk = body["riskScoreDetails"]
        for kind in ("cra", "kyc"):
            level, score = risk.get(f"{kind}RiskLevel"), risk.get(f"{kind}RiskScore")
            assert level is None or score is None or scores[level] == score
        for ours, theirs in (("riskLevel", "craRiskLevel"), ("kycRiskLevel", "kycRiskLevel")):
            assert ours not in body or body[ours] == risk.get(theirs, body[ours])
        if "craRiskScore" in risk:
            assert bool(hits) == (risk["craRiskScore"] >= 50)
        counts[len(hits)] += 1
    assert len(counts) > 1


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


def test_faker_waits_for_its_first_use() -> None:
    """Making the maker imports no Faker, and a draw imports the locales that it needs alone."""
    code = (
        "import sys; from mockserver.contract import Contract; from mockserver.world.variants import Variants\n"
        "maker = Variants(Contract()); assert 'faker' not in sys.modules\n"
        "maker.user('consumer', 0, 0); assert 'faker' in sys.modules\n"
        "people = [name for name in sys.modules if name.startswith('faker.providers.person.')]\n"
        "assert 0 < len(people) < 6, people"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT, env=environment
    )
    assert done.returncode == 0, done.stderr
