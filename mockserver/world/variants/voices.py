"""Faker, by country: names, streets and jobs. Imported at first use; one instance a locale, seeded anew for each body.

Faker's clock is never asked: no date comes from it, since its dates depend on today.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_PROVIDERS = ["faker.providers.person", "faker.providers.address", "faker.providers.job"]
Maker = Callable[[], str]


@dataclass(frozen=True)
class Voice:
    """One locale's Faker: `seed` starts its draws, the others give one text each."""

    seed: Callable[[int], None]
    male: Maker
    female: Maker
    last_male: Maker
    last_female: Maker
    street: Maker
    job: Maker


class Voices:
    """The locales that were needed so far."""

    def __init__(self) -> None:
        self._known: dict[str, Voice] = {}

    def of(self, locale: str) -> Voice:
        """The voice of a locale (`de_DE`), made at its first use in some 15 ms."""
        if locale not in self._known:
            from faker import Faker

            faker = Faker(locale, providers=_PROVIDERS, use_weighting=False)
            self._known[locale] = Voice(
                seed=faker.seed_instance,
                male=faker.first_name_male,
                female=faker.first_name_female,
                last_male=faker.last_name_male,
                last_female=faker.last_name_female,
                street=faker.street_name,
                job=faker.job,
            )
        return self._known[locale]
