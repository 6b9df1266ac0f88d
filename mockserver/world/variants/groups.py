"""Values that must agree with their neighbours, by model: drawn together, before their object is.

Each function gives values of some of its model's properties; which of the optional ones appear is decided by whoever
walks the schema. ABSENT leaves a property out that does not fit here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockserver.world.variants.numbers import card_prefix
from mockserver.world.variants.scene import DAY, YEAR, Scene, handle, iso
from mockserver.world.variants.values import ABSENT, amount

Group = Callable[[Scene], Mapping[str, Any]]
_PERIODS = (("daily", 1 / 365), ("weekly", 1 / 52), ("monthly", 1 / 12), ("quarterly", 1 / 4), ("yearly", 1.0))
# How much more than a day's limit the limits of longer spans are.
_SPANS = {"day": 1, "week": 4, "month": 12, "year": 100}
_LIMITS = {"": 0.5, "Daily": 1, "Weekly": 4, "Monthly": 12, "Quarterly": 30, "Yearly": 100}


def _money(scene: Scene, value: float) -> dict[str, Any]:
    return {"amountValue": round(value, 2), "amountCurrency": scene.country.currency}


def _base(scene: Scene) -> float:
    """A round sum that limits are multiples of, in the country's money."""
    return scene.country.scale * 100 * scene.whole(2, 50)


def _name(scene: Scene) -> Mapping[str, Any]:
    person = scene.person
    return {
        "firstName": person.first,
        "middleName": person.middle,
        "fatherName": person.father,
        "lastName": person.last,
    }


def _address(scene: Scene) -> Mapping[str, Any]:
    return {**scene.home, "addressLines": list(scene.home["addressLines"])}


def _birth_place(scene: Scene) -> Mapping[str, Any]:
    city = scene.pick(scene.country.cities)
    return {"city": city.name, "state": city.state, "country": scene.country.code}


def _user_details(scene: Scene) -> Mapping[str, Any]:
    return {"dateOfBirth": iso(scene.person.birth), "gender": scene.person.gender}


def _document(scene: Scene) -> Mapping[str, Any]:
    """A document issued before the user was created, and valid then."""
    kind, pattern = scene.word("legalDocuments")
    of_age = scene.person.birth + 16 * YEAR
    issued = scene.whole(max(of_age, scene.created_day - 9 * YEAR), scene.created_day - 1)
    return {
        "documentType": kind,
        "documentNumber": scene.fill(pattern),
        "documentIssuedDate": issued * DAY,
        "documentExpirationDate": (issued + 10 * YEAR) * DAY,
        "documentIssuedState": scene.pick(scene.country.cities).state,
    }


def _status(model: str, name: str, reasons: str) -> Group:
    def group(scene: Scene) -> Mapping[str, Any]:
        value = scene.enum(model)
        return {name: value, "reason": scene.pick(scene.words[reasons].get(value) or scene.words["reasons"])}

    return group


def _income(scene: Scene) -> Mapping[str, Any]:
    year = scene.country.scale * 1000 * scene.whole(12, 150)
    return {f"{period}ExpectedIncome": _money(scene, year * part) for period, part in _PERIODS}


def _limits(scene: Scene) -> Mapping[str, Any]:
    base = _base(scene)
    return {f"maximum{span}TransactionLimit": _money(scene, base * factor) for span, factor in _LIMITS.items()}


def _amount_limit(scene: Scene) -> Mapping[str, Any]:
    base = _base(scene)
    return {span: _money(scene, base * factor) for span, factor in _SPANS.items()}


def _count_limit(scene: Scene) -> Mapping[str, Any]:
    base = scene.whole(1, 10)
    return {span: base * factor for span, factor in _SPANS.items()}


def _method_limits(scene: Scene) -> Mapping[str, Any]:
    return {name: ABSENT for name in scene.library.enums["PaymentMethod"] if name not in scene.country.methods}


def _turnover(scene: Scene) -> Mapping[str, Any]:
    month = scene.country.scale * 1000 * scene.whole(5, 900)
    return {
        "expectedTurnoverPerMonth": _money(scene, month),
        "expectedTransactionAmountPerMonth": _money(scene, month * (0.4 + 0.5 * scene.random())),
    }


def _card(scene: Scene) -> Mapping[str, Any]:
    brand = scene.enum("CardBrand")
    return {"cardBrand": brand, "cardFirst6Digits": card_prefix(brand, scene.chance)}


def _expiry(scene: Scene) -> Mapping[str, Any]:
    """Later than anything that the body speaks of."""
    year = int(iso(scene.created_day)[:4]) + scene.whole(2, 6)
    return {"month": scene.whole(1, 12), "year": year}


def _merchant(scene: Scene) -> Mapping[str, Any]:
    other = scene.another()
    city, industry = other.city, other.company.industry
    return {
        "id": f"merchant-{scene.hex(8)}",
        "name": other.company.name,
        "category": industry["name"],
        "MCC": f"{industry['mcc']:04d}",
        "city": city.name,
        "country": other.country.code,
        "state": city.state,
        "postCode": other.home["postcode"],
    }


def _correspondent(scene: Scene) -> Mapping[str, Any]:
    name, bic = scene.elsewhere().bank
    return {"bankName": name, "swiftCode": bic}


def _upi(scene: Scene) -> Mapping[str, Any]:
    name, suffix = scene.word("upiProviders")
    return {"upiID": f"{handle(scene.name)}@{suffix}", "bankProvider": scene.bank[0], "interfaceProvider": name}


def _npp(scene: Scene) -> Mapping[str, Any]:
    processed = scene.body.created + int(scene.random() * 30 * DAY)
    return {"processingDate": processed, "settlementDate": processed + scene.whole(1, 3) * DAY}


def _mcc(scene: Scene) -> Mapping[str, Any]:
    industry = scene.company.industry
    return {"code": industry["mcc"], "description": industry["mccText"]}


def _employment(scene: Scene) -> Mapping[str, Any]:
    if not scene.works:
        return {"employmentSector": ABSENT, "employerName": ABSENT, "businessIndustry": ABSENT}
    return {"employerName": scene.company.name, "businessIndustry": [scene.company.industry["name"]]}


def _pep(scene: Scene) -> Mapping[str, Any]:
    """All entries of one holder say the same of it."""
    if not scene.pep:
        return {"isPepHit": False, "pepCountry": ABSENT, "pepRank": ABSENT, "category": ABSENT}
    return {
        "isPepHit": True,
        "pepRank": scene.enum("PepRank"),
        "category": scene.word("pepCategories"),
    }


def _tag(scene: Scene) -> Mapping[str, Any]:
    if scene.likely(0.1):
        return {"key": "reviewedAt", "value": str(scene.body.created), "isTimestamp": True}
    name, values = scene.word("tags")
    return {"key": name, "value": scene.pick(values), "isTimestamp": False, "isEditable": scene.likely(0.8)}


def _attachment(scene: Scene) -> Mapping[str, Any]:
    made = scene.body.created + int(scene.random() * 30 * DAY)
    deleted = made + scene.whole(1, 90) * DAY if scene.likely(0.2) else ABSENT
    return {"createdAt": made, "deletedAt": deleted, "userId": scene.user_id}


def _file(scene: Scene) -> Mapping[str, Any]:
    name, summary = scene.word("files")
    place = f"attachments/{scene.hex(8)}/{name}"
    return {
        "filename": name,
        "s3Key": place,
        "bucket": "example-attachments",
        "size": scene.whole(10_000, 3_000_000),
        "downloadLink": f"https://files.example.com/{place}",
        "aiSummary": summary,
    }


def _loan(scene: Scene) -> Mapping[str, Any]:
    opened = scene.created_day + scene.whole(0, 30)
    sum_lent = _base(scene) * 10
    paid_out = round(sum_lent * (0.5 + scene.random() / 2), 2)
    return {
        "openingDate": iso(opened),
        "maturityDate": iso(opened + scene.whole(1, 10) * YEAR),
        "loanAmount": sum_lent,
        "disbursedAmount": paid_out,
        "balance": round(paid_out * scene.random(), 2),
    }


def _account(scene: Scene) -> Mapping[str, Any]:
    return {"openingDate": iso(scene.created_day + scene.whole(0, 30))}


def _device(scene: Scene) -> Mapping[str, Any]:
    maker, model, system = scene.word("devices")
    browser, version = scene.word("browsers")
    vpn, bot = scene.likely(0.15), scene.enum("BotDetectionResult")
    away = scene.abroad()
    counts = [scene.whole(0, 2) for _ in range(9)]
    velocity: dict[str, Any] = {}
    for number, kind in enumerate(("Events", "Ips", "Countries")):
        running = 0
        for step, span in enumerate(("5m", "1h", "24h")):  # the longer span holds the shorter one
            running += counts[3 * number + step]
            velocity[f"velocity{span}{kind}"] = running
    return {
        **velocity,
        "deviceMaker": maker,
        "deviceModel": model,
        "operatingSystem": system,
        "osVersion": str(scene.whole(10, 17)),
        "deviceYear": str(scene.whole(2015, int(iso(scene.created_day)[:4]))),
        "browser": browser,
        "browserVersion": scene.fill(version),
        "deviceLatitude": round(scene.city.latitude + (scene.random() - 0.5) / 10, 4),
        "deviceLongitude": round(scene.city.longitude + (scene.random() - 0.5) / 10, 4),
        "rooted": scene.likely(0.05) if system == "Android" else False,
        "jailbroken": scene.likely(0.05) if system == "iOS" else False,
        "vpnUsed": vpn,
        "vpnConfidence": scene.word("confidences") if vpn else ABSENT,
        "vpnOriginCountry": away.name if vpn else ABSENT,
        "vpnOriginTimezone": away.timezone if vpn else ABSENT,
        "botDetection": bot,
        "botType": scene.word("botTypes") if bot == "bad" else ABSENT,
    }


def _rate(scene: Scene) -> Mapping[str, Any]:
    return {"amountValue": amount(scene), "amountCurrency": scene.country.currency}


GROUPS: Mapping[str, Group] = {
    "AccountProductDetails": _account,
    "Address": _address,
    "Amount": _rate,
    "CardDetails": _card,
    "CardExpiry": _expiry,
    "CardMerchantDetails": _merchant,
    "CompanyFinancialDetails": _turnover,
    "ConsumerName": _name,
    "CorrespondentBankDetails": _correspondent,
    "CorrespondentGenericBankDetails": _correspondent,
    "DeviceData": _device,
    "EmploymentDetails": _employment,
    "ExpectedIncome": _income,
    "FileInfo": _file,
    "KycStatusDetails": _status("KycStatus", "status", "kycReasons"),
    "LegalDocument": _document,
    "LoanProductDetails": _loan,
    "MccDetails": _mcc,
    "NppDetails": _npp,
    "PepStatus": _pep,
    "PersonAttachment": _attachment,
    "PlaceOfBirth": _birth_place,
    "Tag": _tag,
    "TransactionAmountLimit": _amount_limit,
    "TransactionCountLimit": _count_limit,
    "TransactionLimits": _limits,
    "TransactionLimitsPaymentMethodLimits": _method_limits,
    "UpiDetails": _upi,
    "UserDetails": _user_details,
    "UserStateDetails": _status("UserState", "state", "stateReasons"),
    "UserTag": _tag,
}
