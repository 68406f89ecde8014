"""Links of apps to sign-up: checks the publishable key `pk` and the URL `redirect` to go back to."""

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


class RedirectNotAllowed(BadRequest):
    """400: the origin of `redirect` is not registered for this project."""

    error = "Redirect not allowed"
    code = "redirect_not_allowed"
    message = (
        "This app has not registered the address to go back to. Its developer can add the address in the dashboard."
    )


@dataclass(frozen=True, slots=True)
class AppLink:
    """A valid link: the project, and the allowed URL to go back to."""

    project: Project
    redirect: str

    def link(self, path: str) -> str:
        """A link to another page of this worker, with the same project and redirect."""
        return f"{path}?{urlencode({'pk': self.project.publishable_key, 'redirect': self.redirect})}"


async def app_link_of(context: Context, request: Request) -> AppLink:
    """The link of a request.

    Raises InvalidFields, BadRequest for an unknown key, PaymentRequired for a live key of a platform that does not pay, and
    RedirectNotAllowed.
    """
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
    return AppLink(project, target.url)


async def project_of(context: Context, publishable_key: str) -> Project:
    """The project of a key in a link. Raises BadRequest, not Unauthorized, for an invalid key: the user cannot correct it."""
    try:
        return (await caller_of_publishable_key(context, publishable_key)).project
    except Unauthorized as error:
        raise BadRequest(
            "The publishable key in this link is not valid. Go back to the app and try again.",
            error="Unknown app",
            code=error.code,
            fields={"pk": "not a valid publishable key"},
        ) from None


async def require_allowed(context: Context, project: Project, target: RedirectTarget) -> None:
    """Raises RedirectNotAllowed unless the target's origin is registered for the project, or needs no registration."""
    if target.needs_no_registration(project.mode):
        return
    if not await redirect_origins.allows(context.db, project.publishable_key, target.origin):
        raise RedirectNotAllowed(origin=target.origin)
