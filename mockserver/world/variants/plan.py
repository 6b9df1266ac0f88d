"""The contract's schemas, compiled into functions that draw a value: required properties always, others by chance.

A plan is made once a schema. Rules by name (values.py) and values that agree (groups.py, results.py) are looked up
while it is made; at a draw only chance is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

from mockserver.contract.models import Models, Schema
from mockserver.world.variants.groups import GROUPS, Group
from mockserver.world.variants.payments import PAYMENT_GROUPS, PAYMENT_NAMES, PAYMENT_PLACES
from mockserver.world.variants.results import HOLDERS, RESULT_GROUPS, WHOLE, status
from mockserver.world.variants.scene import Scene
from mockserver.world.variants.values import ABSENT, BY_MODEL, BY_NAME, BY_PLACE, RARELY, Rule, often

_GROUPS: Mapping[str, Group] = {**GROUPS, **PAYMENT_GROUPS, **RESULT_GROUPS}
_PLACES: Mapping[tuple[str, str], Rule] = {**BY_PLACE, **PAYMENT_PLACES}
_MODELS: Mapping[str, Rule] = {**BY_MODEL, "RuleAction": status}
_NAMES: Mapping[str, Rule] = {**BY_NAME, **PAYMENT_NAMES}
# How likely an optional property is, by depth; deeper than this none is, so that a draw ends whatever the schemas.
_LIKELY = (0.6, 0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4)
# By name, where that is not how users look: without these a body says little, with those it is mostly extras.
_LIKELY_BY_NAME = {
    **dict.fromkeys(
        (
            "userDetails", "name", "lastName", "dateOfBirth", "countryOfResidence", "countryOfNationality", "gender",
            "contactDetails", "emailIds", "addresses", "city", "country", "postcode", "legalName", "IBAN",
            "companyRegistrationDetails", "registrationIdentifier", "registrationCountry", "userStateDetails",
            "kycStatusDetails", "status", "kycRiskScore", "kycRiskLevel", "craRiskScore", "craRiskLevel",
            "documentIssuedCountry", "documentIssuedDate", "documentExpirationDate", "ruleId", "isShadow", "labels",
            "month", "year", "updatedConsumerUserAttributes", "updatedBusinessUserAttributes", "originUserId",
            "destinationUserId", "originAmountDetails", "destinationAmountDetails", "originPaymentDetails",
            "destinationPaymentDetails", "blockchainRisk", "subject", "risks", "exposure", "trsScore", "trsRiskLevel",
        ),
        0.9,
    ),
    **dict.fromkeys(
        (
            "alias", "attachments", "corporateEntities", "faxNumbers", "fatherName", "jointEntity", "middleName",
            "newUserId", "paymentMethodLimits", "secondaryCountryOfNationality", "secondaryCountryOfTaxResidence",
            "secondaryRegistrationCountry", "secondaryTaxIdentifications", "tags", "websites", "metadata",
            "corporateEntity", "relatedTransactionIds",
        ),
        0.2,
    ),
}  # fmt: skip
_OWN = ("key", "filename")  # of one list no two items share these
_MOST_ITEMS = 3
_ANOTHER = {
    "shareHolders", "directors", "associatedParties", "businessPartners", "corporateEntities",
    "authorizedRepresentative",
}  # fmt: skip
# Properties that are of another place, or of the other side.
_MOVED: Mapping[str, Callable[[Scene], Scene]] = {
    "bankAddress": Scene.elsewhere,
    **dict.fromkeys(
        ("destinationAmountDetails", "destinationPaymentDetails", "destinationDeviceData"), attrgetter("receiver")
    ),
}

# A schema, and whether its properties may appear: what a profile adds only bounds what the models declare.
Part = tuple[Schema, bool]


class Plan:
    """Compiles schemas; `unruled` collects the (model, name) of what was drawn by its type alone."""

    def __init__(self, models: Models, results: Collection[str]) -> None:
        self._models = models
        self._results = results  # a whole body always has those of them that it may have
        self._known: dict[tuple[object, ...], Rule] = {}
        self.unruled: set[tuple[str, str]] = set()

    def compile(self, schema: Schema, constraints: Sequence[Schema] = ()) -> Rule:
        """The drawing function of a schema of the contract whose bodies must satisfy the constraints, too."""
        return self._value([(schema, True), *((part, False) for part in constraints)], 0, "", "")

    def _flat(self, parts: Sequence[Part]) -> Iterator[Part]:
        """The parts without references: what `$ref`, `allOf` and `x-strict` stand for."""
        for schema, declares in parts:
            if "x-strict" in schema:
                yield from self._flat([(schema["x-strict"], declares)])
            if "$ref" in schema:
                yield from self._flat([(self._models.follow(schema), declares)])
            yield from self._flat([(part, declares) for part in schema.get("allOf", ())])
            yield schema, declares

    def _value(self, parts: Sequence[Part], depth: int, title: str, name: str) -> Rule:
        flat = list(self._flat(parts))
        for schema, declares in flat:
            if declares and ("discriminator" in schema or "anyOf" in schema):
                return self._union(schema, depth, title, name)
        if any("properties" in schema for schema, _ in flat):
            memo = (depth, _MOVED.get(name), *((id(schema), declares) for schema, declares in flat))
            if memo not in self._known:
                drawn = self._object(flat, depth)
                self._known[memo] = _moved(drawn, _MOVED[name]) if name in _MOVED else drawn
            return self._known[memo]
        items = [(schema["items"], declares) for schema, declares in flat if "items" in schema]
        if items:
            least = max((schema.get("minItems", 1) for schema, _ in flat), default=1)
            most = min((schema.get("maxItems", _MOST_ITEMS) for schema, _ in flat), default=_MOST_ITEMS)
            return _array(self._value(items, depth, title, name), name, least, max(least, most))
        return self._leaf([schema for schema, _ in flat], title, name)

    def _union(self, schema: Schema, depth: int, title: str, name: str) -> Rule:
        if "discriminator" not in schema:
            members = [self._value([(member, True)], depth, title, name) for member in schema["anyOf"]]
            first, others = members[0], members[1:] or members
            return lambda scene: (first if scene.likely(0.75) else scene.pick(others))(scene)
        key = schema["discriminator"]["propertyName"]
        by_constant: dict[Any, Rule] = {}
        for member in schema["oneOf"]:
            for part, _ in self._flat([(member, True)]):
                constant = part.get("properties", {}).get(key, {}).get("const")
                if constant is not None:
                    by_constant[constant] = self._value([(member, True)], depth, title, name)

        def draw(scene: Scene) -> Any:
            fitting = [method for method in scene.country.methods if method in by_constant]
            return by_constant[scene.pick(fitting or tuple(by_constant))](scene)

        return draw

    def _object(self, flat: Sequence[Part], depth: int) -> Rule:
        titles = [schema["title"] for schema, _ in flat if "title" in schema]
        required = {name for schema, _ in flat for name in schema.get("required", ())}
        declared: dict[str, list[Part]] = {}
        for schema, declares in flat:
            for name, part in schema.get("properties", {}).items():
                if declares or name in declared:
                    declared.setdefault(name, []).append((part, declares))
        if depth == 0:
            required |= {name for name in self._results if name in declared}
        title = titles[-1] if titles else ""
        likely = _LIKELY[depth] if depth < len(_LIKELY) else 0.0
        properties = []
        for name, parts in declared.items():
            if name in required or likely:
                threshold = 1.0 if name in required else _LIKELY_BY_NAME.get(name, likely) if likely else 0.0
                properties.append((name, threshold, self._value(parts, depth + 1, title, name)))
        group = next((_GROUPS[name] for name in titles if name in _GROUPS), None)
        holder = next((HOLDERS[name] for name in titles if name in HOLDERS), None)
        return _drawn_object(properties, group, holder)

    def _leaf(self, flat: Sequence[Schema], title: str, name: str) -> Rule:
        models = [schema["title"] for schema in flat if "title" in schema]
        if (title, name) in _PLACES:
            return _PLACES[title, name]
        for model in models:
            if model in _MODELS:
                return _MODELS[model]
        if name in _NAMES:
            return _NAMES[name]
        for schema in flat:
            if "const" in schema:
                return _one_of((schema["const"],))
            if "enum" in schema:
                return _one_of(tuple(schema["enum"]))
        return self._unknown(flat, title, name)

    def _unknown(self, flat: Sequence[Schema], title: str, name: str) -> Rule:
        """By the type alone: of a string a short word, of a number a small one within the bounds."""
        kind = next((schema["type"] for schema in flat if "type" in schema), "object")
        if kind == "boolean":
            return often(RARELY)
        least = int(max((schema["minimum"] for schema in flat if "minimum" in schema), default=0))
        most = int(min((schema["maximum"] for schema in flat if "maximum" in schema), default=least + 100))

        def draw(scene: Scene) -> Any:  # not asked where a group gives the value
            self.unruled.add((title, name))
            if kind in ("number", "integer"):
                return scene.whole(least, most)
            return scene.word("fallback") if kind == "string" else {}

        return draw


def _one_of(choices: tuple[Any, ...]) -> Rule:
    return lambda scene: scene.pick(choices)


def _array(item: Rule, name: str, least: int, most: int) -> Rule:
    """A list of 1 to 3 different items, as far as the bounds of the schema let it."""
    if name in WHOLE:
        whole = WHOLE[name]
        return lambda scene: whole(scene, item)
    another, several_places = name in _ANOTHER, name == "addresses"

    def draw(scene: Scene) -> Any:
        drawn: list[Any] = []
        for number in range(scene.whole(least, most)):
            subject = scene.another() if another else scene.elsewhere() if several_places and number else scene
            value = item(subject)
            if value is ABSENT or value == {}:
                continue
            if len(drawn) < least or not any(_same(value, other) for other in drawn):
                drawn.append(value)
        return drawn or ABSENT

    return draw


def _same(one: Any, other: Any) -> bool:
    """Whether two items of a list are one too many."""
    if isinstance(one, dict):
        for name in _OWN:
            if name in one:
                return bool(one[name] == other.get(name))
    return bool(one == other)


def _moved(item: Rule, where: Callable[[Scene], Scene]) -> Rule:
    return lambda scene: item(where(scene))


def _drawn_object(properties: Sequence[tuple[str, float, Rule]], group: Group | None, holder: str | None) -> Rule:
    def draw(scene: Scene) -> Any:
        if holder is not None:
            scene.holder = holder
        chance = scene.random
        given = group(scene) if group is not None else {}
        drawn: dict[str, Any] = {}
        for name, likely, rule in properties:
            if likely >= 1.0 or chance() < likely:
                value = given[name] if name in given else rule(scene)
                if value is not ABSENT and (likely >= 1.0 or value != {}):
                    drawn[name] = value
        return drawn

    return draw
