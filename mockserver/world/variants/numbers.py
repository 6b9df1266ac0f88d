"""Numbers that check: IBAN (ISO 13616, mod 97), card number (Luhn is not shown, prefixes are), routing number (ABA)."""

from __future__ import annotations

from random import Random

from mockserver.world.variants.data import Country, fill

# First digits by the vendor's card brands (ISO/IEC 7812); a brand that is not here gets digits no network has.
_PREFIXES = {
    "VISA": ("4",),
    "MASTERCARD": ("51", "52", "53", "54", "55"),
    "AMERICAN_EXPRESS": ("34", "37"),
    "DISCOVER": ("6011", "65"),
    "UNIONPAY": ("62",),
    "RUPAY": ("60", "82"),
    "JCB": ("3528", "3589"),
    "DINERS_CLUB": ("36", "38"),
}
_NO_NETWORK = ("99",)
_ROUTING_WEIGHTS = (3, 7, 1, 3, 7, 1, 3, 7)


def check_digits(country: str, bban: str) -> str:
    """The two check digits of an IBAN with this national part."""
    digits = "".join(str(int(char, 36)) for char in f"{bban}{country}00")
    return f"{98 - int(digits) % 97:02d}"


def iban(country: Country, bank: str, chance: Random) -> str:
    """An IBAN of the country without spaces; `bank` are the four letters some countries put in it.

    A country without IBANs has none: the caller asks only where `country.bban` is set.
    """
    bban = fill(country.bban or "", chance, bank)
    return f"{country.code}{check_digits(country.code, bban)}{bban}"


def card_prefix(brand: str, chance: Random) -> str:
    """The first six digits of a card of the brand."""
    prefixes = _PREFIXES.get(brand, _NO_NETWORK)
    start = prefixes[int(chance.random() * len(prefixes))]
    return start + fill("#" * (6 - len(start)), chance)


def routing_number(chance: Random) -> str:
    """Nine digits that satisfy the checksum of the American Bankers Association."""
    digits = fill("0########"[:8], chance)
    total = sum(weight * int(digit) for weight, digit in zip(_ROUTING_WEIGHTS, digits, strict=True))
    return f"{digits}{-total % 10}"
