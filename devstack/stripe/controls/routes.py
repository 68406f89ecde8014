"""The table of controls: method, path, view."""

from devstack.kit import controls
from devstack.kit.controls import View
from devstack.stripe.controls import buyers, clock, faults, sellers, webhooks
from devstack.stripe.stand_in import StandIn

TABLE: list[tuple[str, str, View[StandIn]]] = [
    ("GET", "/_devstack/health", clock.health),
    ("GET", "/_devstack/clock", clock.show),
    ("POST", "/_devstack/clock", clock.move),
    ("POST", "/_devstack/checkout/{session_id}/pay", buyers.pay_session),
    ("POST", "/_devstack/checkout/{session_id}/settle", buyers.settle_session),
    ("POST", "/_devstack/refunds", buyers.refund),
    ("POST", "/_devstack/disputes", buyers.open_dispute),
    ("POST", "/_devstack/disputes/{dispute_id}/close", buyers.close_dispute),
    ("POST", "/_devstack/payment-methods/{object_id}/behaviour", buyers.fail_method),
    ("POST", "/_devstack/customers/{customer_id}/card", buyers.replace_card),
    ("GET", "/_devstack/accounts", sellers.list_accounts),
    ("POST", "/_devstack/accounts", sellers.create_account),
    ("POST", "/_devstack/accounts/{account_id}/disconnect", sellers.disconnect),
    ("POST", "/_devstack/connect/authorize", sellers.authorize),
    ("POST", "/_devstack/portal/default", sellers.portal_default),
    ("GET", "/_devstack/webhooks", webhooks.show),
    ("GET", "/_devstack/webhooks/pending", webhooks.pending),
    ("GET", "/_devstack/webhooks/idle", webhooks.idle),
    ("POST", "/_devstack/webhooks/pause", controls.pause),
    ("POST", "/_devstack/webhooks/resume", controls.resume),
    ("GET", "/_devstack/webhooks/rules", webhooks.show_rules),
    ("POST", "/_devstack/webhooks/rules", webhooks.set_rules),
    ("DELETE", "/_devstack/webhooks/rules", webhooks.clear_rules),
    ("POST", "/_devstack/webhooks/deliver", webhooks.deliver),
    ("POST", "/_devstack/webhooks/resend", webhooks.resend),
    ("POST", "/_devstack/webhooks/retry", webhooks.retry),
    ("GET", "/_devstack/events", webhooks.events),
    ("GET", "/_devstack/faults", faults.show),
    ("POST", "/_devstack/faults", faults.add),
    ("DELETE", "/_devstack/faults", faults.clear),
    ("GET", "/_devstack/calls", faults.calls),
    ("DELETE", "/_devstack/calls", faults.clear_calls),
]
