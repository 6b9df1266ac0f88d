"""Who a generated body is about: one moment in time, one country, a person and a company that fit it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from random import Random
from typing import Any, TypeVar

from mockserver.world.variants.data import City, Country, Library, fill
from mockserver.world.variants.numbers import iban
from mockserver.world.variants.voices import Voice, Voices

DAY = 86_400_000  # milliseconds
YEAR = 365  # days, where a year is a length of time
PERSON, COMPANY = "person", "company"

_FIRST_CREATED = 1_546_300_800_000  # 2019-01-01T00:00:00Z
_LAST_CREATED = 1_751_328_000_000  # 2025-07-01T00:00:00Z
_EPOCH = date(1970, 1, 1).toordinal()
_ABROAD = 0.15  # how often a related person or company is of another country
_CROSS_BORDER = 0.4  # how often a transaction goes to another country
_IDLE = ("UNEMPLOYED", "STUDENT", "PENSIONER", "NA")
_PLAIN = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "æ": "ae", "Æ": "Ae", "œ": "oe", "đ": "d"})
_NO_HANDLE = re.compile(r"[^a-z0-9]+")
T = TypeVar("T")


@dataclass(frozen=True)
class Person:
    """A natural person; `birth` is in days since 1970."""

    id: str
    first: str
    middle: str
    father: str
    last: str
    gender: str
    birth: int

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


@dataclass(frozen=True)
class Company:
    """A company; `industry` is an entry of words.json, `registered` is in days since 1970."""

    name: str
    form: str
    industry: Mapping[str, Any]
    registered: int


class Body:
    """What one whole body shares: chance, time in epoch milliseconds, risk levels, the user's id, seeded voices."""

    def __init__(self, library: Library, voices: Voices, chance: Random, user_id: str) -> None:
        self.library = library
        self.chance = chance
        self.created = _FIRST_CREATED + int(chance.random() * (_LAST_CREATED - _FIRST_CREATED))
        self.activated = self.created + int(chance.random() * 30 * DAY)
        self.moment = self.activated + 1000 + int(chance.random() * 300 * DAY)  # of an event
        levels = library.enums["RiskLevel"]
        self.cra: str = levels[int(chance.random() * len(levels))]
        self.kyc: str = levels[int(chance.random() * len(levels))]
        self.user_id = user_id
        self.receiver_id = ""  # of a transaction, where it is given
        self._voices = voices
        self._seeded: dict[str, Voice] = {}
        self.cases: list[dict[str, Any]] | None = None  # of results.py: the rules that were executed

    def concern_payment(self, receiver_id: str = "") -> None:
        """Speak of a transaction in place of a user: it is created at once, and its events are within days."""
        self.receiver_id = receiver_id
        self.moment = self.created + (self.moment - self.activated) // 100

    @cached_property
    def euros(self) -> float:
        """How much a transaction is about."""
        return 10 + self.chance.random() ** 3 * 20_000

    @cached_property
    def transaction_id(self) -> str:
        """The transaction that the body is about, or that it speaks of."""
        return f"transaction-{self.chance.getrandbits(48):012x}"

    def voice(self, country: Country) -> Voice:
        """The Faker of a country, seeded for this body."""
        voice = self._seeded.get(country.locale)
        if voice is None:
            voice = self._voices.of(country.locale)
            voice.seed(self.chance.getrandbits(64))
            self._seeded[country.locale] = voice
        return voice


class Scene:
    """One person and one company of one country, and what is drawn for them; made as it is asked for.

    `holder` says which of the two the surrounding object is about.
    """

    def __init__(self, body: Body, country: Country, holder: str, user_id: str) -> None:
        self.body = body
        self.library = body.library
        self.words = body.library.words
        self.chance = body.chance
        self.random = body.chance.random
        self.country = country
        self.holder = holder
        self.user_id = user_id
        self.case: dict[str, Any] = {}  # of results.py: the executed rule that is being drawn

    def pick(self, choices: Sequence[T]) -> T:
        """One of several, each as likely."""
        return choices[int(self.random() * len(choices))]

    def word(self, kind: str) -> Any:
        """One entry of a list of words.json."""
        return self.pick(self.words[kind])

    def enum(self, model: str) -> Any:
        """One value of a model's enum."""
        return self.pick(self.library.enums[model])

    def whole(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return least + int(self.random() * (most - least + 1))

    def fill(self, pattern: str) -> str:
        """A pattern of digits and letters, see data.fill."""
        return fill(pattern, self.chance)

    def hex(self, digits: int = 16) -> str:
        """A made-up key."""
        return f"{self.chance.getrandbits(4 * digits):0{digits}x}"

    def likely(self, probability: float) -> bool:
        """True as often as said."""
        return self.random() < probability

    @property
    def created_day(self) -> int:
        """The day on which the user was created, in days since 1970."""
        return self.body.created // DAY

    @cached_property
    def person(self) -> Person:
        """The person of this scene, of age when the user was created."""
        voice = self.body.voice(self.country)
        genders = self.library.enums["Gender"]
        gender = self.pick([value for value in genders if value in ("M", "F")] or genders)
        if self.likely(0.04):
            gender = self.pick(genders)
        male = gender == "M" or (gender != "F" and self.likely(0.5))
        first = voice.male if male else voice.female
        last = voice.last_male if male else voice.last_female
        identity = self.user_id if self.holder == PERSON else f"person-{self.hex(12)}"
        birth = self.created_day - self.whole(18 * YEAR + 6, 80 * YEAR)
        return Person(identity, first(), first(), voice.male(), last(), gender, birth)

    @cached_property
    def company(self) -> Company:
        """The company of this scene: a made-up name with a legal form of the country."""
        industry = self.word("industries")
        family = self.body.voice(self.country).last_male()
        form = self.pick(self.country.legal_forms)
        return Company(
            f"{family} {industry['trade']} {form}", form, industry, self.created_day - self.whole(YEAR, 40 * YEAR)
        )

    @property
    def name(self) -> str:
        """The name of whom the scene is about."""
        return self.company.name if self.holder == COMPANY else self.person.name

    @property
    def email(self) -> str:
        """An address at a reserved domain (RFC 2606), made of the name."""
        if self.holder == COMPANY:
            return f"{self.pick(('info', 'office', 'accounts'))}@{handle(self.company.name)}.example.com"
        domain = self.pick(("example.com", "example.org", "example.net"))
        return f"{handle(self.person.first)}.{handle(self.person.last)}@{domain}"

    @property
    def phone(self) -> str:
        """A phone number of the country, of a range set aside for fiction where there is one."""
        return self.fill(self.country.phone)

    @cached_property
    def pep(self) -> bool:
        """Whether the holder is politically exposed."""
        return self.likely(0.1)

    @cached_property
    def employment(self) -> str:
        """The person's employment status, any of the schema's."""
        return str(self.enum("EmploymentStatus"))

    @property
    def works(self) -> bool:
        """Whether the person has an occupation and an employer."""
        return self.employment not in _IDLE

    @cached_property
    def city(self) -> City:
        """Where the scene is at home."""
        return self.pick(self.country.cities)

    @cached_property
    def home(self) -> dict[str, Any]:
        """An address of the country, as properties of the model Address."""
        city = self.city
        street = self.body.voice(self.country).street().strip()
        lines = [self.country.address.format(street=street, number=self.whole(1, 180))]
        if self.likely(0.2):
            lines.append(f"Apartment {self.whole(1, 40)}")
        return {
            "addressLines": lines,
            "postcode": self.fill(city.postcode),
            "city": city.name,
            "state": city.state,
            "country": self.country.name,
        }

    @cached_property
    def bank(self) -> tuple[str, str]:
        """The name of the scene's bank, and its BIC (ISO 9362) in the country."""
        name, letters = self.word("banks")
        return name, f"{letters}{self.country.code}{self.fill('??')}XXX"

    @cached_property
    def iban(self) -> str:
        """The scene's IBAN, empty where the country has none."""
        return iban(self.country, self.bank[1][:4], self.chance) if self.country.bban else ""

    def abroad(self) -> Country:
        """Another country than the scene's."""
        others = [country for country in self.library.countries if country is not self.country]
        return self.pick(others)

    def elsewhere(self) -> Scene:
        """The same country, another place."""
        return Scene(self.body, self.country, self.holder, self.user_id)

    @cached_property
    def receiver(self) -> Scene:
        """The other side of a transaction that this scene sends."""
        country = self.abroad() if self.likely(_CROSS_BORDER) else self.country
        holder = self.pick((PERSON, COMPANY))
        return Scene(self.body, country, holder, self.body.receiver_id or f"user-{self.hex(12)}")

    def another(self) -> Scene:
        """Somebody else, mostly of the same country."""
        country = self.abroad() if self.likely(_ABROAD) else self.country
        return Scene(self.body, country, PERSON, f"{PERSON}-{self.hex(12)}")


def handle(text: str) -> str:
    """A name in small ASCII letters and digits, as e-mail addresses and host names have it."""
    plain = unicodedata.normalize("NFKD", text.translate(_PLAIN)).encode("ascii", "ignore").decode().lower()
    return _NO_HANDLE.sub("-", plain).strip("-") or "someone"


def iso(day: int) -> str:
    """A day since 1970 as YYYY-MM-DD."""
    return date.fromordinal(_EPOCH + day).isoformat()
