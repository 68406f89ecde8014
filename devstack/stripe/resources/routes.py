"""The API's route table: the routes of all resources."""

from devstack.stripe.resources import (
    accounts,
    balance_transactions,
    billing_portal_configurations,
    billing_portal_sessions,
    charges,
    checkout_sessions,
    customers,
    disputes,
    event_log,
    invoice_payments,
    invoices,
    payment_intents,
    payment_methods,
    prices,
    products,
    refunds,
    subscriptions,
)
from devstack.stripe.routing import Route

TABLE: list[Route] = [
    *accounts.ROUTES,
    *balance_transactions.ROUTES,
    *billing_portal_configurations.ROUTES,
    *billing_portal_sessions.ROUTES,
    *charges.ROUTES,
    *checkout_sessions.ROUTES,
    *customers.ROUTES,
    *disputes.ROUTES,
    *event_log.ROUTES,
    *invoice_payments.ROUTES,
    *invoices.ROUTES,
    *payment_intents.ROUTES,
    *payment_methods.ROUTES,
    *prices.ROUTES,
    *products.ROUTES,
    *refunds.ROUTES,
    *subscriptions.ROUTES,
]
