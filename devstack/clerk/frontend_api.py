"""The Frontend API of one instance: the part that clerk-js uses to load, sign in, sign out and get tokens.

clerk-js sends forms. It sends other methods than GET and POST as POST with `_method` in the query. Most answers are
`{response, client}`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devstack.clerk import attempts, browsers, errors, users
from devstack.clerk.config import Instance
from devstack.clerk.environment import environment
from devstack.clerk.stand_in import StandIn
from devstack.clerk.store import Document

_PROFILE_FIELDS = ("first_name", "last_name", "username")


@dataclass(frozen=True)
class Call:
    """One request from a browser."""

    stand_in: StandIn
    instance: Instance
    request: Request
    form: dict[str, str]
    browser: str | None

    def path(self, name: str) -> str:
        return self.request.path_params[name]

    @property
    def client(self) -> Document | None:
        return self.stand_in.sessions.client_of(self.instance, self.browser) if self.browser else None

    def ensure_client(self) -> Document:
        if self.browser is None:
            raise errors.dev_browser_unauthenticated()
        return self.stand_in.sessions.ensure_client(self.instance, self.browser)

    def session(self, session_id: str | None = None) -> Document:
        """An active or pending session of this browser: the given one, else the one in the query, else the first.

        Raises ClerkError 401 if there is no such session at all, 404 if there is none with this id.
        """
        client = self.client
        live = self.stand_in.sessions.live_of_client(self.instance, client) if client else []
        if not live:
            raise errors.signed_out()
        wanted = session_id or self.request.query_params.get("_clerk_session_id")
        for session in live:
            if wanted in (None, session["id"]):
                return session
        raise errors.ClerkError(
            404, "resource_not_found", "Session not found", f"No session was found with id {wanted}"
        )

    def token(self, session: Document) -> str:
        return self.stand_in.tokens.session_token(self.instance, session, azp=self.request.headers.get("origin"))


Handler = Callable[[Call], Any]


def routes(stand_in: StandIn, instance: Instance) -> list[Route]:
    """The routes of TABLE, relative to the instance's issuer."""
    by_path: dict[str, dict[str, Handler]] = {}
    for method, path, handler in TABLE:
        by_path.setdefault(path, {})[method] = handler
    return [
        Route(path, _endpoint(stand_in, instance, handlers), methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
        for path, handlers in by_path.items()
    ]


def _endpoint(
    stand_in: StandIn, instance: Instance, handlers: dict[str, Handler]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        method = request.method
        if method == "POST":
            method = request.query_params.get("_method", method).upper()
        if method not in handlers:
            raise errors.method_not_allowed()
        origin = request.headers.get("origin")
        if origin and not instance.may_call_from(origin):
            raise errors.origin_invalid()
        browser = browsers.of_frontend_call(stand_in, instance, request)
        if browser is None:
            if not instance.is_development:
                browser = stand_in.sessions.new_browser(instance)
            elif request.url.path != f"{instance.prefix}/v1/dev_browser":
                raise errors.dev_browser_unauthenticated()
        async with request.form() as form:
            fields = {key: value for key, value in form.items() if isinstance(value, str)}
        response = JSONResponse(handlers[method](Call(stand_in, instance, request, fields, browser)))
        if browser is not None and not instance.is_development:
            browsers.set_cookies(stand_in, instance, response, browser)
        return response

    return endpoint


def _environment(call: Call) -> Any:
    return environment(call.instance)


def _dev_browser(call: Call) -> Any:
    if not call.instance.is_development:
        raise errors.ClerkError(400, "not_development_instance", "Not a development instance")
    token = call.stand_in.sessions.new_browser(call.instance)
    return {"object": "dev_browser", "id": token, "instance_id": call.instance.id, "token": token}


def _get_client(call: Call) -> Any:
    return _answer(call, _client_json(call))


def _create_client(call: Call) -> Any:
    call.ensure_client()
    return _answer(call, _client_json(call))


def _delete_client(call: Call) -> Any:
    client = call.client
    if client is not None:
        call.stand_in.sessions.delete_client(call.instance, client)
    return _answer(call, _client_json(call))


def _remove_sessions(call: Call) -> Any:
    client = call.ensure_client()
    for session in call.stand_in.sessions.live_of_client(call.instance, client):
        call.stand_in.sessions.end(call.instance, session, "removed")
    client["last_active_session_id"] = None
    call.stand_in.sessions.save_client(call.instance, client)
    return _answer(call, _client_json(call))


def _get_session(call: Call) -> Any:
    return _answer(call, _session_json(call, call.session(call.path("session_id"))))


def _touch_session(call: Call) -> Any:
    session = call.stand_in.sessions.touch(call.instance, call.session(call.path("session_id")))
    client = call.ensure_client()
    client["last_active_session_id"] = session["id"]
    call.stand_in.sessions.save_client(call.instance, client)
    return _answer(call, _session_json(call, session))


def _end_session(call: Call) -> Any:
    return _finish(call, "ended")


def _remove_session(call: Call) -> Any:
    return _finish(call, "removed")


def _finish(call: Call, status: str) -> Any:
    session = call.session(call.path("session_id"))
    shown = _session_json(call, session) | {"status": status, "last_active_token": None}
    call.stand_in.sessions.end(call.instance, session, status)
    client = call.ensure_client()
    client["last_active_session_id"] = None
    call.stand_in.sessions.save_client(call.instance, client)
    return _answer(call, shown)


def _session_token(call: Call) -> Any:
    return {"object": "token", "jwt": call.token(call.session(call.path("session_id")))}


def _template_token(call: Call) -> Any:
    session = call.session(call.path("session_id"))
    origin = call.request.headers.get("origin")
    token = call.stand_in.tokens.template_token(call.instance, session, call.path("template"), azp=origin)
    return {"object": "token", "jwt": token}


def _create_sign_in(call: Call) -> Any:
    return _answer(call, attempts.sign_in(call.stand_in, call.instance, call.ensure_client(), call.form))


def _begun_sign_in(call: Call) -> Document:
    client = call.ensure_client()
    attempt = client["sign_in"]
    if attempt is None or attempt["id"] != call.path("sign_in_id"):
        raise errors.not_found("sign in attempt", call.path("sign_in_id"))
    return attempt


def _get_sign_in(call: Call) -> Any:
    return _answer(call, _begun_sign_in(call))


def _attempt_first_factor(call: Call) -> Any:
    if call.form.get("strategy") != "password":
        raise errors.param_value_invalid("strategy", "The stand-in supports only the strategy password.")
    attempt, password = _begun_sign_in(call), call.form.get("password", "")
    return _answer(
        call, attempts.attempt_password(call.stand_in, call.instance, call.ensure_client(), attempt, password)
    )


def _create_sign_up(call: Call) -> Any:
    return _answer(call, attempts.sign_up(call.stand_in, call.instance, call.ensure_client(), call.form))


def _me(call: Call) -> Document:
    return call.stand_in.users.get(call.instance, call.session()["user_id"])


def _get_me(call: Call) -> Any:
    return _answer(call, users.for_browser(_me(call)))


def _update_me(call: Call) -> Any:
    fields = {name: call.form[name] for name in _PROFILE_FIELDS if name in call.form}
    changed = call.stand_in.users.update(call.instance, _me(call)["id"], fields)
    return _answer(call, users.for_browser(changed))


def _delete_me(call: Call) -> Any:
    user = _me(call)
    if not user["delete_self_enabled"]:
        raise errors.ClerkError(403, "user_delete_self_not_allowed", "You can't delete your account.")
    return _answer(call, call.stand_in.delete_user(call.instance, user["id"]))


def _change_password(call: Call) -> Any:
    user = _me(call)
    if not call.stand_in.passwords.matches(call.instance.name, user["id"], call.form.get("current_password", "")):
        raise errors.password_incorrect()
    changed = call.stand_in.users.update(call.instance, user["id"], {"password": call.form.get("new_password", "")})
    return _answer(call, users.for_browser(changed))


def _active_sessions(call: Call) -> Any:
    active = call.stand_in.sessions.of_user(call.instance, _me(call)["id"], status="active")
    return [_session_json(call, session) for session in active]


def _answer(call: Call, response: Any) -> dict[str, Any]:
    return {"response": response, "client": _client_json(call)}


def _session_json(call: Call, session: Document) -> dict[str, Any]:
    return call.stand_in.sessions.to_browser(call.instance, session, call.token(session))


def _client_json(call: Call) -> dict[str, Any] | None:
    client = call.client
    if client is None:
        return None
    live = call.stand_in.sessions.live_of_client(call.instance, client)
    ids = [session["id"] for session in live]
    last_active = client["last_active_session_id"]
    return {
        "object": "client",
        "id": client["id"],
        "sessions": [_session_json(call, session) for session in live],
        "sign_in": client["sign_in"],
        "sign_up": client["sign_up"],
        "last_active_session_id": last_active if last_active in ids else None,
        "last_authentication_strategy": client["last_strategy"],
        "cookie_expires_at": None,
        "captcha_bypass": True,
        "created_at": client["created_at"],
        "updated_at": client["updated_at"],
    }


# Method, path, handler.
TABLE: list[tuple[str, str, Handler]] = [
    ("GET", "/v1/environment", _environment),
    ("PATCH", "/v1/environment", _environment),
    ("POST", "/v1/dev_browser", _dev_browser),
    ("GET", "/v1/client", _get_client),
    ("PUT", "/v1/client", _create_client),
    ("DELETE", "/v1/client", _delete_client),
    ("DELETE", "/v1/client/sessions", _remove_sessions),
    ("GET", "/v1/client/sessions/{session_id}", _get_session),
    ("POST", "/v1/client/sessions/{session_id}/touch", _touch_session),
    ("POST", "/v1/client/sessions/{session_id}/end", _end_session),
    ("POST", "/v1/client/sessions/{session_id}/remove", _remove_session),
    ("POST", "/v1/client/sessions/{session_id}/tokens", _session_token),
    ("POST", "/v1/client/sessions/{session_id}/tokens/{template}", _template_token),
    ("POST", "/v1/client/sign_ins", _create_sign_in),
    ("GET", "/v1/client/sign_ins/{sign_in_id}", _get_sign_in),
    ("POST", "/v1/client/sign_ins/{sign_in_id}/attempt_first_factor", _attempt_first_factor),
    ("POST", "/v1/client/sign_ups", _create_sign_up),
    ("GET", "/v1/me", _get_me),
    ("PATCH", "/v1/me", _update_me),
    ("DELETE", "/v1/me", _delete_me),
    ("POST", "/v1/me/change_password", _change_password),
    ("GET", "/v1/me/sessions/active", _active_sessions),
]
