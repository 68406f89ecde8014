"""Who sends a browser here, and where it shall go afterwards: the `pk` and `redirect` of a link, checked."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from dream.auth.project_keys import caller_of_publishable_key
from dream.db import redirect_origins
from dream.domain.project import Project
from dream.domain.redirects import PROBLEM, RedirectTarget
from dream.errors import BadRequest, InvalidFields, Unauthorized
from dream.http.request import Request
from dream.runtime.context import Context


class RedirectRefused(BadRequest):
    """400: not an origin of this project."""

    error = "Redirect refused"
    code = "redirect_not_allowed"
    message = "This app has not registered the address that you would be sent back to. Its developer can add it in the dashboard."


@dataclass(frozen=True, slots=True)
class Arrival:
    """A link that holds: the project, and a URL of its own to go back to."""

    project: Project
    redirect: str

    def link(self, path: str) -> str:
        """A link to another page of this worker, for the same project and the same way back."""
        return f"{path}?{urlencode({'pk': self.project.publishable_key, 'redirect': self.redirect})}"


async def arrival_of(context: Context, request: Request) -> Arrival:
    """Raises InvalidFields, BadRequest for an unknown key, PaymentRequired for an unpaid live one, RedirectRefused."""
    fields: dict[str, str] = {}
    publishable_key, redirect = request.query.get("pk") or "", request.query.get("redirect") or ""
    if not publishable_key:
        fields["pk"] = "the app's publishable key"
    target = RedirectTarget.parse(redirect)
    if target is None:
        fields["redirect"] = PROBLEM
    if fields or target is None:
        raise InvalidFields(fields)
    project = await project_of(context, publishable_key)
    await require_allowed(context, project, target)
    return Arrival(project, target.url)


async def project_of(context: Context, publishable_key: str) -> Project:
    """The project of a key in a link. Raises BadRequest for one that is none: a browser has no credential to correct."""
    try:
        return (await caller_of_publishable_key(context, publishable_key)).project
    except Unauthorized as error:
        raise BadRequest(
            "This link names no app. Its publishable key is not valid.",
            error="Unknown app",
            code=error.code,
            fields={"pk": "not a valid publishable key"},
        ) from None


async def require_allowed(context: Context, project: Project, target: RedirectTarget) -> None:
    """Raises RedirectRefused unless the project registered the target's origin, or needs not."""
    if target.needs_no_registration(project.mode):
        return
    if not await redirect_origins.allows(context.db, project.publishable_key, target.origin):
        raise RedirectRefused(origin=target.origin)
