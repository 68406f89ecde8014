"""One project: what a publishable key names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast, get_args

from dream.domain.keys import Mode

ProjectType: TypeAlias = Literal["saas", "store"]
"""Fixed when a project is created. A saas project has subscription tiers; a store has one-off products with stock."""

PROJECT_TYPES: tuple[ProjectType, ...] = get_args(ProjectType)


@dataclass(frozen=True, slots=True)
class Project:
    """A project as it is cached. `live_keys_until` is the platform's payment state: live keys work until then (ISO 8601 UTC)."""

    publishable_key: str
    platform_id: str
    name: str
    project_type: ProjectType
    mode: Mode
    live_keys_until: str | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Project:
        """Reads a D1 row, or a cached record with the same names."""
        return cls(
            publishable_key=row["publishableKey"],
            platform_id=row["platformId"],
            name=row["name"],
            project_type=cast("ProjectType", row["projectType"]),
            mode=cast("Mode", row["mode"]),
            live_keys_until=row["liveKeysUntil"],
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
