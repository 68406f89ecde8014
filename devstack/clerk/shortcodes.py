"""Replaces Clerk's shortcodes, such as `{{user.first_name}}`, in the claims of tokens.

A claim that is one shortcode gets the type of its value. A shortcode inside a longer text becomes text. A missing value is
null, or empty text.
Source: https://clerk.com/docs/guides/sessions/jwt-templates#shortcodes
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

from devstack.clerk.store import Document
from devstack.clerk.users import primary_email

_SHORTCODE = re.compile(r"\{\{\s*(.+?)\s*\}\}")


def render(claims: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """The claims with every shortcode replaced."""
    return {name: _render(value, facts) for name, value in claims.items()}


def facts_about(user: Document, session: Document | None) -> dict[str, Any]:
    """The values of the shortcodes `user.…` and `session.…`."""
    full_name = " ".join(name for name in (user["first_name"], user["last_name"]) if name)
    facts: dict[str, Any] = {
        key: user[key]
        for key in (
            "id",
            "external_id",
            "first_name",
            "last_name",
            "username",
            "image_url",
            "has_image",
            "created_at",
            "updated_at",
            "last_sign_in_at",
            "public_metadata",
            "unsafe_metadata",
            "two_factor_enabled",
        )
    }
    facts |= {
        "full_name": full_name or None,
        "primary_email_address": primary_email(user),
        "primary_phone_number": None,
        "primary_web3_wallet": None,
        "email_verified": primary_email(user) is not None,
        "phone_number_verified": False,
    }
    return {"user": facts, "session": {"actor": session["actor"] if session else None}}


def _render(value: Any, facts: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return render(cast("dict[str, Any]", value), facts)
    if isinstance(value, list):
        return [_render(item, facts) for item in cast("list[Any]", value)]
    if not isinstance(value, str):
        return value
    whole = _SHORTCODE.fullmatch(value)
    if whole and "{{" not in whole.group(1):
        return _evaluate(whole.group(1), facts)
    return _SHORTCODE.sub(lambda match: _as_text(_evaluate(match.group(1), facts)), value)


def _evaluate(expression: str, facts: dict[str, Any]) -> Any:
    """The value of an expression: a path, or several with `||` between them, of which the first that has a value counts."""
    for operand in (part.strip() for part in expression.split("||")):
        literal = re.fullmatch(r"(['\"])(.*)\1", operand)
        found = literal.group(2) if literal else _look_up(operand, facts)
        if found not in (None, ""):
            return found
    return None


def _look_up(path: str, facts: dict[str, Any]) -> Any:
    value: Any = facts
    for key in path.split("."):
        if not isinstance(value, dict):
            return None
        value = cast("dict[str, Any]", value).get(key)
    return value


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
