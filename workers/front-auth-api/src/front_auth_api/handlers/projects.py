"""`GET /projects`, `PATCH` and `DELETE /projects/:pk`: what a developer has made, its names and origins, and its end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from dream.auth import project_keys
from dream.auth.principal import Developer
from dream.db import api_keys, audit_log, owned_projects, projects
from dream.domain.keys import Mode, ProjectKeyStatus, key_id
from dream.domain.origins import MAXIMUM_ORIGINS, origin_problem
from dream.domain.project_definitions import project_name_in
from dream.errors import InvalidFields, NotFound
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.kv import shown_keys
from dream.runtime import checkpoints
from dream.runtime.bindings import Bound, Row
from dream.runtime.context import Context
from dream.services.catalog import tier_cache
from front_auth_api.handlers.platforms import platform_of

AUDIT_ENTRIES = 20


@dataclass(frozen=True, slots=True)
class ProjectChanges:
    """The body of a PATCH: what is None stays."""

    name: str | None
    redirect_origins: tuple[str, ...] | None

    @classmethod
    def from_json(cls, body: Mapping[str, Any], mode: Mode) -> ProjectChanges:
        """Raises InvalidFields. `name` may also be called `projectName`, as where projects are made."""
        problems: dict[str, str] = {}
        name = body.get("name", body.get("projectName"))
        if name is not None:
            name = project_name_in({"projectName": name}, problems)
            if problems and "name" in body:
                problems["name"] = problems.pop("projectName")
        origins = body.get("redirectOrigins")
        if origins is not None:
            origins = _origins_in(origins, mode, problems)
        if name is None and origins is None and not problems:
            problems["name"] = "this, or redirectOrigins, is needed"
        if problems:
            raise InvalidFields(problems)
        return cls(name, origins)


def _origins_in(value: object, mode: Mode, problems: dict[str, str]) -> tuple[str, ...]:
    if not isinstance(value, list) or len(cast("list[object]", value)) > MAXIMUM_ORIGINS:
        problems["redirectOrigins"] = f"a list of at most {MAXIMUM_ORIGINS} origins"
        return ()
    for index, origin in enumerate(cast("list[object]", value)):
        problem = origin_problem(origin, mode)
        if problem is not None:
            problems[f"redirectOrigins[{index}]"] = problem
    return tuple(dict.fromkeys(str(origin) for origin in cast("list[object]", value)))


async def list_projects(context: Context, request: Request, developer: Developer) -> Response:
    """All projects of the developer, live ones first, with their keys masked and what was done to them lately; and what was
    done that concerns no single project.
    """
    platform = await platform_of(context, developer)
    listed, keys, origins, audit, own_audit = await context.db.batch(
        [
            owned_projects.list_of_platform(platform.platform_id),
            api_keys.list_of_platform(platform.platform_id, context.now()),
            projects.list_origins_of_platform(platform.platform_id),
            audit_log.recent_of_projects(platform.platform_id, AUDIT_ENTRIES),
            audit_log.recent_of_platform(platform.platform_id, AUDIT_ENTRIES),
        ]
    )
    shown = [_shown(project, keys, origins, audit) for project in listed]
    history = [_shown_entry(entry) for entry in own_audit]
    return json_response({"platformId": platform.platform_id, "projects": shown, "audit": history})


async def change_project(context: Context, request: Request, developer: Developer) -> Response:
    """Rename the project, or set the origins that sign-up may redirect to."""
    project = await project_of(context, developer, request.params["pk"])
    publishable_key, platform_id = project["publishableKey"], project["platformId"]
    changes = ProjectChanges.from_json(await request.json(), project["mode"])
    now = context.now()
    bound: list[Bound] = []
    if changes.name is not None:
        bound.append(projects.rename(publishable_key, platform_id, changes.name, now))
        details = {"from": project["name"], "to": changes.name}
        bound.append(_audit(project, developer, "project.renamed", details, now))
    if changes.redirect_origins is not None:
        bound += projects.replace_origins(publishable_key, changes.redirect_origins)
        details = {"redirectOrigins": list(changes.redirect_origins)}
        bound.append(_audit(project, developer, "project.origins_set", details, now))
    *_, listed, keys, origins, audit = await context.db.batch(
        [
            *bound,
            owned_projects.list_of_platform(platform_id),
            api_keys.list_of_platform(platform_id, now),
            projects.list_origins_of_platform(platform_id),
            audit_log.recent_of_projects(platform_id, AUDIT_ENTRIES),
        ]
    )
    changed = next((row for row in listed if row["publishableKey"] == publishable_key), None)
    if changed is None:
        raise NotFound()
    hashes = [row["secretKeyHash"] for row in keys if row["publishableKey"] == publishable_key]
    await project_keys.forget(context, [publishable_key], hashes)
    return json_response({"success": True, "project": _shown(changed, keys, origins, audit)})


async def delete_project(context: Context, request: Request, developer: Developer) -> Response:
    """The keys die at once and the data go; what remains at Stripe, Clerk and R2 is owed in the same batch."""
    project = await project_of(context, developer, request.params["pk"])
    publishable_key, platform_id, now = project["publishableKey"], project["platformId"], context.now()
    details = {"name": project["name"], "projectType": project["projectType"], "mode": project["mode"]}
    hashes, *_ = await context.db.batch(
        [
            api_keys.hashes_of_project(publishable_key),
            *owned_projects.owe_cleaning_up(platform_id, publishable_key, now),
            _audit(project, developer, "project.deleted", details, now),
            owned_projects.delete(publishable_key, platform_id),
        ]
    )
    await checkpoints.reached("delete-project:committed")
    await project_keys.forget(context, [publishable_key], [row["secretKeyHash"] for row in hashes])
    await shown_keys.drop(context.kv, developer.user_id, project["mode"])
    tier_cache.forget(publishable_key)
    context.deliver_soon()
    deleted = {"publishableKey": publishable_key, **details}
    return json_response({"success": True, "message": "The project and its data are deleted.", "deleted": deleted})


async def project_of(context: Context, developer: Developer, publishable_key: str) -> Row:
    """The developer's project. Raises NotFound for any other, be there one or not."""
    project = await owned_projects.find(context.db, developer.user_id, publishable_key)
    if project is None:
        raise NotFound()
    return project


def _audit(project: Row, developer: Developer, action: str, details: Mapping[str, Any], now: str) -> Bound:
    publishable_key = project["publishableKey"]
    return audit_log.record(project["platformId"], publishable_key, developer.user_id, action, details, now)


def _shown(project: Row, keys: Sequence[Row], origins: Sequence[Row], audit: Sequence[Row]) -> dict[str, Any]:
    """One project as the dashboard lists it."""
    publishable_key = project["publishableKey"]
    own_keys = [_shown_key(key) for key in keys if key["publishableKey"] == publishable_key]
    current = next((key for key in own_keys if key["expiresAt"] is None), None)
    return {
        "publishableKey": publishable_key,
        "name": project["name"],
        "projectName": project["name"],
        "projectType": project["projectType"],
        "mode": project["mode"],
        "testPublishableKey": project["testPublishableKey"],
        "tiersCount": project["tiersCount"],
        "endUsers": project["endUsers"],
        "activeSubscriptions": project["activeSubscriptions"],
        "secretKeyMasked": None if current is None else current["secretKeyMasked"],
        "keys": own_keys,
        "redirectOrigins": [row["origin"] for row in origins if row["publishableKey"] == publishable_key],
        "audit": [_shown_entry(entry) for entry in audit if entry["publishableKey"] == publishable_key],
        "createdAt": project["createdAt"],
        "updatedAt": project["updatedAt"],
    }


def _shown_key(key: Row) -> dict[str, Any]:
    status: ProjectKeyStatus = "active" if key["expiresAt"] is None else "grace"
    return {
        "id": key_id(key["secretKeyHash"]),
        "secretKeyMasked": key["secretKeyMasked"],
        "status": status,
        "expiresAt": key["expiresAt"],
        "createdAt": key["createdAt"],
        "lastUsedAt": key["lastUsedAt"],
    }


def _shown_entry(entry: Row) -> dict[str, Any]:
    return {
        "actor": entry["actor"],
        "action": entry["action"],
        "details": json.loads(entry["details"]),
        "createdAt": entry["createdAt"],
    }
