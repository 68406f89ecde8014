"""What is cut from stripe is never missed: the rest behaves as the whole package does."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import stripe

from deploy import stripe_subset

WHOLE = Path(stripe.__file__).parent

# Runs in a Python of its own, where `stripe` is the cut-down one. The runtime's Python has in `typing` and `warnings`
# what older ones have in typing_extensions.
STORY = """
import asyncio, json, sys, typing, typing_extensions, warnings
for name in typing_extensions.__all__:
    home = warnings if name == "deprecated" else typing
    if not hasattr(home, name):
        setattr(home, name, getattr(typing_extensions, name))
for name in ("requests", "httpx", "aiohttp", "pycurl", "typing_extensions"):
    sys.modules[name] = None
import stripe
sent = []

class Client(stripe.HTTPClient):
    name = "test"

    async def request_async(self, method, url, headers, post_data=None, **more):
        sent.append([method, url, post_data])
        body = {"id": "cus_1", "object": "customer", "default_source": {"object": "issuing.card", "id": "ic_1"},
                "subscriptions": {"object": "list", "data": [{"object": "subscription", "id": "sub_1"}]}}
        return json.dumps(body), 200, {"request-id": "req_1"}

client = stripe.StripeClient("sk_test_1", http_client=Client(), max_network_retries=1)
customer = asyncio.run(client.v1.customers.create_async({"email": "a@example.com"}, {"stripe_account": "acct_1"}))
assert sent == [["post", "https://api.stripe.com/v1/customers", "email=a%40example.com"]], sent
assert type(customer).__name__ == "Customer"
assert type(customer.subscriptions.data[0]).__name__ == "Subscription"
assert type(customer.default_source).__name__ == "StripeObject"
assert stripe.__file__.startswith(HERE), stripe.__file__
for service in SERVICES:
    getattr(client.v1, service)
"""
SERVICES = ("accounts", "billing_portal", "charges", "checkout", "customers", "events", "invoices", "payment_intents")
SERVICES += ("prices", "products", "refunds", "subscriptions", "subscription_items")


@pytest.fixture(scope="module")
def subset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("subset")
    stripe_subset.write_subset(WHOLE, folder / "stripe")
    return folder


def test_calls_and_objects_work_as_with_the_whole_package(subset: Path) -> None:
    story = f"SERVICES, HERE = {SERVICES!r}, {str(subset)!r}\n{STORY}"
    subprocess.run([sys.executable, "-W", "error", "-c", story], cwd=subset, check=True)


def test_every_import_that_runs_is_there(subset: Path) -> None:
    kept = {path.relative_to(subset).with_suffix("").as_posix().replace("/", ".") for path in subset.rglob("*.py")}
    kept |= {name.removesuffix(".__init__") for name in kept}
    for path in subset.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stripe"):
                assert node.module in kept, f"{path} imports {node.module}"


def test_it_is_a_small_part_of_the_package(subset: Path) -> None:
    size = sum(path.stat().st_size for path in subset.rglob("*.py"))
    assert size < sum(path.stat().st_size for path in WHOLE.rglob("*.py")) / 10


def test_an_unknown_root_is_named() -> None:
    with pytest.raises(LookupError, match="stripe"):
        stripe_subset.load(Path(__file__).parent)
