"""Owns the controls of instances: shows what a developer copies from Clerk's dashboard, and rotates signing keys."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.clerk.controls.requests import fields_of, instance_of
from devstack.clerk.stand_in import StandIn


async def show(stand_in: StandIn, request: Request) -> Response:
    instances = [
        {
            "name": instance.name,
            "id": instance.id,
            "publishableKey": instance.publishable_key,
            "secretKey": instance.secret_key,
            "issuer": instance.issuer,
            "jwksUrl": f"{instance.issuer}/.well-known/jwks.json",
            "jwtKey": stand_in.keys.public_pem(instance),
            "kid": stand_in.keys.current_kid(instance),
            "signInUrl": instance.hosted_url("sign-in"),
            "signUpUrl": instance.hosted_url("sign-up"),
            "accountUrl": instance.hosted_url("user"),
            "clerkJsUrl": instance.hosted_url("npm/@clerk/clerk-js@6/dist/clerk.browser.js"),
            "webhookUrl": instance.webhook.url if instance.webhook else None,
        }
        for instance in stand_in.config.instances
    ]
    return JSONResponse({"instances": instances})


async def rotate_key(stand_in: StandIn, request: Request) -> Response:
    """Makes the `instance` sign with a new key. If `keepOld` is false, the old keys are deleted from its JWKS."""
    fields = await fields_of(request)
    instance = instance_of(stand_in, fields)
    kid = stand_in.keys.rotate(instance, keep_old=bool(fields.get("keepOld", True)))
    return JSONResponse({"kid": kid, "jwks": stand_in.keys.jwks(instance)})
