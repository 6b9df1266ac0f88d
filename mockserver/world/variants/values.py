"""Plausible values by property name: what a property holds that nothing else of its object depends on.

A rule is found by (model, name), then by the model of the value, then by name alone; without one a value of an enum
is any of the schema's. What must agree with its neighbours stands in groups.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockserver.world.variants.data import fill
from mockserver.world.variants.numbers import routing_number
from mockserver.world.variants.scene import COMPANY, DAY, PERSON, Scene, handle, iso

Rule = Callable[[Scene], Any]


class Absent:
    """The type of ABSENT."""


ABSENT = Absent()  # as a value: this optional property is left out here


def pattern(text: str) -> Rule:
    """A rule for identifiers: # is a digit, ? a capital letter."""
    return lambda scene: fill(text, scene.chance)


def key(prefix: str, digits: int = 12) -> Rule:
    """A rule for made-up ids: the prefix and hexadecimal digits."""
    return lambda scene: f"{prefix}{scene.hex(digits)}"


def word(kind: str) -> Rule:
    """A rule for an entry of words.json."""
    return lambda scene: scene.word(kind)


def share(most: float = 1.0, digits: int = 2) -> Rule:
    """A rule for a number from 0 to `most`."""
    return lambda scene: round(scene.random() * most, digits)


def after(first: float, last: float) -> Rule:
    """A rule for an instant between so many days after the user's creation, in epoch milliseconds."""
    return lambda scene: scene.body.created + int((first + scene.random() * (last - first)) * DAY)


def often(probability: float) -> Rule:
    """A rule for true or false."""
    return lambda scene: scene.random() < probability


def amount(scene: Scene) -> float:
    """An amount of money in the country's own money, in major units."""
    return round(scene.country.scale * (10 + scene.random() ** 3 * 20_000), 2)


def _day_after(first: int, last: int) -> Rule:
    return lambda scene: iso(scene.created_day + scene.whole(first, last))


def _birth(scene: Scene) -> Any:
    return iso(scene.person.birth) if scene.holder == PERSON else ABSENT


def _domestic(scene: Scene) -> str:
    return scene.country.code


def _abroad(scene: Scene) -> str:
    return scene.abroad().code


def _mostly_home(scene: Scene) -> str:
    return scene.country.code if scene.likely(0.6) else scene.abroad().code


def _mostly_own_money(scene: Scene) -> str:
    return scene.country.currency if scene.likely(0.6) else scene.abroad().currency


def _occupation(scene: Scene) -> Any:
    return scene.body.voice(scene.country).job() if scene.works else ABSENT


def _alias(scene: Scene) -> str:
    return f"{scene.person.first} {scene.person.last[:1]}." if scene.likely(0.5) else scene.person.middle


def _company_alias(scene: Scene) -> str:
    return f"{scene.company.name.split()[0]} {scene.word('aliases')}"


def _website(scene: Scene) -> str:
    return f"https://www.example.com/{handle(scene.name)}"


def _ip_address(scene: Scene) -> str:
    return f"{scene.pick(('192.0.2', '198.51.100', '203.0.113'))}.{scene.whole(1, 254)}"  # RFC 5737


def _payment_method(scene: Scene) -> str:
    return scene.pick(scene.country.methods)


def _custom(scene: Scene) -> dict[str, Any]:
    return {name: scene.pick(values) for name, values in scene.words["customs"] if scene.likely(0.5)}


def _counterparty(scene: Scene) -> Any:
    values = scene.library.enums["CounterpartyType"]
    wanted = "LEGAL_ENTITY" if scene.holder == COMPANY else "INDIVIDUAL"
    return wanted if wanted in values else scene.pick(values)


def _working(scene: Scene) -> str:
    return str(scene.company.industry["name"])


def _product(scene: Scene) -> str:
    return str(scene.pick(scene.company.industry["products"]))


# By the model that the value is of.
BY_MODEL: Mapping[str, Rule] = {
    "CountryCode": _domestic,
    "CurrencyCode": lambda scene: scene.country.currency,
    "CounterpartyType": _counterparty,
    "EmploymentStatus": lambda scene: scene.employment,
    "PaymentMethod": _payment_method,
}

# By the model that has the property, and its name.
BY_PLACE: Mapping[tuple[str, str], Rule] = {
    ("Amount", "amountValue"): amount,
    ("CompanyGeneralDetails", "alias"): _company_alias,
    ("CompanyGeneralDetails", "operatingCountries"): _mostly_home,
    ("CompanyRegistrationDetails", "secondaryRegistrationCountry"): _abroad,
    ("ExpectedTransactionCountry", "countryCode"): _mostly_home,
    ("ExpectedTransactionCurrency", "currencyCode"): _mostly_own_money,
    ("TaxIdentification", "country"): _abroad,
    ("UserDetails", "alias"): _alias,
    ("UserDetails", "secondaryCountryOfNationality"): _abroad,
    ("UserDetails", "secondaryCountryOfTaxResidence"): _abroad,
    ("CompanyGeneralDetails", "businessIndustry"): _working,
    ("Person", "userId"): lambda scene: scene.person.id,
    ("PersonWithRole", "userId"): lambda scene: scene.person.id,
    ("PersonAttachment", "tags"): lambda scene: scene.pick(scene.word("tags")[1]),
    ("PersonAttachment", "id"): key("file-"),
    ("ExecutedLogicVars", "value"): lambda scene: {"count": scene.whole(0, 20)} if scene.likely(0.7) else {},
    ("ListMatchedEntity", "settings"): lambda scene: {"fuzziness": scene.whole(0, 20)},
    ("ListMatchedEntity", "value"): lambda scene: scene.name,
    ("SanctionsDetails", "name"): lambda scene: scene.name,
}

# By name alone. Of a list, the rule makes one item.
BY_NAME: Mapping[str, Rule] = {
    # the user and its times
    "userId": lambda scene: scene.user_id,
    "newUserId": key("user-"),
    "parentUserId": key("parent-"),
    "eventId": key("event-"),
    "createdTimestamp": lambda scene: scene.body.created,
    "activatedTimestamp": lambda scene: scene.body.activated,
    "timestamp": lambda scene: scene.body.moment,
    "eoddDate": after(365, 1095),
    "reason": word("reasons"),
    "eventDescription": lambda scene: f"{scene.word('reasons')} by {scene.pick(('the customer', 'the back office'))}",
    "message": word("messages"),
    "riskLevel": lambda scene: scene.body.cra,
    "kycRiskLevel": lambda scene: scene.body.kyc,
    "occupation": _occupation,
    "jurisdiction": lambda scene: scene.country.name,
    "reasonForAccountOpening": word("openingReasons"),
    "sanctionsStatus": often(0.03),
    "adverseMediaStatus": often(0.03),
    "externalLinks": lambda scene: f"https://example.com/cases/{scene.hex(8)}",
    "customObject": _custom,
    "productName": word("products"),
    "role": word("roles"),
    "comment": word("comments"),
    # persons and companies
    "dateOfBirth": _birth,
    "userCategory": word("categories"),
    "emailIds": lambda scene: scene.email,
    "emailId": lambda scene: scene.email,
    "contactNumbers": lambda scene: scene.phone,
    "contactNumber": lambda scene: scene.phone,
    "faxNumbers": lambda scene: scene.phone,
    "phoneNumber": lambda scene: scene.phone,
    "walletPhoneNumber": lambda scene: scene.phone,
    "websites": _website,
    "addressType": word("addressTypes"),
    "legalName": lambda scene: scene.company.name,
    "secondaryBusinessIndustry": lambda scene: scene.word("industries")["name"],
    "mainProductsServicesSold": _product,
    "employmentSector": word("sectors"),
    "registrationIdentifier": lambda scene: scene.fill(scene.country.registration),
    "legalEntityType": lambda scene: scene.company.form,
    "dateOfRegistration": lambda scene: iso(scene.company.registered),
    "taxIdentifier": lambda scene: scene.country.code + scene.fill("#########"),
    "taxId": pattern("##########"),
    "declarationDate": _day_after(-360, -1),
    # payment
    "name": lambda scene: scene.name,
    "beneficiaryName": lambda scene: scene.name,
    "jointEntity": lambda scene: scene.another().person.name,
    "bankName": lambda scene: scene.bank[0],
    "BIC": lambda scene: scene.bank[1],
    "swiftCode": lambda scene: scene.bank[1],
    "IBAN": lambda scene: scene.iban or ABSENT,
    "bankCode": pattern("########"),
    "bankBranchCode": pattern("####"),
    "accountNumber": pattern("##########"),
    "accountType": word("accountTypes"),
    "routingNumber": lambda scene: routing_number(scene.chance),
    "transitNumber": pattern("#####"),
    "specialInstructions": word("instructions"),
    "paymentChannel": word("paymentChannels"),
    "cardFingerprint": key("", 16),
    "transactionReferenceField": pattern("REF-########"),
    "cardLast4Digits": pattern("####"),
    "3dsDone": often(0.7),
    "cardAuthenticated": often(0.8),
    "cardTokenized": often(0.5),
    "cardPresent": often(0.3),
    "networkProviderRiskScore": share(100, 1),
    "identifier": pattern("CASH-########"),
    "checkNumber": pattern("######"),
    "checkIdentifier": pattern("CHK-########"),
    "etaTimestamp": after(1, 10),
    "businessShortCode": pattern("17####"),
    "walletType": word("walletTypes"),
    "walletId": key("wallet-"),
    "transactionHash": key("0x", 64),
    "bsb": pattern("###-###"),
    "payId": lambda scene: scene.email,
    "endToEndId": pattern("E2E########"),
    "oskoReference": word("instructions"),
    "payIdReference": word("instructions"),
    "isInstant": often(0.6),
    "remittanceInformation": word("instructions"),
    "remittanceAdvice": pattern("Invoice ######"),
    "referenceNumber": pattern("############"),
    "traceNumber": pattern("######"),
    "messageFormat": word("messageFormats"),
    # devices
    "batteryLevel": lambda scene: scene.whole(3, 100),
    "ipAddress": _ip_address,
    "deviceIdentifier": key("device-", 16),
    "appVersion": pattern("4.#.#"),
    "deviceIntelligenceSealedResult": key("", 32),
    "confidence": share(),
    "privacySettings": often(0.3),
    "suspectScore": lambda scene: scene.whole(0, 20),
    "requestId": key("request-"),
    "virtualMachineConfidenceScore": share(),
    "factoryResetTimestamp": lambda scene: 0 if scene.likely(0.7) else after(-700, -1)(scene),
    "rareDevicePercentileBucket": word("buckets"),
    "proxyConfidence": word("confidences"),
    "proxyConfidenceScore": share(),
    "tamperingConfidence": word("confidences"),
    "tamperingConfidenceScore": share(),
    # rules and screening
    "isOngoingScreeningHit": often(0.2),
    "listId": key("list-", 8),
    "matchedKey": lambda scene: scene.pick(("name", "alias", "country")),
    "searchId": key("search-"),
    "requestHash": key("", 32),
    "sanctionHitIds": key("hit-", 8),
    "isRuleHit": often(0.9),
    "transactionId": lambda scene: scene.body.transaction_id,
    "searchTerm": lambda scene: scene.name,
    "paymentMethodId": key("payment-"),
    "yearOfBirth": lambda scene: int(iso(scene.person.birth)[:4]) if scene.holder == PERSON else ABSENT,
    "iban": lambda scene: scene.iban or ABSENT,
}
RARELY = 0.06  # how often a true or false without a rule is true: most are signs of an attack
