"""Owns the port of each service, and the check that the port is free."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack
from dataclasses import asdict, dataclass

HOST = "127.0.0.1"


class PortTaken(Exception):
    """Another program uses a port that a service needs."""


@dataclass(frozen=True)
class Ports:
    """One port for each service of a stack, and one for the program that controls the workers."""

    api_multi: int = 8787
    front_auth_api: int = 8788
    oauth_api: int = 8789
    sign_up: int = 8790
    stripe: int = 8791
    clerk: int = 8792
    control: int = 8793
    frontend: int = 5173

    @classmethod
    def from_environment(cls) -> Ports:
        """The default ports plus DREAM_PORT_OFFSET, so that several stacks can run at once."""
        return cls(**{name: port + _offset() for name, port in asdict(cls()).items()})

    @classmethod
    def free(cls) -> Ports:
        """Ports that are free at this moment."""
        with ExitStack() as sockets:
            found = [sockets.enter_context(socket.socket()) for _ in asdict(cls())]
            for each in found:
                each.bind((HOST, 0))
            return cls(*(each.getsockname()[1] for each in found))

    def of(self, service: str) -> int:
        """The port of a service, by its name with hyphens."""
        return asdict(self)[service.replace("-", "_")]

    def check(self) -> None:
        """Raises PortTaken with port and service if a port is in use."""
        for service, port in asdict(self).items():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError as error:
                    raise PortTaken(
                        f"port {port} of {service.replace('_', '-')} is in use. Run `make down` if a stack uses it; else find the "
                        f"program with `lsof -i :{port}` and stop it, or set DREAM_PORT_OFFSET={_offset() + 100}."
                    ) from error


def _offset() -> int:
    return int(os.environ.get("DREAM_PORT_OFFSET", "0"))
