"""Clerk's Backend API, as much of it as we call. Thin: one function, one HTTP call.

https://clerk.com/docs/reference/backend-api. Raises ClerkRefused, VendorFailed or Unavailable; what is not there is None.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote, urlencode

from dream.bindings import FetchResponse, VendorUnreachable
from dream.context import Context
from dream.domain.clerk_objects import ClerkSession, ClerkUser, SignInToken
from dream.errors import Unavailable, VendorFailed
from dream.settings import ClerkInstance, Mode

API_VERSION = "2026-05-12"
TIMEOUT_SECONDS = 10.0
MAXIMUM_RETRIES = 2
MAXIMUM_WAIT_SECONDS = 2.0
"""A Retry-After beyond this is not waited for."""
FIRST_WAIT_SECONDS = 0.25
RETRY_IF_LOST_WITHIN_SECONDS = 3.0

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
        found = await self._call("GET", f"/users/{quote(user_id, safe='')}")
        return None if found is None else ClerkUser.from_clerk(found)

    async def list_users_by_email(self, emails: Sequence[str]) -> list[ClerkUser]:
        """The users who have one of these addresses, exactly."""
        query = urlencode([*(("email_address", email) for email in emails), ("limit", str(max(len(emails), 1)))])
        found = await self._call("GET", f"/users?{query}")
        return [ClerkUser.from_clerk(user) for user in found or ()]

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
        return ClerkUser.from_clerk(_present(await self._call("POST", "/users", body)))

    async def update_user(
        self, user_id: str, *, first_name: str | None = None, last_name: str | None = None
    ) -> ClerkUser | None:
        """Sets the names that are not None."""
        names = {"first_name": first_name, "last_name": last_name}
        body = {name: value for name, value in names.items() if value is not None}
        updated = await self._call("PATCH", f"/users/{quote(user_id, safe='')}", body)
        return None if updated is None else ClerkUser.from_clerk(updated)

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
        merged = await self._call("PATCH", f"/users/{quote(user_id, safe='')}/metadata", body)
        return None if merged is None else ClerkUser.from_clerk(merged)

    async def delete_user(self, user_id: str) -> bool:
        """False when there was no such user (any more)."""
        return await self._call("DELETE", f"/users/{quote(user_id, safe='')}") is not None

    # Sessions

    async def get_session(self, session_id: str) -> ClerkSession | None:
        found = await self._call("GET", f"/sessions/{quote(session_id, safe='')}")
        return None if found is None else ClerkSession.from_clerk(found)

    async def revoke_session(self, session_id: str) -> ClerkSession | None:
        revoked = await self._call("POST", f"/sessions/{quote(session_id, safe='')}/revoke")
        return None if revoked is None else ClerkSession.from_clerk(revoked)

    async def create_session_token(self, session_id: str, template: str | None = None) -> str | None:
        """A fresh JWT of an active session, of the JWT template if one is named."""
        path = f"/sessions/{quote(session_id, safe='')}/tokens"
        created = await self._call("POST", path if template is None else f"{path}/{quote(template, safe='')}", {})
        return None if created is None else created["jwt"]

    async def create_sign_in_token(self, user_id: str, *, expires_in_seconds: int) -> SignInToken:
        """A token that signs in as the user, once. Clerk's own default lifetime is 30 days: always say."""
        body = {"user_id": user_id, "expires_in_seconds": expires_in_seconds}
        return SignInToken.from_clerk(_present(await self._call("POST", "/sign_in_tokens", body)))

    # One call

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON of the answer; None for 404."""
        answer = await self._answer(method, path, None if body is None else json.dumps(body))
        if answer.status == _NOT_FOUND:
            return None
        if answer.status >= 300:
            raise _refusal(method, path, answer)
        try:
            return json.loads(answer.body)
        except ValueError:
            raise VendorFailed(code="clerk_failed", reason=f"{method} {path}: not JSON") from None

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


def _present(value: Any) -> Any:
    if value is None:
        raise VendorFailed(code="clerk_failed", reason="404 from a path that creates")
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
        return cast("Mapping[str, Any]", json.loads(body)["errors"][0])
    except (ValueError, KeyError, IndexError, TypeError):
        return {}


def developers(context: Context) -> Clerk:
    """The instance of the developers."""
    return Clerk(context, context.settings.clerk("DEVELOPERS"))


def end_users(context: Context, mode: Mode) -> Clerk:
    """The instance of the end users of projects in this mode."""
    return Clerk(context, context.settings.end_users(mode))
