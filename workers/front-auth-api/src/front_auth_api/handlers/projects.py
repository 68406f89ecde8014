"""`GET /projects`, `PATCH` and `DELETE /projects/:pk`: lists, changes and deletes a developer's projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from dream.auth import project_keys
from dream.auth.principal import Developer
from dream.db import audit_log, owned_projects, projects
from dream.db.api_keys import ListedKey
from dream.db.audit_log import AuditEntry
from dream.db.owned_projects import ProjectDetails
from dream.domain.keys import Mode, ProjectKeyStatus, key_id
from dream.domain.origins import MAXIMUM_ORIGINS, origin_problem
from dream.domain.project import OwnedProject
from dream.domain.project_definitions import project_name_in
from dream.errors import InvalidFields, NotFound
from dream.http.request import Request
from dream.http.response import Response, json_response
from dream.kv import shown_keys
from dream.runtime import checkpoints
from dream.runtime.bindings import Bound
from dream.runtime.context import Context
from dream.services.catalog import tier_cache
from front_auth_api.handlers.platforms import platform_of

AUDIT_ENTRIES = 20
"""How many of the latest audit entries are shown, of each project and of the platform."""


@dataclass(frozen=True, slots=True)
class ProjectChanges:
    """The body of `PATCH /projects/:pk`. A field that is None does not change."""

    name: str | None
    redirect_origins: tuple[str, ...] | None

    @classmethod
    def from_json(cls, body: Mapping[str, Any], mode: Mode) -> ProjectChanges:
        """Raises InvalidFields. `projectName`, the field of `POST /create-products`, is accepted in place of `name`."""
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
            problems["name"] = "required, unless redirectOrigins is sent"
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
    """All projects of the developer, live before test, and the audit entries that concern no single project."""
    platform = await platform_of(context, developer)
    details = await owned_projects.change_and_list(context.db, platform.platform_id, [], AUDIT_ENTRIES, context.now())
    return json_response(
        {
            "platformId": platform.platform_id,
            "projects": [_project_json(project) for project in details.projects],
            "audit": [_entry_json(entry) for entry in details.audit],
        }
    )


async def change_project(context: Context, request: Request, developer: Developer) -> Response:
    """Renames the project, or replaces the origins that sign-up may redirect to."""
    project = await project_of(context, developer, request.params["pk"])
    publishable_key, platform_id = project.publishable_key, project.platform_id
    changes = ProjectChanges.from_json(await request.json(), project.mode)
    now = context.now()
    statements: list[Bound] = []
    if changes.name is not None:
        statements.append(projects.rename(publishable_key, platform_id, changes.name, now))
        details = {"from": project.name, "to": changes.name}
        statements.append(_audit(project, developer, "project.renamed", details, now))
    if changes.redirect_origins is not None:
        statements += projects.replace_origins(publishable_key, changes.redirect_origins)
        details = {"redirectOrigins": list(changes.redirect_origins)}
        statements.append(_audit(project, developer, "project.origins_set", details, now))
    listed = await owned_projects.change_and_list(context.db, platform_id, statements, AUDIT_ENTRIES, now)
    changed = listed.find(publishable_key)
    if changed is None:
        raise NotFound()
    hashes = [key.secret_key_hash for key in changed.listed.keys]
    await project_keys.forget(context, [publishable_key], hashes)
    return json_response({"success": True, "project": _project_json(changed)})


async def delete_project(context: Context, request: Request, developer: Developer) -> Response:
    """Deletes the project, its keys and its data at once. The same batch enqueues the clean-up at Stripe, Clerk and R2."""
    project = await project_of(context, developer, request.params["pk"])
    now = context.now()
    details = {"name": project.name, "projectType": project.project_type, "mode": project.mode}
    audit = _audit(project, developer, "project.deleted", details, now)
    hashes = await owned_projects.delete(context.db, project, audit, now)
    await checkpoints.reached("delete-project:committed")
    await project_keys.forget(context, [project.publishable_key], hashes)
    await shown_keys.drop(context.kv, developer.user_id, project.mode)
    tier_cache.forget(project.publishable_key)
    context.deliver_soon()
    deleted = {"publishableKey": project.publishable_key, **details}
    return json_response({"success": True, "message": "The project and its data are deleted.", "deleted": deleted})


async def project_of(context: Context, developer: Developer, publishable_key: str) -> OwnedProject:
    """The developer's project. Raises NotFound if it does not exist or belongs to another developer."""
    project = await owned_projects.find(context.db, developer.user_id, publishable_key)
    if project is None:
        raise NotFound()
    return project


def _audit(project: OwnedProject, developer: Developer, action: str, details: Mapping[str, Any], now: str) -> Bound:
    return audit_log.record(project.platform_id, project.publishable_key, developer.user_id, action, details, now)


def _project_json(details: ProjectDetails) -> dict[str, Any]:
    listed, project = details.listed, details.listed.project
    current = next((key for key in listed.keys if key.expires_at is None), None)
    return {
        "publishableKey": project.publishable_key,
        "name": project.name,
        "projectName": project.name,
        "projectType": project.project_type,
        "mode": project.mode,
        "testPublishableKey": project.test_publishable_key,
        "tiersCount": listed.tiers_count,
        "endUsers": listed.end_users,
        "activeSubscriptions": listed.active_subscriptions,
        "secretKeyMasked": None if current is None else current.masked,
        "keys": [_key_json(key) for key in listed.keys],
        "redirectOrigins": list(details.redirect_origins),
        "audit": [_entry_json(entry) for entry in details.audit],
        "createdAt": listed.created_at,
        "updatedAt": listed.updated_at,
    }


def _key_json(key: ListedKey) -> dict[str, Any]:
    status: ProjectKeyStatus = "active" if key.expires_at is None else "grace"
    return {
        "id": key_id(key.secret_key_hash),
        "secretKeyMasked": key.masked,
        "status": status,
        "expiresAt": key.expires_at,
        "createdAt": key.created_at,
        "lastUsedAt": key.last_used_at,
    }


def _entry_json(entry: AuditEntry) -> dict[str, Any]:
    return {"actor": entry.actor, "action": entry.action, "details": entry.details, "createdAt": entry.created_at}
