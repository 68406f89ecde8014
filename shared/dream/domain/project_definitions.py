"""Projects: the request that creates one, and the changes that promote a test project to live."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast
from urllib.parse import urlsplit

from dream.domain.keys import MODES, Mode, is_well_formed
from dream.domain.project import PROJECT_TYPES, ProjectType
from dream.domain.tier_definitions import (
    MAXIMUM_TIERS,
    TierDefinition,
    clashes,
    tier_definition,
)
from dream.domain.tiers import Tier
from dream.errors import InvalidFields

MAXIMUM_NAME_LENGTH = 100

_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1", "0.0.0.0")

# Each mode counts its own stock. A promotion copies it to a new live tier and never overwrites it later.
_COLUMNS_OF_EACH_MODE = ("inventory",)

Action: TypeAlias = Literal["create", "update", "unchanged", "archive"]


@dataclass(frozen=True, slots=True)
class NewProject:
    """The body of `POST /create-products`."""

    mode: Mode
    name: str
    project_type: ProjectType
    tiers: tuple[TierDefinition, ...]

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> NewProject:
        """Raises InvalidFields with every missing or wrong field."""
        problems: dict[str, str] = {}
        mode = mode_in(body, problems)
        name = project_name_in(body, problems)
        project_type = body.get("projectType")
        if project_type not in PROJECT_TYPES:
            problems["projectType"] = '"saas" or "store"'
            project_type = "saas" if body.get("projectType") is None else "store"
        tiers = _tiers_in(body, project_type, problems)
        if problems:
            raise InvalidFields(problems)
        return cls(mode, name, project_type, tiers)

    def fingerprint(self, *parts: str) -> str:
        """Equal for equal requests with equal further `parts`."""
        return digest("create", self.mode, self.name, self.project_type, [tier.to_row() for tier in self.tiers], *parts)


def digest(*parts: object) -> str:
    """The SHA-256 in hex of values that JSON can represent."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def mode_in(body: Mapping[str, Any], problems: dict[str, str]) -> Mode:
    """`mode` of a body. Adds to `problems` if it is missing or wrong; there is no default."""
    mode = body.get("mode")
    if mode not in MODES:
        problems["mode"] = '"test" or "live"'
        return "test"
    return mode


def publishable_key_in(body: Mapping[str, Any], problems: dict[str, str]) -> str:
    """`publishableKey` of a body or query. Adds to `problems` if it is missing or malformed."""
    key = body.get("publishableKey")
    if not isinstance(key, str) or not is_well_formed(key, "pk"):
        problems["publishableKey"] = "the publishable key of one of your projects"
        return ""
    return key


def project_name_in(body: Mapping[str, Any], problems: dict[str, str]) -> str:
    """`projectName` of a body, without surrounding spaces. Adds to `problems` if it is missing or wrong."""
    name = body.get("projectName")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= MAXIMUM_NAME_LENGTH or not name.strip().isprintable():
        problems["projectName"] = f"1 to {MAXIMUM_NAME_LENGTH} printable characters"
        return ""
    return name.strip()


def _tiers_in(
    body: Mapping[str, Any], project_type: ProjectType, problems: dict[str, str]
) -> tuple[TierDefinition, ...]:
    sent = body.get("tiers")
    if not isinstance(sent, list) or not 0 < len(cast("list[Any]", sent)) <= MAXIMUM_TIERS:
        problems["tiers"] = f"a list of 1 to {MAXIMUM_TIERS} tiers"
        return ()
    parsed = [
        tier_definition(each, project_type, f"tiers[{index}].", problems)
        for index, each in enumerate(cast("list[Any]", sent))
    ]
    tiers = tuple(tier for tier in parsed if tier is not None)
    if len(tiers) == len(parsed):
        for index, fields in clashes(tiers).items():
            problems.update({f"tiers[{index}].{name}": text for name, text in fields.items()})
    return tiers


def is_local_origin(origin: str) -> bool:
    """Whether an origin is a developer's own machine. A live project does not redirect there."""
    host = urlsplit(origin).hostname or ""
    return host in _LOCAL_HOSTS or host.endswith(".localhost")


@dataclass(frozen=True, slots=True)
class TierChange:
    """The change of one live tier. `target` is the new definition (None: archive it), `live` the stored tier (None: create it)."""

    action: Action
    name: str
    target: TierDefinition | None
    live: Tier | None
    fields: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, Any]:
        """The columns that an update sets: those of the test tier, without those that each mode has for itself."""
        row = {} if self.target is None else self.target.to_row()
        return {name: value for name, value in row.items() if name not in ("name", *_COLUMNS_OF_EACH_MODE)}

    @property
    def needs_price(self) -> bool:
        """Whether the change needs a new price at Stripe."""
        if self.target is None or self.target.is_free or self.action not in ("create", "update"):
            return False
        return self.live is None or self.live.price != self.target.price_cents or self.live.price_id is None

    def to_json(self) -> dict[str, Any]:
        change: dict[str, Any] = {"tier": self.name, "action": self.action}
        if self.fields:
            change["fields"] = list(self.fields)
        if self.target is not None:
            change["price"] = self.target.price_cents
        return change


@dataclass(frozen=True, slots=True)
class Promotion:
    """The changes that make the live project equal to the test project."""

    changes: tuple[TierChange, ...] = field(default_factory=tuple)

    def fingerprint(self, *parts: str) -> str:
        """Equal if the same prices are created at Stripe from the same state, with equal further `parts`."""
        prices = [
            [change.name, None if change.target is None else change.target.shown_at_stripe(), _ids(change.live)]
            for change in self.changes
            if change.needs_price
        ]
        return digest("promote", prices, *parts)


def _ids(tier: Tier | None) -> list[str | None]:
    return [] if tier is None else [tier.product_id, tier.price_id]


def plan_promotion(test: Sequence[Tier], live: Sequence[Tier]) -> Promotion:
    """Compares the tiers of both projects that are not archived."""
    remaining = {tier.name: tier for tier in live}
    changes: list[TierChange] = []
    for tier in test:
        target = TierDefinition.from_tier(tier)
        counterpart = remaining.pop(tier.name, None)
        if counterpart is None:
            changes.append(TierChange("create", tier.name, target, None))
            continue
        fields = _differences(target, counterpart)
        lacks_price = not target.is_free and counterpart.price_id is None
        action: Action = "update" if fields or lacks_price else "unchanged"
        changes.append(TierChange(action, tier.name, target, counterpart, fields))
    changes.extend(TierChange("archive", tier.name, None, tier) for tier in remaining.values())
    return Promotion(tuple(changes))


def _differences(target: TierDefinition, live: Tier) -> tuple[str, ...]:
    wanted, stored = target.to_row(), TierDefinition.from_tier(live).to_row()
    return tuple(name for name in wanted if wanted[name] != stored[name] and name not in _COLUMNS_OF_EACH_MODE)
