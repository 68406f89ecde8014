"""Every endpoint of oauth-api: Stripe Connect and tiers."""

from __future__ import annotations

from dream.auth.anonymous import nobody
from dream.http.app import App
from dream.http.health import health_of
from dream.http.routing import Route

NAME = "oauth-api"

ROUTES = [
    Route("GET", "/health", nobody, health_of(NAME), rate_limited=False),
]

APP = App(NAME, ROUTES, any_origin=False)
