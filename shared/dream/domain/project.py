"""One project: what a publishable key names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from dream.domain.keys import Mode

ProjectType: TypeAlias = Literal["saas", "store"]
"""Fixed when a project is created. A saas project sells subscription tiers; a store sells one-off products with stock."""

PROJECT_TYPES: tuple[ProjectType, ...] = get_args(ProjectType)


@dataclass(frozen=True, slots=True)
class Project:
    """What a request needs to know of its project, and what the key caches hold.

    `live_keys_until` is the payment state of the platform: live keys work until then (ISO 8601 UTC). None: never paid.
    """

    publishable_key: str
    platform_id: str
    name: str
    project_type: ProjectType
    mode: Mode
    live_keys_until: str | None

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Project:
        """Reads what `to_json` wrote into a cache."""
        return cls(
            publishable_key=record["publishableKey"],
            platform_id=record["platformId"],
            name=record["name"],
            project_type=record["projectType"],
            mode=record["mode"],
            live_keys_until=record["liveKeysUntil"],
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "publishableKey": self.publishable_key,
            "platformId": self.platform_id,
            "name": self.name,
            "projectType": self.project_type,
            "mode": self.mode,
            "liveKeysUntil": self.live_keys_until,
        }


@dataclass(frozen=True, slots=True)
class OwnedProject:
    """A project as its developer manages it.

    `test_publishable_key` is set on a live project: the key of the test project that it was promoted from.
    """

    publishable_key: str
    platform_id: str
    name: str
    project_type: ProjectType
    mode: Mode
    test_publishable_key: str | None
