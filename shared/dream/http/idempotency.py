"""`Idempotency-Key`: a repeat within 24 hours gets the first answer again, the same key with another body is refused.

As Stripe has it: https://docs.stripe.com/api/idempotent_requests. Answers are kept sealed, for some hold a new secret key.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from dream.crypto import sealing
from dream.db import idempotency_keys
from dream.domain.timestamps import iso
from dream.errors import ApiError, BadRequest, Conflict
from dream.http.app import render_error
from dream.http.request import Request
from dream.http.response import Response
from dream.http.routing import Handler
from dream.runtime.context import Context

ANSWER_TTL_SECONDS = 24 * 3600
LEASE_SECONDS = 30
"""A claim without an answer that is older belongs to a request that died; a retry takes it over."""


class KeyReused(Conflict):
    """409: the key was used for another request."""

    error = "Idempotency key reused"
    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used with another request. Use a new key for a new request."


class KeyInUse(Conflict):
    """409: the first request with this key is still being answered."""

    error = "Request in progress"
    code = "idempotency_key_in_use"
    message = "The first request with this Idempotency-Key is still being answered. Try again in a moment."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "2"})


def key_of(request: Request) -> str | None:
    """The Idempotency-Key, or None. Raises BadRequest for one that is no key."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise BadRequest(
            "Idempotency-Key must have 1 to 255 printable ASCII characters.",
            code="invalid_idempotency_key",
            fields={"Idempotency-Key": "1 to 255 printable ASCII characters"},
        )
    return key


def idempotent(handler: Handler, *, converges: bool = False) -> Handler:
    """The handler, answering repeats from what the first call was answered. For principals with an `idempotency_scope`.

    Answers below 500 are kept, errors included, as Stripe does; a failure of ours or a vendor's leaves the key free. A handler that
    `converges` comes to one result even while the first call runs: a retry need not wait to see whether that one died.
    """
    lease_seconds = -1 if converges else LEASE_SECONDS

    async def once(context: Context, request: Request, principal: Any) -> Response:
        key = key_of(request)
        if key is None:
            return await handler(context, request, principal)
        scope: str = principal.idempotency_scope
        claim_id = os.urandom(16).hex()
        fingerprint = await _fingerprint(request)
        now = context.now_seconds()
        claim = await idempotency_keys.claim(
            context.db,
            scope,
            key,
            fingerprint,
            claim_id,
            now=iso(now),
            lapsed_before=iso(now - ANSWER_TTL_SECONDS),
            abandoned_before=iso(now - lease_seconds),
        )
        if claim["claimId"] != claim_id:
            return await _replay(context, claim, fingerprint, f"{scope}:{key}")
        return await _first(context, request, principal, handler, scope, key, claim_id)

    return once


async def _first(
    context: Context, request: Request, principal: Any, handler: Handler, scope: str, key: str, claim_id: str
) -> Response:
    try:
        response = await handler(context, request, principal)
    except ApiError as error:
        response = render_error(error, context)
    except Exception:
        await idempotency_keys.release(context.db, scope, key, claim_id)
        raise
    if response.status >= 500 or response.status == 429:
        await idempotency_keys.release(context.db, scope, key, claim_id)
        return response
    kept = {"status": response.status, "body": response.body, "requestId": context.request_id}
    sealed = await sealing.seal(context, json.dumps(kept), purpose=f"idempotency:{scope}:{key}")
    await idempotency_keys.keep(context.db, scope, key, claim_id, sealed)
    return response


async def _replay(context: Context, claim: Any, fingerprint: str, subject: str) -> Response:
    if claim["fingerprint"] != fingerprint:
        raise KeyReused()
    if claim["answer"] is None:
        raise KeyInUse()
    kept = json.loads(await sealing.open_sealed(context, claim["answer"], purpose=f"idempotency:{subject}"))
    context.request_id = kept["requestId"]
    return Response(kept["status"], kept["body"], headers={"Idempotent-Replayed": "true"})


async def _fingerprint(request: Request) -> str:
    digest = hashlib.sha256(f"{request.method} {request.path}?{request.query_string}\n".encode())
    digest.update((request.headers.get("x-user-id") or "").encode() + b"\n")
    digest.update(await request.body())
    return digest.hexdigest()
