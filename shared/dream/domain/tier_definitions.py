"""Tiers as developers define them. Each field is checked before anything is created at Stripe."""

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
    """409: a product for a saas project, or a subscription tier for a store."""

    code = "project_type_mismatch"

    def __init__(self, project_type: ProjectType) -> None:
        super().__init__(
            f"This is a {project_type} project: every tier has the billing mode {BILLING_MODES[project_type]}."
        )


@dataclass(frozen=True, slots=True)
class TierDefinition:
    """The definition of one tier. `limit` None: unlimited. `inventory` None: not tracked. `price_cents` is in `CURRENCY`."""

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
        """The definition of a tier that exists, without its ids at Stripe."""
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
        """Whether the tier costs nothing. Then it has no price at Stripe."""
        return self.price_cents == 0

    @property
    def interval(self) -> Literal["month"] | None:
        return "month" if self.billing_mode == "subscription" else None

    def shown_at_stripe(self) -> list[Any]:
        """What the product and the price at Stripe show of the tier."""
        return [self.display_name, self.description, self.image_url, self.price_cents, CURRENCY, self.billing_mode]

    def to_row(self) -> dict[str, Any]:
        """The columns of `tiers` by name, except the ids at Stripe."""
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


class _WrongValue(Exception):
    """The field does not take the value. The text says what it takes."""


Check: TypeAlias = Callable[[Any], Any]


def _text(shortest: int, longest: int) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not shortest <= len(value.strip()) <= longest:
            raise _WrongValue(f"text of {shortest} to {longest} characters")
        if any(ord(character) < 32 and character not in "\n\t" for character in value):
            raise _WrongValue("text without control characters")
        return value.strip()

    return check


def _whole(least: int, most: int, *words: str) -> Check:
    """A check for a whole number. Each of `words` means None."""

    def check(value: Any) -> int | None:
        if value in words and isinstance(value, str):
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            named = "".join(f', or "{word}"' for word in words)
            raise _WrongValue(f"a whole number from {least} to {most}{named}")
        return value

    return check


def _or_none(check: Check) -> Check:
    return lambda value: None if value is None or value == "" else check(value)


def _slug(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 40 or not _SLUG.fullmatch(value):
        raise _WrongValue("1 to 40 lower-case letters and digits, with single - or _ between them")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _WrongValue("true or false")
    return value


def _url(value: Any) -> str:
    problem = return_url_problem(value)
    if problem is not None:
        raise _WrongValue(problem)
    return cast("str", value)


def _features(value: Any) -> tuple[str, ...]:
    lines: Any = value.split(",") if isinstance(value, str) else value
    if not isinstance(lines, list) or len(cast("list[Any]", lines)) > MAXIMUM_FEATURES:
        raise _WrongValue(f"a list of at most {MAXIMUM_FEATURES} texts")
    check = _text(0, 200)
    return tuple(line for line in (check(each) for each in cast("list[Any]", lines)) if line)


def _billing_mode(value: Any) -> BillingMode:
    if value not in get_args(BillingMode):
        raise _WrongValue('"subscription" or "one_off"')
    return value


@dataclass(frozen=True, slots=True)
class _Field:
    """A member of a tier in JSON: its check, and the attribute of TierDefinition that it sets."""

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
    """The tier in the request. If fields are wrong, adds them to `problems`, their names after `prefix`, and returns None."""
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
        except _WrongValue as wrong:
            found[name] = str(wrong)
    found |= {name: text for name, text in _type_problems(values, project_type).items() if name not in found}
    problems.update({f"{prefix}{name}": text for name, text in found.items()})
    return None if found else TierDefinition(**values)


def _type_problems(values: Mapping[str, Any], project_type: ProjectType) -> dict[str, str]:
    """Which of the values a project of this type does not take."""
    problems: dict[str, str] = {}
    if values.get("billing_mode", BILLING_MODES[project_type]) != BILLING_MODES[project_type]:
        problems["billingMode"] = f'"{BILLING_MODES[project_type]}" in a {project_type} project'
    if project_type == "store":
        if values.get("price_cents") == 0:
            problems["price"] = "at least 1 in a store"
        if values.get("trial_days"):
            problems["trialDays"] = "0 in a store: only subscriptions have trials"
    return problems


def clashes(tiers: Sequence[TierDefinition]) -> dict[int, dict[str, str]]:
    """The tiers, by index, that repeat a name or display name of an earlier tier. Either can name a tier in a request."""
    taken: dict[str, int] = {}
    problems: dict[int, dict[str, str]] = {}
    for index, tier in enumerate(tiers):
        for field, text in (("name", tier.name), ("displayName", tier.display_name.casefold())):
            if taken.setdefault(text, index) != index:
                problems.setdefault(index, {})[field] = "a name that no other tier has"
    return problems


def parse_new_tier(sent: object, project_type: ProjectType) -> TierDefinition:
    """The tier of `POST /tiers/add`. Raises InvalidFields, or TypesMixed for a tier of the other project type."""
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
    """What `PUT /tiers` changes: columns of `tiers` with their new values. Other columns stay."""

    columns: Mapping[str, Any]

    @classmethod
    def from_json(cls, sent: object, tier: Tier, project_type: ProjectType) -> TierUpdates:
        """Raises InvalidFields for wrong values and if no field is named, TypesMixed for the other billing mode."""
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
            except _WrongValue as wrong:
                problems[f"updates.{name}"] = str(wrong)
        if values.get("billing_mode", tier.billing_mode) != tier.billing_mode:
            raise TypesMixed(project_type)
        if values.get("name", tier.name) != tier.name:
            problems["updates.name"] = "the present name: it can't be changed. Change displayName"
        problems |= {f"updates.{name}": text for name, text in _type_problems(values, project_type).items()}
        if not values and not problems:
            problems["updates"] = (
                f"at least one of {', '.join(name for name in _FIELDS if name not in ('name', 'billingMode'))}"
            )
        if problems:
            raise InvalidFields(problems)
        row = {name: values[field.attribute] for name, field in _FIELDS.items() if field.attribute in values}
        return cls({name: value for name, value in row.items() if name not in ("name", "billingMode")})

    def applied_to(self, tier: Tier) -> TierDefinition:
        """The definition of the tier after the changes."""
        changed = {_FIELDS[name].attribute: value for name, value in self.columns.items()}
        return replace(TierDefinition.from_tier(tier), **changed)

    @property
    def show_at_stripe(self) -> bool:
        """Whether the product at Stripe must be updated too."""
        return bool(self.columns.keys() & {"displayName", "description", "imageUrl"})
