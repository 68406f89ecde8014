"""Every endpoint of api-multi: what client apps call."""

from __future__ import annotations

from api_multi.credentials.dashboard_viewer import dashboard_viewer
from api_multi.credentials.shopper import shopper
from api_multi.handlers import (
    assets,
    cart,
    checkout,
    customers,
    dashboard,
    orders,
    portal,
    products,
    tiers,
    usage,
    webhook,
)
from dream.auth.anonymous import nobody
from dream.auth.end_user import counted_end_user, end_user
from dream.auth.project_keys import any_project_key, secret_key
from dream.http.app import App
from dream.http.health import health_of
from dream.http.idempotency import idempotent
from dream.http.routing import Route

NAME = "api-multi"

ROUTES = [
    Route("GET", "/health", nobody, health_of(NAME), rate_limited=False),
    Route("POST", "/api/data", counted_end_user, usage.count_call, rate_limited=False),  # limited by its own statement
    Route("GET", "/api/usage", counted_end_user, usage.read_usage),
    Route("POST", "/api/create-checkout", end_user, idempotent(checkout.create_checkout)),
    Route("POST", "/api/customer-portal", end_user, idempotent(portal.open_portal)),
    Route("POST", "/api/customers", secret_key, idempotent(customers.create_customer)),
    Route("GET", "/api/customers", secret_key, customers.list_customers),
    Route("GET", "/api/customers/:id", secret_key, customers.read_customer),
    Route("PATCH", "/api/customers/:id", secret_key, customers.change_customer),
    Route("DELETE", "/api/customers/:id", secret_key, customers.delete_customer),
    Route("GET", "/api/tiers", any_project_key, tiers.list_tiers),
    Route("GET", "/api/products", any_project_key, products.list_products),
    Route("POST", "/api/cart/checkout", shopper, idempotent(cart.checkout)),
    Route("GET", "/api/cart/orders/:id", secret_key, orders.read_order),
    Route("GET", "/api/orders", secret_key, orders.list_orders),
    Route("GET", "/api/dashboard", dashboard_viewer, dashboard.show),
    Route("GET", "/api/dashboard/totals", dashboard_viewer, dashboard.show_totals),
    Route("POST", "/api/assets", secret_key, assets.upload),
    Route("GET", "/api/assets/:key", nobody, assets.serve),
    Route("POST", "/webhook/stripe", nobody, webhook.receive, rate_limited=False),  # Stripe is never refused
]

APP = App(NAME, ROUTES, any_origin=True)
