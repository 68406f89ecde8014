"""Projects: what a developer sends to create one, and what promoting a test project to live comes to."""

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

# Stock is counted in each mode for itself: a promotion brings it along once and never overwrites what is left of it.
_OWN_TO_EACH_MODE = ("inventory",)

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
        """Raises InvalidFields with every field that is missing or wrong."""
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

    def fingerprint(self, *circumstances: str) -> str:
        """Equal for equal projects in equal circumstances."""
        return digest(
            "create", self.mode, self.name, self.project_type, [tier.to_row() for tier in self.tiers], *circumstances
        )


def digest(*parts: object) -> str:
    """SHA-256 in hex over values that JSON can say."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def mode_in(body: Mapping[str, Any], problems: dict[str, str]) -> Mode:
    """`mode` of a body; what is wrong with it goes into `problems`. Nothing defaults to live, nor to test."""
    mode = body.get("mode")
    if mode not in MODES:
        problems["mode"] = '"test" or "live"'
        return "test"
    return mode


def publishable_key_in(body: Mapping[str, Any], problems: dict[str, str]) -> str:
    """`publishableKey` of a body or query, well formed; what is wrong with it goes into `problems`."""
    key = body.get("publishableKey")
    if not isinstance(key, str) or not is_well_formed(key, "pk"):
        problems["publishableKey"] = "the publishable key of one of your projects"
        return ""
    return key


def project_name_in(body: Mapping[str, Any], problems: dict[str, str]) -> str:
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
    """Whether an origin is somebody's own machine, where no live project sends its users."""
    host = urlsplit(origin).hostname or ""
    return host in _LOCAL_HOSTS or host.endswith(".localhost")


@dataclass(frozen=True, slots=True)
class TierChange:
    """What becomes of one live tier. `target` is how it shall be, None when it goes; `live` how it is, None when it is new."""

    action: Action
    name: str
    target: TierDefinition | None
    live: Tier | None
    fields: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, Any]:
        """What an update sets: all that the test tier defines, but for what each mode has of its own."""
        row = {} if self.target is None else self.target.to_row()
        return {name: value for name, value in row.items() if name not in ("name", *_OWN_TO_EACH_MODE)}

    @property
    def needs_price(self) -> bool:
        """Whether Stripe has to make a price for it."""
        if self.target is None or self.target.is_free or self.action not in ("create", "update"):
            return False
        return self.live is None or self.live.price != self.target.price_cents or self.live.price_id is None

    def to_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"tier": self.name, "action": self.action}
        if self.fields:
            shown["fields"] = list(self.fields)
        if self.target is not None:
            shown["price"] = self.target.price_cents
        return shown


@dataclass(frozen=True, slots=True)
class Promotion:
    """What makes the live project equal to the test one."""

    changes: tuple[TierChange, ...] = field(default_factory=tuple)

    @property
    def is_nothing(self) -> bool:
        return all(change.action == "unchanged" for change in self.changes)

    def fingerprint(self, *circumstances: str) -> str:
        """Equal for the same things to make at Stripe from the same state."""
        wanted = [
            [change.name, None if change.target is None else change.target.shown_at_stripe(), _ids(change.live)]
            for change in self.changes
            if change.needs_price
        ]
        return digest("promote", wanted, *circumstances)


def _ids(tier: Tier | None) -> list[str | None]:
    return [] if tier is None else [tier.product_id, tier.price_id]


def plan_promotion(test: Sequence[Tier], live: Sequence[Tier]) -> Promotion:
    """Compares what is on offer in both modes."""
    present = {tier.name: tier for tier in live}
    changes: list[TierChange] = []
    for tier in test:
        target = TierDefinition.from_tier(tier)
        counterpart = present.pop(tier.name, None)
        if counterpart is None:
            changes.append(TierChange("create", tier.name, target, None))
            continue
        fields = _differences(target, counterpart)
        unsold = not target.is_free and counterpart.price_id is None
        action: Action = "update" if fields or unsold else "unchanged"
        changes.append(TierChange(action, tier.name, target, counterpart, fields))
    changes.extend(TierChange("archive", tier.name, None, tier) for tier in present.values())
    return Promotion(tuple(changes))


def _differences(target: TierDefinition, live: Tier) -> tuple[str, ...]:
    wanted, there = target.to_row(), TierDefinition.from_tier(live).to_row()
    return tuple(name for name in wanted if wanted[name] != there[name] and name not in _OWN_TO_EACH_MODE)
