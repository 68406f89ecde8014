"""Tiers as developers define them: what they may send, checked field by field, before anything is made at Stripe."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from dream.domain.project import ProjectType
from dream.domain.return_urls import return_url_problem
from dream.domain.tiers import BillingMode, Tier
from dream.errors import Conflict, InvalidFields

CURRENCY = "usd"
MAXIMUM_TIERS = 20
MAXIMUM_PRICE_CENTS = 99_999_999
MAXIMUM_COUNT = 2_000_000_000
MAXIMUM_TRIAL_DAYS = 730
MAXIMUM_FEATURES = 50

_SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*", re.ASCII)

BILLING_MODES: Mapping[ProjectType, BillingMode] = {"saas": "subscription", "store": "one_off"}


class TypesMixed(Conflict):
    """409: a one-off product for a project that sells subscriptions, or the other way round."""

    code = "project_type_mismatch"

    def __init__(self, project_type: ProjectType) -> None:
        super().__init__(
            f"This is a {project_type} project: all that it sells has the billing mode {BILLING_MODES[project_type]}."
        )


@dataclass(frozen=True, slots=True)
class TierDefinition:
    """One tier as it shall be. `limit` None is unlimited, `inventory` None is not tracked; `price_cents` is in `CURRENCY`."""

    name: str
    display_name: str
    description: str
    price_cents: int
    limit: int | None
    billing_mode: BillingMode
    features: tuple[str, ...]
    popular: bool
    trial_days: int
    image_url: str | None
    inventory: int | None

    @classmethod
    def from_tier(cls, tier: Tier) -> TierDefinition:
        """What was defined, without what it became at Stripe."""
        return cls(
            tier.name,
            tier.display_name,
            tier.description,
            tier.price,
            tier.limit,
            tier.billing_mode,
            tier.features,
            tier.popular,
            tier.trial_days,
            tier.image_url,
            tier.inventory,
        )

    @property
    def is_free(self) -> bool:
        """Nobody pays for it, so Stripe need not know it."""
        return self.price_cents == 0

    @property
    def interval(self) -> Literal["month"] | None:
        return "month" if self.billing_mode == "subscription" else None

    def shown_at_stripe(self) -> list[Any]:
        """What its product and price say."""
        return [self.display_name, self.description, self.image_url, self.price_cents, CURRENCY, self.billing_mode]

    def to_row(self) -> dict[str, Any]:
        """The columns of `tiers` by name, but for those of Stripe."""
        return {
            "name": self.name,
            "displayName": self.display_name,
            "description": self.description,
            "price": self.price_cents,
            "currency": CURRENCY,
            "limit": self.limit,
            "billingMode": self.billing_mode,
            "features": list(self.features),
            "popular": int(self.popular),
            "trialDays": self.trial_days,
            "imageUrl": self.image_url,
            "inventory": self.inventory,
        }


class _Refused(Exception):
    """A value that a field does not take; says what it takes."""


Check: TypeAlias = Callable[[Any], Any]


def _text(shortest: int, longest: int) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not shortest <= len(value.strip()) <= longest:
            raise _Refused(f"text of {shortest} to {longest} characters")
        if any(ord(character) < 32 and character not in "\n\t" for character in value):
            raise _Refused("text without control characters")
        return value.strip()

    return check


def _whole(least: int, most: int, *words: str) -> Check:
    """A whole number; each of `words` stands for None."""

    def check(value: Any) -> int | None:
        if value in words and isinstance(value, str):
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            named = "".join(f', or "{word}"' for word in words)
            raise _Refused(f"a whole number from {least} to {most}{named}")
        return value

    return check


def _or_none(check: Check) -> Check:
    return lambda value: None if value is None or value == "" else check(value)


def _slug(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 40 or not _SLUG.fullmatch(value):
        raise _Refused("1 to 40 lower-case letters and digits, with single - or _ between them")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Refused("true or false")
    return value


def _url(value: Any) -> str:
    problem = return_url_problem(value)
    if problem is not None:
        raise _Refused(problem)
    return cast("str", value)


def _features(value: Any) -> tuple[str, ...]:
    lines: Any = value.split(",") if isinstance(value, str) else value
    if not isinstance(lines, list) or len(cast("list[Any]", lines)) > MAXIMUM_FEATURES:
        raise _Refused(f"a list of at most {MAXIMUM_FEATURES} texts")
    check = _text(0, 200)
    return tuple(line for line in (check(each) for each in cast("list[Any]", lines)) if line)


def _billing_mode(value: Any) -> BillingMode:
    if value not in get_args(BillingMode):
        raise _Refused('"subscription" or "one_off"')
    return value


@dataclass(frozen=True, slots=True)
class _Field:
    """A member of a tier's JSON: its check, and the attribute that its value goes to."""

    attribute: str
    check: Check


_FIELDS: Final[Mapping[str, _Field]] = {
    "name": _Field("name", _slug),
    "displayName": _Field("display_name", _text(1, 100)),
    "description": _Field("description", _text(0, 2000)),
    "price": _Field("price_cents", _whole(0, MAXIMUM_PRICE_CENTS)),
    "limit": _Field("limit", _whole(0, MAXIMUM_COUNT, "unlimited")),
    "billingMode": _Field("billing_mode", _billing_mode),
    "features": _Field("features", _features),
    "popular": _Field("popular", _flag),
    "trialDays": _Field("trial_days", _whole(0, MAXIMUM_TRIAL_DAYS)),
    "imageUrl": _Field("image_url", _or_none(_url)),
    "inventory": _Field("inventory", _or_none(_whole(0, MAXIMUM_COUNT))),
}
_OPTIONAL: Final[Mapping[str, Any]] = {
    "description": "",
    "features": (),
    "popular": False,
    "trialDays": 0,
    "imageUrl": None,
    "inventory": None,
}


def tier_definition(
    sent: object, project_type: ProjectType, prefix: str, problems: dict[str, str]
) -> TierDefinition | None:
    """The tier that was sent, or None with what is wrong added to `problems` under names that begin with `prefix`."""
    if not isinstance(sent, dict):
        problems[prefix.rstrip(".")] = "an object"
        return None
    given = cast("dict[str, Any]", sent)
    defaults = {**_OPTIONAL, "billingMode": BILLING_MODES[project_type]}
    if project_type == "store":
        defaults["limit"] = None
    found: dict[str, str] = {}
    values: dict[str, Any] = {}
    for name, field in _FIELDS.items():
        if name not in given or (given[name] is None and name in defaults):
            if name in defaults:
                values[field.attribute] = defaults[name]
            else:
                found[name] = "required"
            continue
        try:
            values[field.attribute] = field.check(given[name])
        except _Refused as refusal:
            found[name] = str(refusal)
    found |= {name: text for name, text in _rules_broken(values, project_type).items() if name not in found}
    problems.update({f"{prefix}{name}": text for name, text in found.items()})
    return None if found else TierDefinition(**values)


def _rules_broken(values: Mapping[str, Any], project_type: ProjectType) -> dict[str, str]:
    """What a project of this type does not sell, of the values that are there."""
    broken: dict[str, str] = {}
    if values.get("billing_mode", BILLING_MODES[project_type]) != BILLING_MODES[project_type]:
        broken["billingMode"] = f'"{BILLING_MODES[project_type]}" in a {project_type} project'
    if project_type == "store":
        if values.get("price_cents") == 0:
            broken["price"] = "at least 1 in a store"
        if values.get("trial_days"):
            broken["trialDays"] = "0 in a store: only subscriptions have trials"
    return broken


def clashes(tiers: Sequence[TierDefinition]) -> dict[int, dict[str, str]]:
    """Which tiers, by index, take a name that an earlier one has; names and display names both name a tier."""
    taken: dict[str, int] = {}
    problems: dict[int, dict[str, str]] = {}
    for index, tier in enumerate(tiers):
        for field, text in (("name", tier.name), ("displayName", tier.display_name.casefold())):
            if taken.setdefault(text, index) != index:
                problems.setdefault(index, {})[field] = "taken by another tier"
    return problems


def parse_new_tier(sent: object, project_type: ProjectType) -> TierDefinition:
    """The tier of `POST /tiers/add`. Raises InvalidFields, or TypesMixed for the other type of project's."""
    billing_mode = cast("dict[str, Any]", sent).get("billingMode") if isinstance(sent, dict) else None
    if billing_mode in BILLING_MODES.values() and billing_mode != BILLING_MODES[project_type]:
        raise TypesMixed(project_type)
    problems: dict[str, str] = {}
    tier = tier_definition(cast("object", sent), project_type, "tier.", problems)
    if tier is None:
        raise InvalidFields(problems)
    return tier


@dataclass(frozen=True, slots=True)
class TierUpdates:
    """What `PUT /tiers` changes: the columns of `tiers` by name, with their new values. What is not named stays."""

    columns: Mapping[str, Any]

    @classmethod
    def from_json(cls, sent: object, tier: Tier, project_type: ProjectType) -> TierUpdates:
        """Raises InvalidFields for values that the fields don't take and when nothing is named, TypesMixed for another type."""
        if not isinstance(sent, dict):
            raise InvalidFields({"updates": "an object with the fields to change"})
        given = cast("dict[str, Any]", sent)
        problems: dict[str, str] = {}
        values: dict[str, Any] = {}
        for name, field in _FIELDS.items():
            if name not in given:
                continue
            try:
                values[field.attribute] = field.check(given[name])
            except _Refused as refusal:
                problems[f"updates.{name}"] = str(refusal)
        if values.get("billing_mode", tier.billing_mode) != tier.billing_mode:
            raise TypesMixed(project_type)
        if values.get("name", tier.name) != tier.name:
            problems["updates.name"] = "a tier keeps its name; change its displayName"
        problems |= {f"updates.{name}": text for name, text in _rules_broken(values, project_type).items()}
        if not values and not problems:
            problems["updates"] = (
                f"at least one of {', '.join(name for name in _FIELDS if name not in ('name', 'billingMode'))}"
            )
        if problems:
            raise InvalidFields(problems)
        row = {name: values[field.attribute] for name, field in _FIELDS.items() if field.attribute in values}
        return cls({name: value for name, value in row.items() if name not in ("name", "billingMode")})

    def applied_to(self, tier: Tier) -> TierDefinition:
        """The tier as it is after the changes."""
        changed = {_FIELDS[name].attribute: value for name, value in self.columns.items()}
        return replace(TierDefinition.from_tier(tier), **changed)

    @property
    def show_at_stripe(self) -> bool:
        """Whether the product at Stripe has to say something else now."""
        return bool(self.columns.keys() & {"displayName", "description", "imageUrl"})
