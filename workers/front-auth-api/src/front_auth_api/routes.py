"""Every endpoint of front-auth-api: the developer's own account."""

from __future__ import annotations

from dream.auth.anonymous import nobody
from dream.auth.developer import developer
from dream.http.app import App
from dream.http.health import health_of
from dream.http.idempotency import idempotent
from dream.http.routing import Route
from front_auth_api.handlers import allowance, assets, billing, credentials, keys, platforms, projects, webhooks

NAME = "front-auth-api"

ROUTES = [
    Route("GET", "/health", nobody, health_of(NAME), rate_limited=False),
    Route("POST", "/generate-platform-id", developer, idempotent(platforms.platform_id)),
    Route("POST", "/generate-credentials", developer, idempotent(platforms.platform_id)),
    Route("GET", "/get-platform-id", developer, platforms.platform_id),
    Route("POST", "/create-checkout", developer, idempotent(billing.create_checkout)),
    Route("GET", "/subscription", developer, billing.subscription),
    Route("POST", "/billing-portal", developer, idempotent(billing.billing_portal)),
    Route("POST", "/verify-auth", developer, allowance.verify_auth),
    Route("GET", "/get-credentials", developer, credentials.get_credentials),
    Route("GET", "/projects", developer, projects.list_projects),
    Route("PATCH", "/projects/:pk", developer, projects.change_project),
    Route("DELETE", "/projects/:pk", developer, projects.delete_project),
    Route("POST", "/projects/rotate-key", developer, idempotent(keys.rotate_key)),
    Route("POST", "/projects/revoke-key", developer, keys.revoke_key),
    Route("POST", "/upload-asset", developer, assets.upload_asset),
    Route("POST", "/webhook/stripe", nobody, webhooks.stripe, rate_limited=False),
    Route("POST", "/webhook/clerk", nobody, webhooks.clerk, rate_limited=False),
]

APP = App(NAME, ROUTES, any_origin=False)
