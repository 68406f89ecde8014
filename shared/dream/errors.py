"""The errors that a caller can see, each with its HTTP status and code. Imports nothing of this package.

An error is raised where it is found. `dream.http.app` renders it once. `message` tells the caller what to do and must be safe to
show; `reason` goes to the log only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class ApiError(Exception):
    """An error that becomes an answer. Every error answer has the same shape.

    `error` is a short phrase for the status, `code` a snake_case name for programs, `message` a sentence for people, and `extra` has
    further public members of the answer. `reason` is for the log only.
    """

    status: ClassVar[int] = 500
    error: str = "Internal error"
    code: str = "internal_error"
    message: str = "Something failed on our side. Try again. If this persists, contact support with this requestId."

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        error: str | None = None,
        reason: str = "",
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        self.message = message or type(self).message
        self.code = code or type(self).code
        self.error = error or type(self).error
        self.reason = reason
        self.headers: Mapping[str, str] = headers or {}
        self.extra: dict[str, Any] = extra
        super().__init__(self.code)

    def to_json(self) -> dict[str, Any]:
        """The members of the answer, except `requestId`, which `dream.http.app` adds."""
        return {"error": self.error, "code": self.code, "message": self.message, **self.extra}


class BadRequest(ApiError):
    """400: the request is malformed. `fields` maps the name of each bad field to what is wrong with it."""

    status = 400
    error = "Bad request"
    code = "bad_request"
    message = "The request is malformed. Compare it with the API reference."


class InvalidFields(BadRequest):
    """400: some fields are missing or wrong. One answer names all of them."""

    code = "invalid_fields"

    def __init__(self, fields: Mapping[str, str]) -> None:
        names = ", ".join(fields)
        super().__init__(
            f"These fields are missing or wrong: {names}. See `fields` for each of them.", fields=dict(fields)
        )


class Unauthorized(ApiError):
    """401: the request has no credential, or the credential is not valid."""

    status = 401
    error = "Unauthorized"
    code = "unauthorized"
    message = "Send a valid credential in the Authorization header."

    def __init__(self, message: str | None = None, **details: Any) -> None:
        super().__init__(message, headers={"WWW-Authenticate": "Bearer"}, **details)


class PaymentRequired(ApiError):
    """402: the developer's platform has not paid."""

    status = 402
    error = "Payment required"
    code = "payment_required"
    message = "This needs an active dream-api subscription. The developer can subscribe in the dashboard."


class Forbidden(ApiError):
    """403: the caller is known, but may not do this."""

    status = 403
    error = "Forbidden"
    code = "forbidden"
    message = "This credential may not do this. Use a credential that may."


class NotFound(ApiError):
    """404: it does not exist, or it belongs to another tenant. The answer is the same, so that nobody can tell which."""

    status = 404
    error = "Not found"
    code = "not_found"
    message = "Nothing was found under this name. Check the name and the project."


class MethodNotAllowed(ApiError):
    """405: the path exists, but not with this method. `allowed` lists the methods that it has."""

    status = 405
    error = "Method not allowed"
    code = "method_not_allowed"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"This path does not have this method. Use one of: {allowed}.", headers={"Allow": allowed})


class Conflict(ApiError):
    """409: the present state does not allow the request."""

    status = 409
    error = "Conflict"
    code = "conflict"
    message = "The request conflicts with the present state. Read the state again, then decide."


class TooLarge(ApiError):
    """413: the body is larger than `cap_bytes`."""

    status = 413
    error = "Payload too large"
    code = "payload_too_large"

    def __init__(self, cap_bytes: int) -> None:
        super().__init__(f"The body is too large. Send at most {cap_bytes} bytes.", maxBytes=cap_bytes)


class UnsupportedMediaType(ApiError):
    """415: the route does not accept this Content-Type."""

    status = 415
    error = "Unsupported media type"
    code = "unsupported_media_type"
    message = "This route does not accept this Content-Type. See the API reference."


class Unprocessable(ApiError):
    """422: the request is understood, but cannot be carried out."""

    status = 422
    error = "Unprocessable"
    code = "unprocessable"
    message = "The request is well formed but cannot be carried out."


class PreconditionRequired(ApiError):
    """428: something else must be set up first."""

    status = 428
    error = "Precondition required"
    code = "precondition_required"
    message = "Something else must be set up first. See the API reference."


class RateLimited(ApiError):
    """429: too many requests. `Retry-After` has whole seconds."""

    status = 429
    error = "Too many requests"
    code = "rate_limited"

    def __init__(self, retry_after_seconds: int = 60) -> None:
        super().__init__(
            f"Too many requests. Try again in {retry_after_seconds} seconds.",
            headers={"Retry-After": str(retry_after_seconds)},
        )


class VendorFailed(ApiError):
    """502: Stripe or Clerk failed, or refused a call that the caller could not have got wrong."""

    status = 502
    error = "Bad gateway"
    code = "vendor_failed"
    message = "A service that we depend on failed. Nothing was lost. Try again in a moment."


class Unavailable(ApiError):
    """503: the database or a vendor cannot be reached. `Retry-After` is 5 seconds."""

    status = 503
    error = "Service unavailable"
    code = "unavailable"
    message = "The service is unavailable for a moment. Nothing was lost. Try again in a few seconds."

    def __init__(self, message: str | None = None, **details: Any) -> None:
        super().__init__(message, headers={"Retry-After": "5"}, **details)


class DatabaseFailed(Unavailable):
    """503: D1 failed. `reason` has the message of D1."""

    code = "database_unavailable"


class ConstraintFailed(Exception):
    """A constraint of D1, or RAISE(ABORT) in a trigger, refused a batch. `detail` has the message of SQLite.

    This is not an answer: the caller of the batch catches it and raises an ApiError.
    """

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)
