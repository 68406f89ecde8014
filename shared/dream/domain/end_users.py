"""End users as `/api/customers` takes and shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dream.domain.emails import is_email
from dream.errors import InvalidFields

MAXIMUM_NAME_LENGTH = 100
MAXIMUM_PASSWORD_LENGTH = 128


@dataclass(frozen=True, slots=True)
class NewEndUser:
    """The body of `POST /api/customers`. `plan` is a tier's name as given."""

    email: str
    first_name: str | None
    last_name: str | None
    password: str | None
    plan: str | None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> NewEndUser:
        """Raises InvalidFields."""
        fields = _wrong_names(body)
        email, password = body.get("email"), body.get("password")
        if not is_email(email):
            fields["email"] = "an email address"
        if password is not None and not (isinstance(password, str) and 8 <= len(password) <= MAXIMUM_PASSWORD_LENGTH):
            fields["password"] = f"8 to {MAXIMUM_PASSWORD_LENGTH} characters"
        if fields:
            raise InvalidFields(fields)
        return cls(str(email), _name(body, "firstName"), _name(body, "lastName"), password, body.get("plan"))


@dataclass(frozen=True, slots=True)
class EndUserChange:
    """The body of `PATCH /api/customers/:id`. A plan of None gives the user back to the default tier."""

    first_name: str | None
    last_name: str | None
    sets_plan: bool
    plan: str | None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> EndUserChange:
        """Raises InvalidFields, also when there is nothing to change."""
        fields = _wrong_names(body)
        if not any(name in body for name in ("plan", "firstName", "lastName")):
            fields["plan"] = "plan, firstName or lastName is needed"
        if fields:
            raise InvalidFields(fields)
        return cls(_name(body, "firstName"), _name(body, "lastName"), "plan" in body, body.get("plan"))


@dataclass(frozen=True, slots=True)
class EndUser:
    """One end user. `plan` is the tier that they are on now, by subscription or otherwise."""

    id: str
    email: str | None
    first_name: str | None
    last_name: str | None
    plan: str | None
    created_at: str

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> EndUser:
        return cls(row["clerkUserId"], row["email"], row["firstName"], row["lastName"], row["plan"], row["createdAt"])

    def to_json(self, publishable_key: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "email": self.email,
            "firstName": self.first_name,
            "lastName": self.last_name,
            "plan": self.plan,
            "publishableKey": publishable_key,
            "createdAt": self.created_at,
        }


def _wrong_names(body: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the fields that are texts."""
    fields: dict[str, str] = {}
    for name in ("firstName", "lastName"):
        value = body.get(name)
        if value is not None and not (
            isinstance(value, str) and 0 < len(value.strip()) <= MAXIMUM_NAME_LENGTH and value.isprintable()
        ):
            fields[name] = f"1 to {MAXIMUM_NAME_LENGTH} printable characters"
    plan = body.get("plan")
    if plan is not None and not (isinstance(plan, str) and 0 < len(plan.strip()) <= MAXIMUM_NAME_LENGTH):
        fields["plan"] = "the name of a tier"
    return fields


def _name(body: Mapping[str, Any], field: str) -> str | None:
    value: str | None = body.get(field)
    return None if value is None else value.strip()
