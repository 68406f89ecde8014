"""`Idempotency-Key`: a repeat within 24 hours gets the first answer again; the same key with another request is refused.

The rules are Stripe's: https://docs.stripe.com/api/idempotent_requests. Answers are stored encrypted, because some hold a new secret
key. `POST /api/data` counts and stores its answer in one batch instead: see `dream.db.usage`.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from dream.crypto import sealing
from dream.db import idempotency_keys
from dream.db.idempotency_keys import Claim
from dream.domain.timestamps import iso
from dream.errors import ApiError, BadRequest, Conflict
from dream.http.app import render_error
from dream.http.request import Request
from dream.http.response import Response
from dream.http.routing import Handler
from dream.runtime.context import Context

ANSWER_TTL_SECONDS = 24 * 3600
LEASE_SECONDS = 30
"""A claim without an answer that is older than this belongs to a request that died. A retry replaces it."""


class KeyReused(Conflict):
    """409: another request has the key."""

    error = "Idempotency key reused"
    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used with another request. Use a new key for a new request."


class KeyInUse(Conflict):
    """409: the first request with the key is still being answered."""

    error = "Request in progress"
    code = "idempotency_key_in_use"
    message = "The first request with this Idempotency-Key is still being answered. Try again in a moment."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "2"})


def key_of(request: Request) -> str | None:
    """The Idempotency-Key, None if there is none. Raises BadRequest if it is malformed."""
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
    """The handler, made idempotent: a repeat gets the answer of the first call. For principals with an `idempotency_scope`.

    Answers below 500 are stored, errors included, as Stripe does. An answer of 429, or of 500 and above, releases the key. A handler
    that `converges` reaches the same result when two calls of the same request run at once, so a retry does not have to wait until the
    first call has certainly died.
    """
    lease_seconds = -1 if converges else LEASE_SECONDS

    async def handle_once(context: Context, request: Request, principal: Any) -> Response:
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
        if claim.claim_id != claim_id:
            return await _replay(context, claim, fingerprint, f"{scope}:{key}")
        return await _answer_first(context, request, principal, handler, scope, key, claim_id)

    return handle_once


async def _answer_first(
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
    answer = {"status": response.status, "body": response.body, "requestId": context.request_id}
    sealed = await sealing.seal(context, json.dumps(answer), purpose=f"idempotency:{scope}:{key}")
    await idempotency_keys.store_answer(context.db, scope, key, claim_id, sealed)
    return response


async def _replay(context: Context, claim: Claim, fingerprint: str, subject: str) -> Response:
    if claim.fingerprint != fingerprint:
        raise KeyReused()
    if claim.answer is None:
        raise KeyInUse()
    answer = json.loads(await sealing.open_sealed(context, claim.answer, purpose=f"idempotency:{subject}"))
    context.request_id = answer["requestId"]
    return Response(answer["status"], answer["body"], headers={"Idempotent-Replayed": "true"})


async def _fingerprint(request: Request) -> str:
    digest = hashlib.sha256(f"{request.method} {request.path}?{request.query_string}\n".encode())
    digest.update((request.headers.get("x-user-id") or "").encode() + b"\n")
    digest.update(await request.body())
    return digest.hexdigest()
