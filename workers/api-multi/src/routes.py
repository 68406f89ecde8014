"""Every endpoint of api-multi: what client apps call."""

from __future__ import annotations

from dream.auth.anonymous import nobody
from dream.auth.end_user import end_user
from dream.auth.project_keys import any_project_key
from dream.http.app import App
from dream.http.health import health_of
from dream.http.routing import Route
from handlers import tiers, usage

NAME = "api-multi"

ROUTES = [
    Route("GET", "/health", nobody, health_of(NAME), rate_limited=False),
    Route("POST", "/api/data", end_user, usage.count_call, rate_limited=False),  # limited by its own statement
    Route("GET", "/api/usage", end_user, usage.read_usage),
    Route("GET", "/api/tiers", any_project_key, tiers.list_tiers),
]

APP = App(NAME, ROUTES, any_origin=True)
