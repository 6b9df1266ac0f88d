"""The data of generated bodies, `fixtures/variants/*.json`: countries, short texts, rules; read and checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from mockserver.contract import Contract
from mockserver.contract.source import read_json
from mockserver.errors import ContractError

_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BANK = "BBBB"


@dataclass(frozen=True)
class City:
    """A city and what belongs to it; `postcode` is a pattern, the position is in degrees."""

    name: str
    state: str
    postcode: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Country:
    """What fits together in one country. `bban` is the pattern of an IBAN's national part, None where there is none."""

    code: str
    name: str
    locale: str
    language: str
    currency: str
    scale: float  # by how much amounts of money are larger than in euros
    phone: str
    bban: str | None
    address: str
    methods: tuple[str, ...]
    legal_forms: tuple[str, ...]
    timezone: str
    registration: str
    cities: tuple[City, ...]


class Library:
    """Everything that generated bodies draw from besides Faker: the data files and the enums of the schemas.

    Raises ContractError naming the file when a value that must be one of a schema's enum is not.
    """

    def __init__(self, contract: Contract) -> None:
        folder = contract.fixtures / "variants"
        self.enums: Mapping[str, tuple[Any, ...]] = {
            name: tuple(schema["enum"]) for name, schema in contract.models.raw.items() if "enum" in schema
        }
        self.words: Mapping[str, Any] = read_json(folder / "words.json")
        self.countries = tuple(_country(entry) for entry in read_json(folder / "countries.json")["countries"])
        self.rules: tuple[Mapping[str, Any], ...] = tuple(read_json(folder / "rules.json")["rules"])
        self.scores = contract.risk_scores
        for country in self.countries:
            self._among("countries.json", "CountryCode", country.code)
            self._among("countries.json", "CurrencyCode", country.currency)
            for method in country.methods:
                self._among("countries.json", "PaymentMethod", method)
        for rule in self.rules:
            self._among("rules.json", "RuleNature", rule["nature"])
            for label in rule["labels"]:
                self._among("rules.json", "RuleLabels", label)

    def _among(self, file: str, model: str, value: str) -> None:
        if value not in self.enums[model]:
            raise ContractError(f"fixtures/variants/{file}: {value} is none of {model}")


def _country(entry: Mapping[str, Any]) -> Country:
    return Country(
        code=entry["code"],
        name=entry["name"],
        locale=entry["locale"],
        language=entry["language"],
        currency=entry["currency"],
        scale=entry["amountScale"],
        phone=entry["phone"],
        bban=entry["bban"],
        address=entry["address"],
        methods=tuple(entry["methods"]),
        legal_forms=tuple(entry["legalForms"]),
        timezone=entry["timezone"],
        registration=entry["registration"],
        cities=tuple(City(**city) for city in entry["cities"]),
    )


def fill(pattern: str, chance: Random, bank: str = "") -> str:
    """A pattern with each # as a digit, each ? as a capital letter and BBBB as the bank's letters."""
    if bank:
        pattern = pattern.replace(_BANK, bank)
    draw = chance.random
    return "".join(
        _DIGITS[int(draw() * 10)] if char == "#" else _LETTERS[int(draw() * 26)] if char == "?" else char
        for char in pattern
    )
