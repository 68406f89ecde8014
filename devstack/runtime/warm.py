"""Main module of the worker that the memory snapshot is taken from: imports what all four workers import anyway.

Only libraries belong here, never `dream` or a worker's own code: those have to be read anew at each start.
"""

import asyncio  # noqa: F401
import base64  # noqa: F401
import dataclasses  # noqa: F401
import datetime  # noqa: F401
import email.message  # noqa: F401
import enum  # noqa: F401
import functools  # noqa: F401
import hashlib  # noqa: F401
import hmac  # noqa: F401
import html  # noqa: F401
import http.cookies  # noqa: F401
import json  # noqa: F401
import logging  # noqa: F401
import re  # noqa: F401
import secrets  # noqa: F401
import traceback  # noqa: F401
import typing  # noqa: F401
import urllib.parse  # noqa: F401
import uuid  # noqa: F401
import zoneinfo  # noqa: F401

import jwt  # noqa: F401
import stripe
from workers import WorkerEntrypoint

_ = stripe.StripeClient


class Default(WorkerEntrypoint):
    """Never called: the runtime stops once it has written its memory down."""

    async def test(self) -> None:
        """What `workerd test` looks for."""
