"""End users as `/api/customers` takes them, and as it and the dashboard show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dream.domain.emails import is_email
from dream.domain.tiers import shown_limit
from dream.errors import InvalidFields

MAXIMUM_NAME_LENGTH = 100
MAXIMUM_PASSWORD_LENGTH = 128


@dataclass(frozen=True, slots=True)
class NewEndUser:
    """The body of `POST /api/customers`. `plan` names a tier, as the caller wrote it."""

    email: str
    first_name: str | None
    last_name: str | None
    password: str | None
    plan: str | None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> NewEndUser:
        """Raises InvalidFields."""
        fields = _text_problems(body)
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
    """The body of `PATCH /api/customers/:id`. If `sets_plan`, a plan of None puts the user on the default tier."""

    first_name: str | None
    last_name: str | None
    sets_plan: bool
    plan: str | None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> EndUserChange:
        """Raises InvalidFields, also if the body changes nothing."""
        fields = _text_problems(body)
        if not any(name in body for name in ("plan", "firstName", "lastName")):
            fields["plan"] = "at least one of plan, firstName and lastName"
        if fields:
            raise InvalidFields(fields)
        return cls(_name(body, "firstName"), _name(body, "lastName"), "plan" in body, body.get("plan"))


@dataclass(frozen=True, slots=True)
class EndUser:
    """One end user, as `/api/customers` and the dashboard show them.

    `plan` is the plan in force; None in a store. `limit` None is unlimited. The period is the one that usage is counted in.
    `status` and what follows are of the user's subscription; `status` is `none` for a user who never subscribed. `amount` is minor
    units, moments are ISO 8601 UTC.
    """

    id: str
    email: str | None
    first_name: str | None
    last_name: str | None
    created_at: str
    plan: str | None
    limit: int | None
    usage_count: int
    period_start: str
    period_end: str
    status: str
    subscription_id: str | None
    stripe_customer_id: str | None
    price_id: str | None
    product_id: str | None
    amount: int | None
    currency: str | None
    current_period_end: str | None
    canceled_at: str | None
    will_cancel: bool

    def to_json(self, publishable_key: str) -> dict[str, Any]:
        """As `/api/customers` shows the user."""
        return {
            "id": self.id,
            "email": self.email,
            "firstName": self.first_name,
            "lastName": self.last_name,
            "plan": self.plan,
            "publishableKey": publishable_key,
            "createdAt": self.created_at,
        }

    def to_dashboard_json(self, publishable_key: str) -> dict[str, Any]:
        """As a line of the dashboard shows the user."""
        return {
            "userId": self.id,
            "email": self.email,
            "plan": self.plan,
            "status": self.status,
            "usageCount": self.usage_count,
            "limit": None if self.plan is None else shown_limit(self.limit),
            "periodStart": self.period_start,
            "periodEnd": self.period_end,
            "currentPeriodEnd": self.current_period_end,
            "canceledAt": self.canceled_at,
            "willCancel": self.will_cancel,
            "subscriptionId": self.subscription_id,
            "stripeCustomerId": self.stripe_customer_id,
            "priceId": self.price_id,
            "productId": self.product_id,
            "amount": self.amount,
            "currency": self.currency,
            "publishableKey": publishable_key,
            "createdAt": self.created_at,
        }


def _text_problems(body: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the names and the plan, by field."""
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
