"""Owns Clerk's errors: one exception in their shape, and a function for each error, with Clerk's code and text."""

from __future__ import annotations

import secrets
from typing import Any

from starlette.responses import JSONResponse


class ClerkError(Exception):
    """An error answer of Clerk's APIs. `app` renders it.

    Codes and statuses: https://clerk.com/docs/guides/development/errors/backend-api (and frontend-api).
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        long_message: str | None = None,
        *,
        meta: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.long_message = long_message or message
        self.meta = meta
        self.headers = headers or {}

    def to_response(self) -> JSONResponse:
        error: dict[str, Any] = {"message": self.message, "long_message": self.long_message, "code": self.code}
        if self.meta is not None:
            error["meta"] = self.meta
        body = {"errors": [error], "clerk_trace_id": secrets.token_hex(16)}
        return JSONResponse(body, status_code=self.status, headers=self.headers)


def authorization_header_invalid() -> ClerkError:
    return ClerkError(
        401,
        "authorization_header_format_invalid",
        "Invalid Authorization header format",
        "Invalid Authorization header format. Must be 'Bearer <YOUR_API_KEY>'",
    )


def secret_key_invalid() -> ClerkError:
    return ClerkError(
        401,
        "clerk_key_invalid",
        "The provided Clerk Secret Key is invalid. Make sure that your Clerk Secret Key is correct.",
    )


def api_version_invalid(version: str) -> ClerkError:
    return ClerkError(400, "api_version_invalid", "Invalid API version", f"{version} is not a version of this API.")


def not_found(what: str, id: str, message: str = "not found") -> ClerkError:
    return ClerkError(404, "resource_not_found", message, f"No {what} was found with id {id}")


def session_not_found(id: str) -> ClerkError:
    return not_found("session", id, "Session not found")


def template_not_found(attribute: str, value: str) -> ClerkError:
    return ClerkError(
        404, "resource_not_found", "JWT template not found", f"No JWT template exists with {attribute}: {value}"
    )


def route_not_found() -> ClerkError:
    return ClerkError(404, "resource_not_found", "URL not found", "The URL was not found")


def method_not_allowed() -> ClerkError:
    return ClerkError(405, "method_not_allowed", "Method not allowed")


def malformed_body() -> ClerkError:
    return ClerkError(400, "request_body_invalid", "Request body invalid", "The request body is invalid.")


def unsupported_media_type(actual: str) -> ClerkError:
    return ClerkError(
        415,
        "unsupported_content_type",
        "Content-Type is unsupported",
        f"Content-Type {actual} is unsupported. You should use application/json instead.",
    )


def development_only() -> ClerkError:
    return ClerkError(
        400,
        "request_invalid_for_environment",
        "Invalid request for environment",
        "Request only valid for development instances.",
    )


def query_param_missing(*names: str) -> ClerkError:
    return ClerkError(
        400,
        "missing_query_parameter",
        "Missing query parameter",
        f"Either of the following query parameters must be provided: {', '.join(names)}.",
    )


def param_missing(name: str) -> ClerkError:
    return ClerkError(422, "form_param_missing", "is missing", f"{name} must be included.", meta={"param_name": name})


def param_unknown(name: str) -> ClerkError:
    return ClerkError(
        422,
        "form_param_unknown",
        "is unknown",
        f"{name} is not a valid parameter for this request.",
        meta={"param_name": name},
    )


def param_format_invalid(name: str, why: str = "") -> ClerkError:
    return ClerkError(
        422, "form_param_format_invalid", "is invalid", why or f"{name} is invalid.", meta={"param_name": name}
    )


def param_value_invalid(name: str, why: str = "") -> ClerkError:
    return ClerkError(
        422, "form_param_value_invalid", "is invalid", why or f"{name} is invalid", meta={"param_name": name}
    )


def param_type_invalid(name: str, type: str) -> ClerkError:
    return ClerkError(
        422, "form_param_type_invalid", "is invalid", f"`{name}` must be a `{type}`.", meta={"param_name": name}
    )


def param_too_large(name: str, limit_bytes: int) -> ClerkError:
    return ClerkError(
        422,
        "form_param_exceeds_allowed_size",
        "exceeds allowed size",
        f"{name} exceeds the maximum allowed size of {limit_bytes} bytes.",
        meta={"param_name": name},
    )


def identifier_exists(name: str = "email_address") -> ClerkError:
    return ClerkError(
        422,
        "form_identifier_exists",
        "That email address is taken. Please try another.",
        meta={"param_name": name},
    )


def identifier_not_found() -> ClerkError:
    return ClerkError(
        422, "form_identifier_not_found", "Couldn't find your account.", meta={"param_name": "identifier"}
    )


def password_incorrect() -> ClerkError:
    return ClerkError(
        422,
        "form_password_incorrect",
        "Password is incorrect. Try again, or use another method.",
        meta={"param_name": "password"},
    )


def password_too_short() -> ClerkError:
    return ClerkError(
        422,
        "form_password_length_too_short",
        "Passwords must be 8 characters or more.",
        meta={"param_name": "password"},
    )


def user_banned() -> ClerkError:
    return ClerkError(
        403, "user_banned", "User banned", "You have been banned. If you think this was by mistake, contact support."
    )


def user_locked() -> ClerkError:
    return ClerkError(403, "user_locked", "Account locked", "Your account is locked.")


def ticket_invalid() -> ClerkError:
    return ClerkError(400, "ticket_invalid_code", "ticket is invalid", "Ticket is invalid.", meta=_TICKET)


def ticket_expired() -> ClerkError:
    return ClerkError(400, "ticket_expired_code", "ticket has expired", "This ticket has expired.", meta=_TICKET)


def ticket_already_used() -> ClerkError:
    return ClerkError(
        400,
        "sign_in_token_already_used_code",
        "sign in token has already been used",
        "This sign in token has already been used. Each token can only be used once.",
        meta=_TICKET,
    )


def ticket_revoked() -> ClerkError:
    return ClerkError(
        400,
        "sign_in_token_revoked_code",
        "sign in token has been revoked",
        "This sign in token has been revoked and cannot be used anymore.",
        meta=_TICKET,
    )


def session_exists() -> ClerkError:
    return ClerkError(400, "session_exists", "Session already exists", "You're already signed in.")


def signed_out() -> ClerkError:
    return ClerkError(401, "signed_out", "Signed out", "You are signed out")


def dev_browser_unauthenticated() -> ClerkError:
    return ClerkError(
        401,
        "dev_browser_unauthenticated",
        "Browser unauthenticated",
        "Unable to authenticate this browser for your development instance. Check your Clerk cookies and try again.",
    )


def origin_invalid() -> ClerkError:
    return ClerkError(
        400,
        "origin_invalid",
        "Invalid HTTP Origin header",
        "The Request HTTP Origin header must be equal to or a subdomain of the requesting URL.",
    )


def unavailable(status: int) -> ClerkError:
    """A failure of Clerk itself: 503 for maintenance, else an internal error."""
    if status == 503:
        return ClerkError(503, "maintenance_mode", "System under maintenance", "We will be back shortly.")
    return ClerkError(status, "internal_clerk_error", "Oops, an unexpected error occurred")


def too_many_requests(retry_after_seconds: int) -> ClerkError:
    return ClerkError(
        429,
        "too_many_requests",
        "Too many requests. Please try again in a bit.",
        headers={"Retry-After": str(retry_after_seconds)},
    )


_TICKET = {"param_name": "ticket"}
