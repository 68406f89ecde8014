"""Who looks at a dashboard: the project's secret key, or the developer who owns the project."""

from __future__ import annotations

from dataclasses import dataclass

from dream.auth import project_keys
from dream.auth.developer import developer_of_token
from dream.db import dashboard
from dream.domain.keys import is_well_formed
from dream.domain.project import Project
from dream.errors import InvalidFields, NotFound, Unauthorized
from dream.http.request import Request
from dream.runtime.context import Context


@dataclass(frozen=True, slots=True)
class DashboardViewer:
    """Somebody who may see all of one project."""

    project: Project

    @property
    def rate_key(self) -> str:
        return f"project:{self.project.publishable_key}"


async def dashboard_viewer(context: Context, request: Request) -> DashboardViewer:
    """A developer names the project in `publishableKey`; another developer's is NotFound, like one that does not exist."""
    bearer = project_keys.bearer(request)
    if bearer is None:
        raise Unauthorized("A secret key, or a developer's session token, is needed: Authorization: Bearer ….")
    if bearer.startswith("sk_"):
        caller = await project_keys.caller_of_secret_key(context, bearer)
        if request.query.get("publishableKey", caller.project.publishable_key) != caller.project.publishable_key:
            raise NotFound()
        return DashboardViewer(caller.project)
    developer = await developer_of_token(context, bearer)
    publishable_key = request.query.get("publishableKey")
    if not publishable_key:
        raise InvalidFields({"publishableKey": "the publishable key of one of your projects"})
    row = None
    if is_well_formed(publishable_key, "pk"):
        row = await dashboard.find_project_of_developer(context.db, publishable_key, developer.user_id)
    if row is None:
        raise NotFound()
    return DashboardViewer(Project.from_json(row))
