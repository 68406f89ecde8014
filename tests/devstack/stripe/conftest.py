"""Fixtures: a running Stripe stand-in on a free port, a receiver of webhooks, and the official client for the stand-in."""

import json
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe
import uvicorn

from devstack.stripe.app import create_app
from devstack.stripe.config import Config
from tests.devstack.stripe import conformity

KEYS = {"test": "sk_test_local0000000000000001", "live": "sk_live_local0000000000000001"}
CLIENT_IDS = {"test": "ca_test_local", "live": "ca_live_local"}
PLATFORM = "acct_1Platform00000001"
REDIRECT = "http://localhost:9/callback"
SECRETS = {"/platform": "whsec_platform", "/connect-test": "whsec_connect_test", "/connect-live": "whsec_connect_live"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Delivery:
    path: str
    body: str
    signature: str

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass
class Receiver:
    """Receives webhooks. `answer` returns the status for a delivery, 200 by default."""

    url: str
    deliveries: list[Delivery] = field(default_factory=list)
    clock_pushes: list[int] = field(default_factory=list)
    answer: Callable[[Delivery], int] = lambda delivery: 200

    def types(self, path: str | None = None) -> list[str]:
        return [d.event["type"] for d in self.deliveries if path is None or d.path == path]

    def events(self, event_type: str) -> list[dict[str, Any]]:
        return [d.event for d in self.deliveries if d.event["type"] == event_type]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status = 200
            if self.path == "/clock":
                made.clock_pushes.append(json.loads(body)["offsetSeconds"])
            else:
                delivery = Delivery(self.path, body, self.headers["Stripe-Signature"])
                made.deliveries.append(delivery)
                status = made.answer(delivery)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Prints nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


class Service:
    """One running stand-in."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = {
            "keys": KEYS,
            "clientIds": CLIENT_IDS,
            "redirectUris": [REDIRECT],
            "publicUrl": self.url,
            "platformAccount": PLATFORM,
            "retryBaseSeconds": 0.05,
            "retryAttempts": 5,
            "webhookEndpoints": [
                {"url": f"{receiver.url}/platform", "secret": SECRETS["/platform"], "connect": False, "livemode": None},
                {
                    "url": f"{receiver.url}/connect-test",
                    "secret": SECRETS["/connect-test"],
                    "connect": True,
                    "livemode": False,
                },
                {
                    "url": f"{receiver.url}/connect-live",
                    "secret": SECRETS["/connect-live"],
                    "connect": True,
                    "livemode": True,
                },
            ],
            "clockSubscribers": [f"{receiver.url}/clock"],
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=30)

    def start(self) -> None:
        """Starts the stand-in in a thread of this process."""
        app = create_app(Config.from_json(self.config), database=str(self.folder / "stripe.sqlite"))
        self._server = uvicorn.Server(uvicorn.Config(app, port=self.port, log_level="warning", lifespan="on"))
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        self._wait(self._thread.is_alive)

    def start_process(self) -> None:
        """Starts the stand-in as a program."""
        config = self.folder / "stripe.json"
        config.write_text(json.dumps(self.config))
        command = [sys.executable, "-m", "devstack.stripe", "--config", str(config), "--port", str(self.port)]
        process = self._process = subprocess.Popen([*command, "--db", str(self.folder / "stripe.sqlite")])
        self._wait(lambda: process.poll() is None)

    def _wait(self, alive: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self.http.get("/_devstack/health").raise_for_status()
                return
            except httpx.TransportError:
                if time.monotonic() > deadline or not alive():
                    raise
                time.sleep(0.02)

    def stop(self) -> None:
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(20)
            self._server = self._thread = None
        if self._process:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def nonconformities(self) -> list[str]:
        """The differences between stripe-python's resource classes and all objects and events that this service has stored."""
        with closing(sqlite3.connect(self.folder / "stripe.sqlite")) as database:
            rows = [json.loads(data) for (data,) in database.execute("SELECT data FROM objects")]
        shown = [{name: value for name, value in row.items() if not name.startswith("_")} for row in rows]
        shown = [row for row in shown if not row.get("deleted")]
        shown += [row["data"]["object"] for row in shown if row["object"] == "event"]
        return sorted({problem for row in shown for problem in conformity.check(row)})

    def client(self, mode: str = "test", account: str | None = None) -> stripe.StripeClient:
        bases: Any = {"api": self.url, "connect": self.url}
        return stripe.StripeClient(
            KEYS[mode], base_addresses=bases, stripe_account=account, client_id=CLIENT_IDS[mode], max_network_retries=0
        )

    def control(self, path: str, body: dict[str, Any] | None = None, *, status: int = 200) -> dict[str, Any]:
        answer = self.http.post(f"/_devstack/{path}", json=body or {})
        assert answer.status_code == status, answer.text
        return answer.json()

    def look(self, control: str, **query: str) -> dict[str, Any]:
        return self.http.get(f"/_devstack/{control}", params=query).raise_for_status().json()

    def settle(self) -> None:
        """Waits until every webhook is delivered."""
        assert self.look("webhooks/idle", timeout="15")["idle"]

    def advance(self, *, days: float = 0, hours: float = 0, seconds: int = 0) -> None:
        self.control("clock", {"advanceSeconds": int(days * 86400 + hours * 3600) + seconds})
        self.settle()

    def connect(self, mode: str = "test", **fields: str) -> str:
        return self.control("accounts", {"connect": mode, **fields})["id"]


@pytest.fixture
def service(tmp_path: Path, receiver: Receiver) -> Iterator[Service]:
    made = Service(tmp_path, receiver)
    made.start()
    yield made
    made.stop()
    made.http.close()
    assert made.nonconformities() == []


@pytest.fixture
def client(service: Service) -> stripe.StripeClient:
    return service.client()
