"""Every endpoint of sign-up: end users signing up and in."""

from __future__ import annotations

from dream.auth.anonymous import nobody
from dream.auth.end_user import end_user
from dream.http.app import App
from dream.http.health import health_of
from dream.http.routing import Route
from sign_up.credentials.signed_in_user import signed_in_user
from sign_up.handlers import assets, callback, completion, hosted, refresh, webhook
from sign_up.pages.layout import browsable

NAME = "sign-up"

ROUTES = [
    Route("GET", "/health", nobody, health_of(NAME), rate_limited=False),
    Route("GET", "/signup", nobody, browsable(hosted.sign_up)),
    Route("GET", "/signin", nobody, browsable(hosted.sign_in)),
    Route("GET", "/account", nobody, browsable(hosted.account)),
    Route("GET", "/callback", nobody, browsable(callback.show)),
    Route("POST", "/oauth/complete", signed_in_user, completion.complete),
    Route("GET", "/refresh", nobody, browsable(refresh.show)),
    Route("GET", "/refresh/status", end_user, refresh.status),
    Route("GET", "/assets/:name", nobody, assets.serve, rate_limited=False),  # served from memory, cached for ever
    Route("POST", "/webhook/clerk", nobody, webhook.receive, rate_limited=False),  # Clerk's events are never refused
]

APP = App(NAME, ROUTES, any_origin=True)
