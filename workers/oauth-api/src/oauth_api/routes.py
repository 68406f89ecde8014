"""Every endpoint of oauth-api: Stripe Connect, projects and tiers."""

from __future__ import annotations

from dream.auth.anonymous import nobody
from dream.http.app import App
from dream.http.health import health_of
from dream.http.idempotency import idempotent
from dream.http.routing import Route
from oauth_api.credentials.platform import paying_developer, platform_developer
from oauth_api.handlers import connect, projects, promotion, tiers

NAME = "oauth-api"

ROUTES = [
    Route("GET", "/health", nobody, health_of(NAME), rate_limited=False),
    Route("POST", "/authorize", paying_developer, connect.begin),
    Route("GET", "/authorize", nobody, connect.go_to_stripe),
    Route("GET", "/callback", nobody, connect.callback),
    Route("POST", "/disconnect", platform_developer, connect.disconnect),
    Route("POST", "/create-products", paying_developer, idempotent(projects.create_products, converges=True)),
    Route("GET", "/tiers", platform_developer, tiers.list_tiers),
    Route("PUT", "/tiers", platform_developer, tiers.update_tier),
    Route("POST", "/tiers/add", platform_developer, idempotent(tiers.add_tier, converges=True)),
    Route("DELETE", "/tiers", platform_developer, tiers.delete_tier),
    Route("POST", "/promote-to-live", paying_developer, idempotent(promotion.promote_to_live, converges=True)),
]

APP = App(NAME, ROUTES, any_origin=False)
