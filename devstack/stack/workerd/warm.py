"""Main module of the worker whose memory becomes the snapshot: imports the libraries that all four workers import.

It must not import `dream` or a worker's own code, because these are read again at each start.
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
    """Required by workerd, but never called: workerd stops after it has written its memory to a file."""

    async def test(self) -> None:
        """`workerd test` requires this method."""
