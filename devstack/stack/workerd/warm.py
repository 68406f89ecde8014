"""Main module of the worker that the memory snapshot is taken from: imports what all four workers import anyway.

Only libraries belong here, never `dream` or a worker's own code: those have to be read anew at each start.
"""

from importlib import import_module

from workers import WorkerEntrypoint

LIBRARIES = (
    "asyncio",
    "base64",
    "binascii",
    "collections.abc",
    "contextlib",
    "dataclasses",
    "datetime",
    "email.message",
    "enum",
    "functools",
    "hashlib",
    "hmac",
    "html",
    "http.cookies",
    "json",
    "jwt",
    "logging",
    "re",
    "secrets",
    "traceback",
    "types",
    "typing",
    "urllib.parse",
    "uuid",
    "zlib",
    "stripe",
    "stripe._stripe_client",
    "stripe._webhook",
)

for _name in LIBRARIES:
    import_module(_name)


class Default(WorkerEntrypoint):
    """Never called: the runtime stops once it has written its memory down."""

    async def test(self) -> None:
        """What `workerd test` looks for."""
