"""Clerk's Backend API, as much of it as we call. Thin: one function, one HTTP call.

https://clerk.com/docs/reference/backend-api. Raises ClerkRefused, VendorFailed or Unavailable; what is not there is None.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlencode

from dream.domain.clerk_objects import ClerkSession, ClerkUser, SignInToken
from dream.domain.keys import Mode
from dream.errors import Unavailable, VendorFailed
from dream.runtime.bindings import FetchResponse, VendorUnreachable
from dream.runtime.context import Context
from dream.runtime.settings import ClerkInstance

API_VERSION = "2026-05-12"
TIMEOUT_SECONDS = 10.0
MAXIMUM_RETRIES = 2
MAXIMUM_WAIT_SECONDS = 2.0
"""A Retry-After beyond this is not waited for."""
FIRST_WAIT_SECONDS = 0.25
RETRY_IF_LOST_WITHIN_SECONDS = 3.0

Parsed = TypeVar("Parsed")

_NOT_FOUND = 404
_TOO_MANY = 429


class ClerkRefused(VendorFailed):
    """Clerk understood the call and refused it. A handler that expects a refusal catches it; else it is a 502.

    `clerk_code` is Clerk's own word (`form_identifier_exists`, `form_password_pwned`…), `param` the parameter it complains
    about, `explanation` Clerk's sentence for people, `http_status` its status.
    """

    def __init__(self, clerk_code: str, param: str | None, explanation: str, http_status: int, reason: str) -> None:
        self.clerk_code = clerk_code
        self.param = param
        self.explanation = explanation
        self.http_status = http_status
        super().__init__(reason=reason)

    @property
    def is_taken(self) -> bool:
        """Another user of the instance has this address."""
        return self.clerk_code == "form_identifier_exists"


class Clerk:
    """The Backend API of one instance."""

    def __init__(self, context: Context, instance: ClerkInstance) -> None:
        self._context = context
        self._instance = instance

    # Users

    async def get_user(self, user_id: str) -> ClerkUser | None:
        return await self._call(ClerkUser.from_clerk, "GET", _path("users", user_id))

    async def list_users_by_email(self, emails: Sequence[str]) -> list[ClerkUser]:
        """The users who have one of these addresses, exactly."""
        query = urlencode([*(("email_address", email) for email in emails), ("limit", str(max(len(emails), 1)))])
        return _present(await self._call(_users, "GET", f"/users?{query}"))

    async def create_user(
        self,
        email: str,
        *,
        first_name: str | None = None,
        last_name: str | None = None,
        password: str | None = None,
        public_metadata: Mapping[str, Any] | None = None,
    ) -> ClerkUser:
        """Without a password the user signs in by the instance's other means. Raises ClerkRefused (`is_taken`)."""
        body: dict[str, Any] = {"email_address": [email], "public_metadata": dict(public_metadata or {})}
        if first_name is not None:
            body["first_name"] = first_name
        if last_name is not None:
            body["last_name"] = last_name
        if password is None:
            body["skip_password_requirement"] = True
        else:
            body["password"] = password
        return _present(await self._call(ClerkUser.from_clerk, "POST", "/users", body))

    async def update_user(
        self, user_id: str, *, first_name: str | None = None, last_name: str | None = None
    ) -> ClerkUser | None:
        """Sets the names that are not None."""
        names = {"first_name": first_name, "last_name": last_name}
        body = {name: value for name, value in names.items() if value is not None}
        return await self._call(ClerkUser.from_clerk, "PATCH", _path("users", user_id), body)

    async def merge_metadata(
        self,
        user_id: str,
        *,
        public: Mapping[str, Any] | None = None,
        private: Mapping[str, Any] | None = None,
    ) -> ClerkUser | None:
        """Deep merge into the user's metadata; None as a value removes its key. Safe to repeat."""
        given = {"public_metadata": public, "private_metadata": private}
        body = {name: value for name, value in given.items() if value is not None}
        return await self._call(ClerkUser.from_clerk, "PATCH", _path("users", user_id, "metadata"), body)

    async def delete_user(self, user_id: str) -> bool:
        """False when there was no such user (any more)."""
        return await self._call(bool, "DELETE", _path("users", user_id)) is not None

    # Sessions

    async def get_session(self, session_id: str) -> ClerkSession | None:
        return await self._call(ClerkSession.from_clerk, "GET", _path("sessions", session_id))

    async def revoke_session(self, session_id: str) -> ClerkSession | None:
        return await self._call(ClerkSession.from_clerk, "POST", _path("sessions", session_id, "revoke"))

    async def create_session_token(self, session_id: str, template: str | None = None) -> str | None:
        """A fresh JWT of an active session, of the JWT template if one is named."""
        named = () if template is None else (template,)
        return await self._call(_jwt, "POST", _path("sessions", session_id, "tokens", *named), {})

    async def create_sign_in_token(self, user_id: str, *, expires_in_seconds: int) -> SignInToken:
        """A token that signs in as the user, once. Clerk's own default lifetime is 30 days: always say."""
        body = {"user_id": user_id, "expires_in_seconds": expires_in_seconds}
        return _present(await self._call(SignInToken.from_clerk, "POST", "/sign_in_tokens", body))

    # One call

    async def _call(
        self, parse: Callable[[Any], Parsed], method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Parsed | None:
        """What `parse` makes of the answer's JSON; None for 404."""
        answer = await self._answer(method, path, None if body is None else json.dumps(body))
        if answer.status == _NOT_FOUND:
            return None
        if answer.status >= 300:
            raise _refusal(method, path, answer)
        try:
            return parse(json.loads(answer.body))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise VendorFailed(code="clerk_failed", reason=f"{method} {path}: unexpected answer: {error!r}") from None

    async def _answer(self, method: str, path: str, body: str | None) -> FetchResponse:
        """The last answer after retries. Only what is safe to repeat is repeated; a 429 was not carried out at all."""
        if not self._instance.secret_key:
            raise Unavailable(reason=f"CLERK_{self._instance.name}_SECRET_KEY is not set")
        retries = 0
        while True:
            began = time.monotonic()
            try:
                answer = await self._send(method, path, body)
            except VendorUnreachable as error:
                lost_at_once = time.monotonic() - began < RETRY_IF_LOST_WITHIN_SECONDS
                if method == "POST" or not lost_at_once or retries == MAXIMUM_RETRIES:
                    raise Unavailable(code="clerk_unreachable", reason=f"{method} {path}: {error}") from None
                wait = FIRST_WAIT_SECONDS * 2**retries
            else:
                wait = _wait_seconds(method, answer, retries)
                if wait is None or retries == MAXIMUM_RETRIES:
                    return answer
            retries += 1
            await asyncio.sleep(wait)

    async def _send(self, method: str, path: str, body: str | None) -> FetchResponse:
        headers = {
            "Authorization": f"Bearer {self._instance.secret_key}",
            "Clerk-API-Version": API_VERSION,
            "Accept": "application/json",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        return await self._context.fetch(
            method,
            f"{self._context.settings.clerk_api_base}{path}",
            headers=headers,
            body=body,
            timeout_seconds=TIMEOUT_SECONDS,
        )


def _wait_seconds(method: str, answer: FetchResponse, retries: int) -> float | None:
    """How long to wait before asking again; None when the answer stands."""
    if answer.status == _TOO_MANY:
        asked = answer.headers.get("retry-after", "1")
        wait = float(asked) if asked.isdigit() else 1.0
        return wait if wait <= MAXIMUM_WAIT_SECONDS else None
    if answer.status >= 500 and method != "POST":
        return FIRST_WAIT_SECONDS * 2**retries
    return None


def _path(collection: str, *segments: str) -> str:
    """`/collection/segment…`. A dot segment would climb out of the collection; no id of Clerk's is one."""
    return "/".join(["", collection, *(quote(each, safe="").replace("..", "_") for each in segments)])


def _users(listed: list[Mapping[str, Any]]) -> list[ClerkUser]:
    return [ClerkUser.from_clerk(user) for user in listed]


def _jwt(created: Mapping[str, str]) -> str:
    return created["jwt"]


def _present(value: Parsed | None) -> Parsed:
    if value is None:
        raise VendorFailed(code="clerk_failed", reason="404 from a path that is always there")
    return value


def _refusal(method: str, path: str, answer: FetchResponse) -> Exception:
    """Clerk's error as one of ours."""
    first = _first_error(answer.body)
    code = str(first.get("code") or "refused")
    reason = f"{method} {path.partition('?')[0]}: {answer.status} {code}: {first.get('message')}"
    if answer.status == _TOO_MANY:
        return Unavailable(code="clerk_busy", reason=reason)
    if answer.status in (401, 403) or not 400 <= answer.status < 500:
        return VendorFailed(code="clerk_failed", reason=reason)
    meta: Any = first.get("meta")
    param = cast("dict[str, Any]", meta).get("param_name") if isinstance(meta, dict) else None
    explanation = str(first.get("long_message") or first.get("message") or "")
    return ClerkRefused(code, param if isinstance(param, str) else None, explanation, answer.status, reason)


def _first_error(body: bytes) -> Mapping[str, Any]:
    """The first of Clerk's `errors`; empty for a body of another shape."""
    try:
        first: object = json.loads(body)["errors"][0]
    except (ValueError, KeyError, IndexError, TypeError):
        return {}
    return cast("dict[str, Any]", first) if isinstance(first, dict) else {}


def developers(context: Context) -> Clerk:
    """The instance of the developers."""
    return Clerk(context, context.settings.clerk("DEVELOPERS"))


def end_users(context: Context, mode: Mode) -> Clerk:
    """The instance of the end users of projects in this mode."""
    return Clerk(context, context.settings.end_users(mode))
