"""The uploaded part of stripe, without the files that wrangler.toml excludes, does all that the workers need."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from deploy import vendor
from deploy.imports import file_in, imported_by

# The excluded parts of stripe. `stripe.events` is imported only inside functions, for events of version 2 of Stripe's API.
EXCLUDED = ("stripe.events", "stripe.params")

# Runs in a separate Python process, which imports the uploaded `stripe` and no HTTP library.
STORY = """
import asyncio, importlib, json, sys
for name in ("requests", "httpx", "aiohttp", "pycurl"):
    sys.modules[name] = None
import stripe
from stripe._object_classes import OBJECT_CLASSES
sent = []

class Client(stripe.HTTPClient):
    name = "test"

    async def request_async(self, method, url, headers, post_data=None, **more):
        sent.append([method, url, post_data])
        body = {"id": "cus_1", "object": "customer", "default_source": {"object": "issuing.card", "id": "ic_1"},
                "next": {"object": "of_tomorrow"},
                "subscriptions": {"object": "list", "data": [{"object": "subscription", "id": "sub_1"}]}}
        return json.dumps(body), 200, {"request-id": "req_1"}

client = stripe.StripeClient("sk_test_1", http_client=Client(), max_network_retries=1)
customer = asyncio.run(client.v1.customers.create_async({"email": "a@example.com"}, {"stripe_account": "acct_1"}))
assert sent == [["post", "https://api.stripe.com/v1/customers", "email=a%40example.com"]], sent
assert type(customer).__name__ == "Customer"
assert type(customer.subscriptions.data[0]).__name__ == "Subscription"
assert type(customer.default_source).__name__ == "Card"
assert type(customer.next).__name__ == "StripeObject"
assert stripe.__file__.startswith(HERE), stripe.__file__
for module, name in OBJECT_CLASSES.values():
    getattr(importlib.import_module(module), name)
for service in SERVICES:
    getattr(client.v1, service)
"""
SERVICES = ("accounts", "billing_portal", "charges", "checkout", "customers", "events", "invoices", "payment_intents")
SERVICES += ("prices", "products", "refunds", "subscriptions", "subscription_items")


def test_calls_work_and_every_resource_class_can_be_imported() -> None:
    folder = vendor.libraries("api-multi")
    story = f"SERVICES, HERE = {SERVICES!r}, {str(folder)!r}\n{STORY}"
    subprocess.run([sys.executable, "-B", "-W", "error", "-c", story], cwd=folder, check=True)


def test_every_import_that_runs_is_uploaded() -> None:
    package = vendor.libraries("api-multi") / "stripe"
    for path in package.rglob("*.py"):
        for name in imported_by(ast.parse(path.read_text(encoding="utf-8"))):
            if name.partition(".")[0] != "stripe" or name.startswith(EXCLUDED):
                continue
            in_module = file_in(package, name) or file_in(package, name.rpartition(".")[0])
            assert in_module, f"{path} imports {name}"


@pytest.mark.parametrize("excluded", EXCLUDED)
def test_what_is_excluded_is_not_uploaded(excluded: str) -> None:
    assert file_in(vendor.libraries("api-multi") / "stripe", excluded) is None
