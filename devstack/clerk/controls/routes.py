"""The table of controls: method, path, view."""

from __future__ import annotations

from devstack.clerk.controls import clock, faults, instances, users, webhooks
from devstack.clerk.stand_in import StandIn
from devstack.kit import controls
from devstack.kit.controls import View

TABLE: list[tuple[str, str, View[StandIn]]] = [
    ("GET", "/_devstack/instances", instances.show),
    ("POST", "/_devstack/keys/rotate", instances.rotate_key),
    ("POST", "/_devstack/users", users.create_user),
    ("POST", "/_devstack/tokens", users.mint_token),
    ("POST", "/_devstack/sessions/status", users.set_session_status),
    ("GET", "/_devstack/clock", clock.show),
    ("POST", "/_devstack/clock", clock.move),
    ("GET", "/_devstack/calls", faults.calls),
    ("DELETE", "/_devstack/calls", faults.clear_calls),
    ("GET", "/_devstack/faults", faults.show),
    ("POST", "/_devstack/faults", faults.add),
    ("DELETE", "/_devstack/faults", faults.clear),
    ("GET", "/_devstack/webhooks", webhooks.show),
    ("DELETE", "/_devstack/webhooks", webhooks.clear),
    ("POST", "/_devstack/webhooks/pause", controls.pause),
    ("POST", "/_devstack/webhooks/resume", controls.resume),
    ("POST", "/_devstack/webhooks/drop", webhooks.drop),
    ("POST", "/_devstack/webhooks/duplicate", webhooks.duplicate),
    ("POST", "/_devstack/webhooks/resend", webhooks.resend),
    ("POST", "/_devstack/webhooks/send", webhooks.send),
    ("POST", "/_devstack/webhooks/wait-idle", webhooks.idle),
]
