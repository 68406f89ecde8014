"""Owns one local stack: starts and stops the stand-ins, the four workers in one workerd, and the dashboard."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from deploy.paths import NODE, ROOT
from devstack.stack import migrations, seed
from devstack.stack.clients import Clients
from devstack.stack.configuration import RUNTIME, Configuration
from devstack.stack.log import Log
from devstack.stack.ports import HOST, Ports
from devstack.stack.secrets import Secrets
from devstack.stack.service import Service
from devstack.stack.workerd import runtime

BOOT_SECONDS = 180.0
FRONTEND = ROOT / "frontend"
STAND_INS = ("stripe", "clerk")


class StackError(Exception):
    """A stack did not start, or a service failed. The message names the service and the reason."""


def ignore(_text: str) -> None:
    """The default of `say`: prints nothing."""


class Stack:
    """The processes of one stack, and the folder that holds its state."""

    def __init__(
        self,
        folder: Path,
        ports: Ports,
        *,
        rate_limit_per_minute: int = 100,
        debug_round_trips: bool = True,
        reload_on_save: bool = True,
        frontend: bool = True,
        from_sources: bool = False,
        test_routes: bool = True,
        overrides: Mapping[str, str] | None = None,
        keep_on_failure: bool = False,
        say: Callable[[str], None] = ignore,
        show: Callable[[str], None] | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.configuration = Configuration(
            folder=self.folder,
            ports=ports,
            secrets=Secrets.of_stack(self.folder),
            platform_price_id="",
            rate_limit_per_minute=rate_limit_per_minute,
            debug_round_trips=debug_round_trips,
            reload_on_save=reload_on_save,
            overrides=overrides or {},
            from_sources=from_sources,
            test_routes=test_routes,
        )
        self.state: dict[str, Any] = {}
        self.services: list[Service] = []
        self.extra_workers: Callable[[], list[dict[str, Any]]] = list
        """Returns the configuration of further workers for the same workerd. It is called when the demo data exist."""
        self._frontend = frontend and (FRONTEND / "package.json").exists()
        self._keep_on_failure = keep_on_failure
        self._say = say
        self._show = show
        self._log: Log | None = None
        self._clients = Clients(self.url)

    # Where things are

    @property
    def log_path(self) -> Path:
        return self.folder / "dev.log"

    @property
    def state_path(self) -> Path:
        return self.folder / "stack.json"

    @property
    def d1_path(self) -> Path:
        """The SQLite file of D1. While workers run, write to it only with `d1`."""
        return migrations.database_file(self.folder / "storage")

    def url(self, service: str) -> str:
        """Base URL of `api-multi`, `front-auth-api`, `oauth-api`, `sign-up`, `stripe`, `clerk` or `frontend`."""
        return self.configuration.url(service)

    # Starting and stopping

    def start(self) -> dict[str, Any]:
        """Starts all services and returns the content of `stack.json`.

        Raises StackError, PortTaken or RuntimeError. Then no service runs.
        """
        self.configuration.ports.check()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._log = Log(self.log_path, self._show)
        try:
            workerd = runtime.prepare(self._say)
            applied = migrations.apply(self.d1_path)
            self._say(f"database ready ({len(applied)} migrations applied)")
            self._start_stand_ins()
            # The workers do not run yet, so they cannot receive webhooks.
            self._control_stand_ins("webhooks/pause")
            self._prepare_data()
            self._start_workers(workerd)
            self._control_stand_ins("webhooks/resume")
            if self._frontend:
                self._start_frontend()
        except BaseException:
            self.stop()
            raise
        self.state_path.unlink(missing_ok=True)
        self.state_path.touch(mode=0o600)
        self.state_path.write_text(json.dumps(self.state, indent=2) + "\n")
        return self.state

    def stop(self) -> None:
        """Stops what was started, in reverse order."""
        self.state_path.unlink(missing_ok=True)
        for service in reversed(self.services):
            service.stop()
        self.services.clear()
        self._clients.close()
        self._record_processes()
        if self._log:
            self._log.close()
            self._log = None

    def _run(self, name: str, command: list[str | Path], **options: Any) -> Service:
        assert self._log
        service = Service(name, command, self._log, **options)
        self.services.append(service)
        self._record_processes()
        return service

    def _record_processes(self) -> None:
        """Writes the running processes to a file. `make down` reads it if this program was killed."""
        file = self.folder / "processes.json"
        if not self.services:
            file.unlink(missing_ok=True)
            return
        file.write_text(json.dumps([{"pid": each.pid, "command": each.command} for each in self.services]))

    def _configure(self, name: str, value: dict[str, Any]) -> Path:
        file = self.folder / f"{name}.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(value, indent=2))
        return file

    def _start_stand_ins(self) -> None:
        for name, value in (("stripe", self.configuration.stripe()), ("clerk", self.configuration.clerk())):
            if not self.configuration.uses_stand_in(name):
                continue
            file = self._configure(name, value)
            port = str(self.configuration.ports.of(name))
            command = [sys.executable, "-m", "devstack.stack.tethered", f"devstack.{name}", "--config", file]
            self._run(name, [*command, "--host", HOST, "--port", port, "--db", self.folder / f"{name}.sqlite"])
        for service in self.services:
            self._wait_for(service, f"{self.url(service.name)}/")

    def _control_stand_ins(self, control: str) -> None:
        for service in self.services:
            if service.name in STAND_INS:
                _fetch_json(f"{self.url(service.name)}/_devstack/{control}", {})

    def _prepare_data(self) -> None:
        self._say("inserting the demo projects")
        seeded = seed.insert(self.d1_path, self.configuration)
        self.configuration = replace(self.configuration, platform_price_id=seeded.platform_price_id)
        self.state = {**self.configuration.addresses(), "demo": seeded.demo}

    def _start_workers(self, workerd: Path) -> None:
        self._say("starting four Python Workers in one workerd")
        file = self._configure("workers", self.configuration.workers(self.extra_workers()))
        environment = {
            "MINIFLARE_WORKERD_PATH": str(workerd),
            "WORKERD_PID_FILE": str(self.folder / "workerd.pid"),
            "CLOUDFLARE_CF_FETCH_ENABLED": "false",
            "WRANGLER_SEND_METRICS": "false",
        }
        service = self._run("workers", [NODE, RUNTIME / "workers.mjs", file], environment=environment)
        self._wait_for_workers(service)

    def frontend_variables(self) -> dict[str, str]:
        """The environment variables for a build of the dashboard."""
        return {
            "VITE_API_MULTI_URL": self.url("api-multi"),
            "VITE_FRONT_AUTH_API_URL": self.url("front-auth-api"),
            "VITE_OAUTH_API_URL": self.url("oauth-api"),
            "VITE_SIGN_UP_URL": self.url("sign-up"),
            "VITE_CLERK_PUBLISHABLE_KEY": self.configuration.clerk_publishable_key("developers", "test"),
            "VITE_CLERK_URL": self.configuration.clerk_issuer("developers"),
        }

    def _start_frontend(self) -> None:
        vite = FRONTEND / "node_modules" / "vite" / "bin" / "vite.js"
        if not vite.exists():
            raise StackError("the dashboard's packages are missing. Run `make install`.")
        port = str(self.configuration.ports.frontend)
        command: list[str | Path] = [NODE, vite, "--host", HOST, "--port", port, "--strictPort"]
        service = self._run("frontend", command, folder=FRONTEND, environment=self.frontend_variables())
        self._wait_for(service, f"{self.url('frontend')}/")

    # Waiting

    def _wait_for(self, service: Service, url: str) -> None:
        """Waits until a URL answers with any status. Raises StackError."""
        deadline = time.monotonic() + BOOT_SECONDS
        while not _answers(url):
            if not service.is_running:
                raise StackError(f"{service.name} stopped while starting. Read the end of {self.log_path}.")
            if time.monotonic() > deadline:
                raise StackError(f"{service.name} did not answer on {url} within {BOOT_SECONDS:.0f} s")
            time.sleep(0.05)

    def _wait_for_workers(self, service: Service) -> None:
        deadline = time.monotonic() + BOOT_SECONDS
        while (status := self.workers_status())["state"] != "ready":
            if not service.is_running:
                raise StackError(f"the workers stopped while starting. Read the end of {self.log_path}.")
            if status["state"] == "failed" and not self._keep_on_failure:
                raise StackError(f"the workers did not start: {status['message']}")
            if time.monotonic() > deadline:
                raise StackError(f"the workers were not ready within {BOOT_SECONDS:.0f} s")
            time.sleep(0.05)

    # The workers while they run

    def workers_status(self) -> dict[str, Any]:
        """`state` (`starting`, `ready`, `failed` or `died`), `pid` of workerd, `generation` (number of starts), and `message`."""
        try:
            return self._control("/status")
        except OSError:
            return {"state": "starting", "pid": None, "generation": 0, "message": None}

    def restart_workers(self) -> None:
        """Restarts workerd. It loses its memory; D1, KV and R2 stay."""
        self._control("/restart")
        self._wait_for_workers(self._workers())

    def kill_workers(self) -> None:
        """Kills workerd (SIGKILL), as a crash would, and waits until it runs again."""
        status = self.workers_status()
        os.kill(status["pid"], 9)
        deadline = time.monotonic() + BOOT_SECONDS
        while self.workers_status()["generation"] == status["generation"]:
            if time.monotonic() > deadline:
                raise StackError("workerd did not start again after it was killed")
            time.sleep(0.05)
        self._wait_for_workers(self._workers())

    def d1(self, sql: str, *params: str | int | None) -> list[dict[str, Any]]:
        """Runs one SQL statement on the workers' D1 and returns its rows."""
        return self._control("/d1", {"sql": sql, "params": params})["results"]

    def http(self, service: str) -> httpx.Client:
        """The shared client of one service. It stores no cookies. The stack closes it."""
        return self._clients.shared(service)

    def client(self, base_url: str = "") -> httpx.Client:
        """A new client that stores cookies as a browser does. The caller closes it."""
        return self._clients.new(base_url)

    def at_once(self, requests: Sequence[httpx.Request]) -> list[httpx.Response]:
        """Sends all requests at the same time. Returns their answers in the same order."""
        return self._clients.at_once(requests)

    def deliver(self, patience_seconds: int = 60) -> None:
        """Returns when Stripe and Clerk have delivered every webhook. Waiting retries are sent now. Raises StackError."""
        stripe, clerk = self.http("stripe"), self.http("clerk")
        stripe.post("/_devstack/webhooks/retry", json={}).raise_for_status()
        waited = stripe.get(
            "/_devstack/webhooks/idle", params={"timeout": patience_seconds}, timeout=patience_seconds + 10
        )
        if not waited.json()["idle"]:
            raise StackError(f"webhooks of Stripe are not delivered after {patience_seconds} s: {waited.text}")
        if not clerk.get("/_devstack/webhooks").json()["paused"]:
            wanted = {"timeoutSeconds": patience_seconds}
            clerk.post("/_devstack/webhooks/wait-idle", json=wanted, timeout=patience_seconds + 10).raise_for_status()

    def run_scheduled(self, worker: str, cron: str = "* * * * *") -> None:
        """Runs a worker's scheduled handler once."""
        _fetch_json(f"{self.url(worker)}/_devstack/scheduled?cron={cron.replace(' ', '+')}", {})

    def _workers(self) -> Service:
        return next(service for service in self.services if service.name == "workers")

    def _control(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return _fetch_json(f"http://{HOST}:{self.configuration.ports.control}{path}", body)


def clean(folder: Path) -> None:
    """Deletes all that a stack stored: databases, keys and logs."""
    shutil.rmtree(folder, ignore_errors=True)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _fetch_json(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise StackError(f"{url} answered {error.code}: {error.read().decode(errors='replace')}") from error
