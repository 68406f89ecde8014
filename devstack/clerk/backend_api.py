"""The Backend API under /v1, in API version 2026-05-12. The secret key selects the instance.

Source of the objects and parameters: https://github.com/clerk/openapi-specs (bapi/2026-05-12.yml, MIT).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devstack.clerk import errors
from devstack.clerk.config import Instance
from devstack.clerk.stand_in import StandIn
from devstack.clerk.store import Document
from devstack.clerk.users import Filter

API_VERSION = "2026-05-12"
# The versions that a caller may name. Here older ones differ in one thing: PATCH /users/{id} accepts metadata.
_KNOWN_VERSIONS = ("2021-02-05", "2024-10-01", "2025-03-12", "2025-04-10", "2025-11-10", API_VERSION)


@dataclass(frozen=True)
class Call:
    """One authenticated request to the Backend API."""

    stand_in: StandIn
    instance: Instance
    request: Request
    body: dict[str, Any]

    @property
    def version(self) -> str:
        return self.request.headers.get("clerk-api-version", API_VERSION)

    def path(self, name: str) -> str:
        return self.request.path_params[name]

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)

    def query_list(self, name: str) -> list[str]:
        """The values of a list in the query: `name=a&name=b`, `name[]=a&name[]=b` or `name=a,b`."""
        params = self.request.query_params
        values = [*params.getlist(name), *params.getlist(f"{name}[]")]
        return [part for value in values for part in value.split(",") if part]

    def page(self) -> tuple[int, int]:
        """`limit` (1 to 500, 10 by default) and `offset`. Raises ClerkError 422."""
        return _whole(self, "limit", 10, 1, 500), _whole(self, "offset", 0, 0, 2**31)


Handler = Callable[[Call], Any]


def routes(stand_in: StandIn) -> list[Route]:
    """The routes of TABLE, below /v1."""
    by_path: dict[str, dict[str, Handler]] = {}
    for method, path, handler in TABLE:
        by_path.setdefault(path, {})[method] = handler
    return [Route(path, _endpoint(stand_in, handlers), methods=list(handlers)) for path, handlers in by_path.items()]


def _endpoint(stand_in: StandIn, handlers: dict[str, Handler]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        handler = handlers["GET" if request.method == "HEAD" else request.method]
        call = Call(stand_in, _instance_of(stand_in, request), request, await _body(request))
        if call.version not in _KNOWN_VERSIONS:
            raise errors.api_version_invalid(call.version)
        return JSONResponse(handler(call), headers={"Clerk-API-Version": call.version})

    return endpoint


def _instance_of(stand_in: StandIn, request: Request) -> Instance:
    scheme, _, secret_key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret_key:
        raise errors.authorization_header_invalid()
    instance = stand_in.config.by_secret_key(secret_key.strip())
    if instance is None:
        raise errors.secret_key_invalid()
    return instance


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if not raw:
        return {}
    content_type = request.headers.get("content-type", "").split(";")[0].strip()
    if content_type != "application/json":
        raise errors.unsupported_media_type(content_type or "(none)")
    try:
        parsed = json.loads(raw)
    except ValueError as error:
        raise errors.malformed_body() from error
    if not isinstance(parsed, dict):
        raise errors.malformed_body()
    return cast("dict[str, Any]", parsed)


def _whole(call: Call, name: str, default: int, low: int, high: int) -> int:
    text = call.query(name)
    if not text:
        return default
    if not text.isdigit() or not low <= int(text) <= high:
        raise errors.param_value_invalid(name, f"{name} must be between {low} and {high}.")
    return int(text)


def _jwks(call: Call) -> Any:
    return call.stand_in.keys.jwks(call.instance)


def _filter(call: Call) -> Filter:
    return Filter(
        email_addresses=call.query_list("email_address"),
        user_ids=call.query_list("user_id"),
        external_ids=call.query_list("external_id"),
        usernames=call.query_list("username"),
        email_address_query=call.query("email_address_query"),
        query=call.query("query"),
    )


def _list_users(call: Call) -> Any:
    limit, offset = call.page()
    order_by = call.query("order_by", "-created_at")
    return call.stand_in.users.list(call.instance, _filter(call), limit=limit, offset=offset, order_by=order_by)


def _count_users(call: Call) -> Any:
    return {"object": "total_count", "total_count": call.stand_in.users.count(call.instance, _filter(call))}


def _create_user(call: Call) -> Any:
    return call.stand_in.users.create(call.instance, call.body)


def _get_user(call: Call) -> Any:
    return call.stand_in.users.get(call.instance, call.path("user_id"))


def _update_user(call: Call) -> Any:
    return call.stand_in.users.update(
        call.instance, call.path("user_id"), call.body, metadata_too=call.version < API_VERSION
    )


def _delete_user(call: Call) -> Any:
    return call.stand_in.delete_user(call.instance, call.path("user_id"))


def _merge_metadata(call: Call) -> Any:
    return call.stand_in.users.merge_metadata(call.instance, call.path("user_id"), call.body)


def _replace_metadata(call: Call) -> Any:
    return call.stand_in.users.replace_metadata(call.instance, call.path("user_id"), call.body)


def _ban_user(call: Call) -> Any:
    call.stand_in.sessions.end_all_of(call.instance, call.path("user_id"))
    return call.stand_in.users.set_restriction(call.instance, call.path("user_id"), "banned", True)


def _unban_user(call: Call) -> Any:
    return call.stand_in.users.set_restriction(call.instance, call.path("user_id"), "banned", False)


def _lock_user(call: Call) -> Any:
    return call.stand_in.users.set_restriction(call.instance, call.path("user_id"), "locked", True)


def _unlock_user(call: Call) -> Any:
    return call.stand_in.users.set_restriction(call.instance, call.path("user_id"), "locked", False)


def _verify_password(call: Call) -> Any:
    user = call.stand_in.users.get(call.instance, call.path("user_id"))
    password = call.body.get("password")
    if not password:
        raise errors.param_missing("password")
    if not user["password_enabled"]:
        raise errors.ClerkError(400, "no_password_set", "no password set", "This user does not have a password set.")
    if not call.stand_in.passwords.matches(call.instance.name, user["id"], str(password)):
        raise errors.ClerkError(
            422, "incorrect_password", "incorrect password", "The provided password is not the one the user has set"
        )
    return {"verified": True}


def _list_sessions(call: Call) -> Any:
    user_id, client_id, status = call.query("user_id"), call.query("client_id"), call.query("status")
    if not user_id and not client_id:
        raise errors.query_param_missing("user_id", "client_id")
    sessions = call.stand_in.sessions
    found = sessions.of_user(call.instance, user_id) if user_id else sessions.all(call.instance)
    limit, offset = call.page()
    chosen = [
        session
        for session in found
        if (not client_id or session["client_id"] == client_id) and (not status or session["status"] == status)
    ]
    if call.query("paginated") == "true":
        return {"data": chosen[offset : offset + limit], "total_count": len(chosen)}
    return chosen[offset : offset + limit]


def _create_session(call: Call) -> Any:
    if not call.instance.is_development:
        raise errors.development_only()
    if not call.body.get("user_id"):
        raise errors.param_missing("user_id")
    return call.stand_in.sessions.create(call.instance, str(call.body["user_id"]))


def _get_session(call: Call) -> Any:
    return call.stand_in.sessions.get(call.instance, call.path("session_id"))


def _revoke_session(call: Call) -> Any:
    session = call.stand_in.sessions.get(call.instance, call.path("session_id"))
    if session["status"] not in ("active", "pending"):
        return session
    return call.stand_in.sessions.end(call.instance, session, "revoked")


def _active_session(call: Call) -> Document:
    session = call.stand_in.sessions.get(call.instance, call.path("session_id"))
    if session["status"] not in ("active", "pending"):
        raise errors.session_not_found(session["id"])
    return session


def _seconds(call: Call) -> int | None:
    seconds = call.body.get("expires_in_seconds")
    if seconds is None:
        return None
    if not isinstance(seconds, int) or not 30 <= seconds <= 315_360_000:
        raise errors.param_value_invalid("expires_in_seconds", "expires_in_seconds must be between 30 and 315360000.")
    return seconds


def _create_session_token(call: Call) -> Any:
    token = call.stand_in.tokens.session_token(call.instance, _active_session(call), azp=None, seconds=_seconds(call))
    return {"object": "token", "jwt": token}


def _create_template_token(call: Call) -> Any:
    token = call.stand_in.tokens.template_token(
        call.instance, _active_session(call), call.path("template"), azp=None, seconds=_seconds(call)
    )
    return {"object": "token", "jwt": token}


def _list_templates(call: Call) -> Any:
    return call.stand_in.templates.list(call.instance)


def _create_template(call: Call) -> Any:
    return call.stand_in.templates.create(call.instance, call.body)


def _get_template(call: Call) -> Any:
    return call.stand_in.templates.get(call.instance, call.path("template_id"))


def _update_template(call: Call) -> Any:
    return call.stand_in.templates.update(call.instance, call.path("template_id"), call.body)


def _delete_template(call: Call) -> Any:
    return call.stand_in.templates.delete(call.instance, call.path("template_id"))


def _create_sign_in_token(call: Call) -> Any:
    return call.stand_in.sign_in_tokens.create(call.instance, call.body)


def _revoke_sign_in_token(call: Call) -> Any:
    return call.stand_in.sign_in_tokens.revoke(call.instance, call.path("token_id"))


# Method, path, handler.
TABLE: list[tuple[str, str, Handler]] = [
    ("GET", "/jwks", _jwks),
    ("GET", "/users", _list_users),
    ("POST", "/users", _create_user),
    ("GET", "/users/count", _count_users),
    ("GET", "/users/{user_id}", _get_user),
    ("PATCH", "/users/{user_id}", _update_user),
    ("DELETE", "/users/{user_id}", _delete_user),
    ("PATCH", "/users/{user_id}/metadata", _merge_metadata),
    ("PUT", "/users/{user_id}/metadata", _replace_metadata),
    ("POST", "/users/{user_id}/ban", _ban_user),
    ("POST", "/users/{user_id}/unban", _unban_user),
    ("POST", "/users/{user_id}/lock", _lock_user),
    ("POST", "/users/{user_id}/unlock", _unlock_user),
    ("POST", "/users/{user_id}/verify_password", _verify_password),
    ("GET", "/sessions", _list_sessions),
    ("POST", "/sessions", _create_session),
    ("GET", "/sessions/{session_id}", _get_session),
    ("POST", "/sessions/{session_id}/revoke", _revoke_session),
    ("POST", "/sessions/{session_id}/tokens", _create_session_token),
    ("POST", "/sessions/{session_id}/tokens/{template}", _create_template_token),
    ("GET", "/jwt_templates", _list_templates),
    ("POST", "/jwt_templates", _create_template),
    ("GET", "/jwt_templates/{template_id}", _get_template),
    ("PATCH", "/jwt_templates/{template_id}", _update_template),
    ("DELETE", "/jwt_templates/{template_id}", _delete_template),
    ("POST", "/sign_in_tokens", _create_sign_in_token),
    ("POST", "/sign_in_tokens/{token_id}/revoke", _revoke_sign_in_token),
]
