"""Owns the JWT templates of an instance: named sets of claims for tokens other than the session token."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from devstack.clerk import errors
from devstack.clerk.config import Instance
from devstack.clerk.ids import new_id
from devstack.clerk.store import ClerkStore, Document
from devstack.kit.clock import Clock

_KIND = "jwtTemplate"
_FIELDS = ("name", "claims", "lifetime", "allowed_clock_skew", "custom_signing_key", "signing_algorithm", "signing_key")
# Clerk sets these claims itself and refuses a template that has them.
RESERVED_CLAIMS = frozenset(("azp", "exp", "iat", "iss", "jti", "nbf", "sub"))


class JwtTemplates:
    """Creates, reads, updates and deletes templates. A name is unique in its instance."""

    def __init__(self, store: ClerkStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def create(self, instance: Instance, fields: Mapping[str, Any]) -> Document:
        """Creates a template. Raises ClerkError 400 or 422."""
        for name in ("name", "claims"):
            if fields.get(name) in (None, ""):
                raise errors.param_missing(name)
        now = self._clock.milliseconds()
        template: Document = {
            "object": "jwt_template",
            "id": new_id("jtmp"),
            "name": None,
            "claims": {},
            "lifetime": 60,
            "allowed_clock_skew": 5,
            "custom_signing_key": False,
            "signing_algorithm": "RS256",
            "created_at": now,
        }
        return self._apply(instance, template, fields)

    def ensure(self, instance: Instance, name: str, fields: Mapping[str, Any]) -> None:
        """Creates or updates a template of the configuration, so that it exists after the start."""
        existing = self.find_by_name(instance, name)
        if existing is None:
            self.create(instance, {**fields, "name": name})
        else:
            self._apply(instance, existing, fields)

    def get(self, instance: Instance, template_id: str) -> Document:
        template = self._store.get(_KIND, instance.name, template_id)
        if template is None:
            raise errors.template_not_found("id", template_id)
        return template

    def find_by_name(self, instance: Instance, name: str) -> Document | None:
        return next((item for item in self.list(instance) if item["name"] == name), None)

    def list(self, instance: Instance) -> list[Document]:
        return self._store.all(_KIND, instance.name)

    def update(self, instance: Instance, template_id: str, fields: Mapping[str, Any]) -> Document:
        return self._apply(instance, self.get(instance, template_id), fields)

    def delete(self, instance: Instance, template_id: str) -> Document:
        self.get(instance, template_id)
        self._store.delete(_KIND, instance.name, template_id)
        return {"id": template_id, "object": "jwt_template", "deleted": True}

    def _apply(self, instance: Instance, template: Document, fields: Mapping[str, Any]) -> Document:
        for name in fields:
            if name not in _FIELDS:
                raise errors.param_unknown(name)
        if fields.get("custom_signing_key"):
            raise errors.param_value_invalid("custom_signing_key", "The stand-in signs only with the instance's key.")
        changed = template | {name: fields[name] for name in _FIELDS if fields.get(name) is not None}
        if not isinstance(changed["claims"], dict):
            raise errors.param_value_invalid("claims", "claims must be a JSON object.")
        if not re.fullmatch(r"[A-Za-z0-9_-]+", str(changed["name"])):
            raise errors.param_value_invalid("name")
        reserved = sorted(name for name in RESERVED_CLAIMS if name in changed["claims"])
        if reserved:
            raise errors.ClerkError(
                400,
                "jwt_template_reserved_claim",
                "reserved claim used",
                f"You can't use the reserved claim: '{reserved[0]}'",
                meta={"param_name": "claims"},
            )
        if not 30 <= changed["lifetime"] <= 315_360_000:
            raise errors.param_value_invalid("lifetime", "lifetime must be between 30 and 315360000 seconds.")
        other = self.find_by_name(instance, changed["name"])
        if other is not None and other["id"] != changed["id"]:
            raise errors.ClerkError(
                422,
                "form_param_value_taken",
                "is taken",
                f"A template named {changed['name']} already exists.",
                meta={"param_name": "name"},
            )
        changed["updated_at"] = self._clock.milliseconds()
        self._store.put(_KIND, instance.name, changed["id"], changed)
        return changed
