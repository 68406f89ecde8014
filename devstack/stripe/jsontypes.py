"""The one type alias for Stripe's JSON objects inside the stand-in."""

from typing import Any

Json = dict[str, Any]
