"""The Clerk stand-in as its own process on a free port, a webhook receiver, and clients of its Backend API."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from devstack.clerk.config import publishable_key
from tests.support.waiting import eventually

WEBHOOK_SECRET = "whsec_" + "c3RhbmQtaW4td2ViaG9vay1zZWNyZXQ="


@dataclass
class Received:
    """One webhook delivery as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass
class Receiver:
    """Takes webhooks; answers 200, or the next of `answers`."""

    url: str
    received: list[Received] = field(default_factory=list[Received])
    answers: list[int] = field(default_factory=list[int])

    def events(self, type: str, id: str) -> list[Received]:
        return [item for item in self.received if item.event["type"] == type and item.event["data"]["id"] == id]


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.received.append(Received(self.path, headers, body))
            self.send_response(found.answers.pop(0) if found.answers else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


class StandInProcess:
    """Starts, stops and restarts `python -m devstack.clerk` on one port and one database file."""

    def __init__(self, folder: Path, webhook_url: str) -> None:
        self.folder = folder
        self.port = _free_port()
        self.url = f"http://localhost:{self.port}"
        self.document = self._config(webhook_url)
        self._process: subprocess.Popen[bytes] | None = None

    def issuer(self, instance: str) -> str:
        return next(item["issuer"] for item in self.document["instances"] if item["name"] == instance)

    def secret_key(self, instance: str) -> str:
        return next(item["secretKey"] for item in self.document["instances"] if item["name"] == instance)

    def publishable_key(self, instance: str) -> str:
        return next(item["publishableKey"] for item in self.document["instances"] if item["name"] == instance)

    def start(self) -> None:
        config = self.folder / "clerk.json"
        config.write_text(json.dumps(self.document))
        command = [sys.executable, "-m", "devstack.clerk", "--config", str(config), "--port", str(self.port)]
        log = (self.folder / "clerk.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [*command, "--db", str(self.folder / "clerk.db")],
                stdout=log,
                stderr=log,
                cwd=Path(__file__).resolve().parents[3],
            )
        eventually(self._answers, "the stand-in's answer")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None

    def control(self, verb: str, name: str, /, **fields: Any) -> Any:
        """Call a control; raises on an error answer."""
        if verb == "POST":
            response = httpx.post(f"{self.url}/_devstack/{name}", json=fields)
        else:
            response = httpx.request(verb, f"{self.url}/_devstack/{name}", params=fields)
        response.raise_for_status()
        return response.json()

    def reset(self) -> None:
        self.control("POST", "clock", offsetSeconds=0)
        self.control("DELETE", "faults")
        self.control("DELETE", "calls")
        self.control("POST", "webhooks/resume")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "clerk.log").read_text()
        try:
            return httpx.get(f"{self.url}/health").status_code == 200
        except httpx.TransportError:
            return False

    def _config(self, webhook_url: str) -> dict[str, Any]:
        def instance(name: str, path: str, mode: str, host: str) -> dict[str, Any]:
            return {
                "name": name,
                "publishableKey": publishable_key(host, live=mode == "live"),
                "secretKey": f"sk_{mode}_{path.replace('-', '_')}",
                "issuer": f"{self.url}/{path}",
                "webhook": {"url": f"{webhook_url}/{path}", "secret": WEBHOOK_SECRET},
                "allowedRedirectOrigins": [],
            }

        template = {
            "publishableKey": "{{user.public_metadata.publishableKey}}",
            "plan": "{{user.public_metadata.plan}}",
        }
        return {
            "publicUrl": self.url,
            "instances": [
                instance("developers", "developers", "test", "developers-1.clerk.accounts.dev"),
                instance("endUsersTest", "end-users-test", "test", "end-users-2.clerk.accounts.dev"),
                instance("endUsersLive", "end-users-live", "live", "clerk.end-users.example.com"),
            ],
            "jwtTemplates": {"end-user-api": template},
            "webhookRetrySeconds": [0.05, 0.05],
        }


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[StandInProcess]:
    running = StandInProcess(tmp_path_factory.mktemp("clerk"), receiver.url)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def clerk(process: StandInProcess) -> Iterator[StandInProcess]:
    """The running stand-in, with clock, faults and webhooks as at the start of a day."""
    process.reset()
    yield process
    process.reset()


Backend = Callable[[str], httpx.Client]


@pytest.fixture
def backend(clerk: StandInProcess) -> Iterator[Backend]:
    """A client of the Backend API with an instance's secret key."""
    clients: list[httpx.Client] = []

    def client(instance: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {clerk.secret_key(instance)}", "Clerk-API-Version": "2026-05-12"}
        clients.append(httpx.Client(base_url=f"{clerk.url}/v1", headers=headers))
        return clients[-1]

    yield client
    for each in clients:
        each.close()


@pytest.fixture
def users(backend: Backend) -> httpx.Client:
    """The Backend API of the end users' test instance."""
    return backend("endUsersTest")


@pytest.fixture
def new_email() -> Callable[[], str]:
    count = iter(range(1_000_000))
    start = time.time_ns()
    return lambda: f"person-{start}-{next(count)}@example.com"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
