"""Who buys: the key names the project, and a header or a token may name one of its end users."""

from __future__ import annotations

from dataclasses import dataclass

from dream.auth import project_keys
from dream.auth.end_user import end_user
from dream.domain.project import Project
from dream.http.request import Request
from dream.runtime.context import Context


@dataclass(frozen=True, slots=True)
class Shopper:
    """A buyer in a store. A guest if `user_id` is None."""

    project: Project
    user_id: str | None
    email: str | None
    secret_key_hash: str | None
    address: str

    @property
    def rate_key(self) -> str:
        """Rate limits count per user; per project for a backend that names no user; per IP address for guests."""
        publishable_key = self.project.publishable_key
        if self.user_id is not None:
            return f"user:{publishable_key}:{self.user_id}"
        if self.secret_key_hash is not None:
            return f"project:{publishable_key}"
        return f"guest:{publishable_key}:{self.address}"

    @property
    def idempotency_scope(self) -> str:
        """Idempotency keys are per project under a secret key, per user under a token. All guests of a project share one scope."""
        publishable_key = self.project.publishable_key
        if self.secret_key_hash is not None:
            return publishable_key
        return f"{publishable_key}:{self.user_id or ''}"


async def shopper(context: Context, request: Request) -> Shopper:
    """The credential of the cart. Raises what the check of the key raises and, if there is a token, what its check raises."""
    bearer = project_keys.bearer(request)
    has_secret_key = bearer is not None and bearer.startswith("sk_")
    has_token = request.headers.get("x-clerk-token") is not None or (bearer is not None and not has_secret_key)
    if has_token or (has_secret_key and request.headers.get("x-user-id") is not None):
        user = await end_user(context, request)
        return Shopper(user.project, user.user_id, user.email, user.secret_key_hash, request.address)
    caller = await project_keys.any_project_key(context, request)
    if has_secret_key:
        project_keys.require_same_project(caller, request)
    return Shopper(caller.project, None, None, caller.secret_key_hash, request.address)
