"""The calls that the product makes to Clerk's Backend API. One method is one HTTP call, plus its retries.

https://clerk.com/docs/reference/backend-api. A call can raise ClerkRefused, VendorFailed or Unavailable. A call for an object
that does not exist (404) returns None.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlencode

from dream.domain.clerk_objects import ClerkUser
from dream.domain.keys import Mode
from dream.errors import Unavailable, VendorFailed
from dream.runtime.bindings import FetchResponse, VendorUnreachable
from dream.runtime.context import Context
from dream.runtime.settings import ClerkInstance

API_VERSION = "2026-05-12"
TIMEOUT_SECONDS = 10.0
MAXIMUM_RETRIES = 2
MAXIMUM_WAIT_SECONDS = 2.0
"""If Clerk asks for a longer wait (Retry-After), the call fails at once."""
FIRST_WAIT_SECONDS = 0.25
RETRY_IF_LOST_WITHIN_SECONDS = 3.0
"""A connection that is lost later than this is not tried again, because the caller has already waited."""

Parsed = TypeVar("Parsed")

_NOT_FOUND = 404
_TOO_MANY = 429


class ClerkRefused(VendorFailed):
    """Clerk refused the call. A handler that expects a refusal catches it; otherwise the answer is a 502.

    `clerk_code` is Clerk's error code (`form_identifier_exists`, `form_password_pwned`…), `param` the parameter that is wrong,
    `explanation` Clerk's sentence for people, and `http_status` Clerk's status.
    """

    def __init__(self, clerk_code: str, param: str | None, explanation: str, http_status: int, reason: str) -> None:
        self.clerk_code = clerk_code
        self.param = param
        self.explanation = explanation
        self.http_status = http_status
        super().__init__(reason=reason)

    @property
    def is_taken(self) -> bool:
        """Whether another user of the instance has this email address."""
        return self.clerk_code == "form_identifier_exists"


class Clerk:
    """The Backend API of one Clerk instance."""

    def __init__(self, context: Context, instance: ClerkInstance) -> None:
        self._context = context
        self._instance = instance

    async def get_user(self, user_id: str) -> ClerkUser | None:
        return await self._call(ClerkUser.from_clerk, "GET", _path("users", user_id))

    async def list_users_by_email(self, emails: Sequence[str]) -> list[ClerkUser]:
        """The users who have one of these email addresses."""
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
        """Creates a user. Without a password, the user signs in by another method of the instance.

        Raises ClerkRefused (`is_taken`) if another user has the email address.
        """
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
        """Sets each name that is not None."""
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
        """Merges deeply into the user's metadata. The value None removes its key. Safe to repeat."""
        given = {"public_metadata": public, "private_metadata": private}
        body = {name: value for name, value in given.items() if value is not None}
        return await self._call(ClerkUser.from_clerk, "PATCH", _path("users", user_id, "metadata"), body)

    async def delete_user(self, user_id: str) -> bool:
        """Returns False if the user does not exist."""
        return await self._call(bool, "DELETE", _path("users", user_id)) is not None

    async def _call(
        self, parse: Callable[[Any], Parsed], method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Parsed | None:
        """Sends the call and parses the JSON of the answer. Returns None for 404."""
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
        """The answer, after retries. Raises Unavailable if Clerk can't be reached.

        A POST is repeated only after a 429, because Clerk did not carry out that call.
        """
        if not self._instance.secret_key:
            raise Unavailable(reason=f"the secret CLERK_{self._instance.name}_SECRET_KEY is not set")
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
    """How long to wait before the call is repeated; None if the answer is final."""
    if answer.status == _TOO_MANY:
        retry_after = answer.headers.get("retry-after", "1")
        wait = float(retry_after) if retry_after.isdigit() else 1.0
        return wait if wait <= MAXIMUM_WAIT_SECONDS else None
    if answer.status >= 500 and method != "POST":
        return FIRST_WAIT_SECONDS * 2**retries
    return None


def _path(collection: str, *segments: str) -> str:
    """`/collection/segment…`. A segment `..` would name another collection, so its dots are replaced; no id of Clerk has dots."""
    return "/".join(["", collection, *(quote(each, safe="").replace("..", "_") for each in segments)])


def _users(listed: list[Mapping[str, Any]]) -> list[ClerkUser]:
    return [ClerkUser.from_clerk(user) for user in listed]


def _present(value: Parsed | None) -> Parsed:
    if value is None:
        raise VendorFailed(code="clerk_failed", reason="Clerk answered 404 where it always has an answer")
    return value


def _refusal(method: str, path: str, answer: FetchResponse) -> Exception:
    """Translates Clerk's error into an error of `dream.errors`."""
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
    """The first entry of `errors` in Clerk's answer; empty if the body has another shape."""
    try:
        first: object = json.loads(body)["errors"][0]
    except (ValueError, KeyError, IndexError, TypeError):
        return {}
    return cast("dict[str, Any]", first) if isinstance(first, dict) else {}


def developers(context: Context) -> Clerk:
    """The Clerk instance of the developers."""
    return Clerk(context, context.settings.clerk("DEVELOPERS"))


def end_users(context: Context, mode: Mode) -> Clerk:
    """The Clerk instance of the end users of this mode's projects."""
    return Clerk(context, context.settings.end_users(mode))
