"""The error family: every refusal a caller can see, with its HTTP status and code. Imports nothing of ours.

An error is raised where it is found and rendered once, at the edge. `message` is safe to show; what only the log may see goes into
`reason`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class ApiError(Exception):
    """One answer in the one error shape.

    `error` is a short phrase, `code` its snake_case name, `message` one helpful sentence; `extra` holds further public members
    of the answer, `reason` is for the log alone.
    """

    status: ClassVar[int] = 500
    error: str = "Internal error"
    code: str = "internal_error"
    message: str = "Something went wrong on our side. Try again, and name the requestId if it stays."

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
        """The members of the error shape, without the request id, which the edge adds."""
        return {"error": self.error, "code": self.code, "message": self.message, **self.extra}


class BadRequest(ApiError):
    """400: malformed. `fields` maps each bad field to what is wrong with it."""

    status = 400
    error = "Bad request"
    code = "bad_request"
    message = "The request is malformed."


class InvalidFields(BadRequest):
    """400: all bad fields at once."""

    code = "invalid_fields"

    def __init__(self, fields: Mapping[str, str]) -> None:
        names = ", ".join(fields)
        super().__init__(f"These fields are missing or wrong: {names}.", fields=dict(fields))


class Unauthorized(ApiError):
    """401: no credential, or one that proves nothing."""

    status = 401
    error = "Unauthorized"
    code = "unauthorized"
    message = "A valid credential is needed."

    def __init__(self, message: str | None = None, **details: Any) -> None:
        super().__init__(message, headers={"WWW-Authenticate": "Bearer"}, **details)


class PaymentRequired(ApiError):
    """402: the platform has not paid."""

    status = 402
    error = "Payment required"
    code = "payment_required"
    message = "An active dream-api subscription is needed for this."


class Forbidden(ApiError):
    """403: known, but not allowed."""

    status = 403
    error = "Forbidden"
    code = "forbidden"
    message = "This credential may not do that."


class NotFound(ApiError):
    """404: absent, or another tenant's; the answer is the same."""

    status = 404
    error = "Not found"
    code = "not_found"
    message = "There is nothing here by that name."


class MethodNotAllowed(ApiError):
    """405, with the methods that the path knows."""

    status = 405
    error = "Method not allowed"
    code = "method_not_allowed"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"This path answers {allowed}.", headers={"Allow": allowed})


class Conflict(ApiError):
    """409: the state of things does not allow it now."""

    status = 409
    error = "Conflict"
    code = "conflict"
    message = "The request conflicts with the present state."


class TooLarge(ApiError):
    """413: the body is over its cap."""

    status = 413
    error = "Payload too large"
    code = "payload_too_large"

    def __init__(self, cap_bytes: int) -> None:
        super().__init__(f"The body may have {cap_bytes} bytes at most.", maxBytes=cap_bytes)


class UnsupportedMediaType(ApiError):
    """415: a media type that the route does not take."""

    status = 415
    error = "Unsupported media type"
    code = "unsupported_media_type"
    message = "This route takes another Content-Type."


class Unprocessable(ApiError):
    """422: understood, but impossible."""

    status = 422
    error = "Unprocessable"
    code = "unprocessable"
    message = "The request is well formed but can't be carried out."


class PreconditionRequired(ApiError):
    """428: something else has to be set up first."""

    status = 428
    error = "Precondition required"
    code = "precondition_required"
    message = "Something else has to be set up first."


class RateLimited(ApiError):
    """429, with `Retry-After` in whole seconds."""

    status = 429
    error = "Too many requests"
    code = "rate_limited"

    def __init__(self, retry_after_seconds: int = 60) -> None:
        super().__init__(
            f"Too many requests. Try again in {retry_after_seconds} seconds.",
            headers={"Retry-After": str(retry_after_seconds)},
        )


class VendorFailed(ApiError):
    """502: Stripe or Clerk answered with an error that is not the caller's, or not at all."""

    status = 502
    error = "Bad gateway"
    code = "vendor_failed"
    message = "A service that we depend on failed. Nothing was lost; try again shortly."


class Unavailable(ApiError):
    """503: our database or a vendor can't be reached just now."""

    status = 503
    error = "Service unavailable"
    code = "unavailable"
    message = "The service is briefly unavailable. Nothing was lost; try again shortly."

    def __init__(self, message: str | None = None, **details: Any) -> None:
        super().__init__(message, headers={"Retry-After": "5"}, **details)


class DatabaseFailed(Unavailable):
    """503: D1 failed. `reason` has D1's own words."""

    code = "database_unavailable"


class ConstraintFailed(Exception):
    """A D1 constraint, or a trigger's RAISE(ABORT), refused a batch. `detail` has SQLite's words; handlers turn it into an answer."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)
