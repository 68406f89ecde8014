"""Pages of a project's end users, as `/api/customers` and the dashboard list them. A page is found by an index, however many users
the project has.
"""

from __future__ import annotations

from dataclasses import dataclass

from dream.db import plan_in_force
from dream.db.orders import LATEST
from dream.db.plan_in_force import STORED_PLAN, STORED_STATUS
from dream.domain.end_users import EndUser
from dream.runtime.bindings import Bound, Database, Row, Sql

# What is shown of the users of a page. Project ?1, start of the calendar month ?2, now ?3, most rows ?4; other parameters belong to
# the pages. `s` is the user's subscription, `paid` the same if it entitles. The plan is the one that calls are counted by.
_PERIOD_START = plan_in_force.period_start("?2")
_SHOWN = f"""
SELECT u.clerkUserId, u.email, u.firstName, u.lastName, u.createdAt, t.name AS plan, t."limit",
  s.status, s.subscriptionId, coalesce(s.stripeCustomerId, u.stripeCustomerId) AS stripeCustomerId, s.priceId, s.productId,
  s.amount, s.currency, s.currentPeriodEnd, s.canceledAt, s.cancelAtPeriodEnd, s.cancelAt,
  coalesce(c.usageCount, 0) AS usageCount, coalesce(c.periodStart, {_PERIOD_START}) AS periodStart,
  coalesce(c.periodEnd, paid.currentPeriodEnd) AS periodEnd
FROM page u
LEFT JOIN subscriptions s ON s.publishableKey = ?1 AND s.userId = u.clerkUserId
{plan_in_force.join_paid("?1", "u.clerkUserId", "?3")}
LEFT JOIN tiers t ON t.publishableKey = ?1 AND t.name = {plan_in_force.plan_of("?1")}
LEFT JOIN usage_counts c ON c.publishableKey = ?1 AND c.userId = u.clerkUserId AND c.periodStart = {_PERIOD_START}
"""

_USER = "clerkUserId, email, firstName, lastName, plan, stripeCustomerId, createdAt"


def _newest(condition: str) -> str:
    """Users from before the creation time ?5 and the user id ?6, the newest first."""
    return f"""
SELECT {_USER} FROM end_users
WHERE publishableKey = ?1 AND (createdAt, clerkUserId) < (?5, ?6) {condition}
ORDER BY createdAt DESC, clerkUserId DESC LIMIT ?4
"""


def _newest_of_plan(condition: str) -> str:
    """Users of plan ?7; if ?8 is 1, the default plan, users without a plan too. Each half is a range of one index."""
    of_plan = _newest(f"AND {STORED_PLAN} = ?7 {condition}")
    without_plan = _newest(f"AND {STORED_PLAN} = CASE WHEN ?8 = 1 THEN '' END {condition}")
    return f"""
SELECT * FROM (SELECT * FROM ({of_plan}) UNION ALL SELECT * FROM ({without_plan}))
ORDER BY createdAt DESC, clerkUserId DESC LIMIT ?4
"""


def _shown(page: str, order: str) -> Sql:
    return Sql(f"WITH page AS ({page}) {_SHOWN} ORDER BY {order}")


_NEWEST_FIRST = "u.createdAt DESC, u.clerkUserId DESC"

# Lists users, the newest first.
PAGE = _shown(_newest(""), _NEWEST_FIRST)

# Lists users of the status ?7, the newest first.
PAGE_OF_STATUS = _shown(_newest(f"AND {STORED_STATUS} = ?7"), _NEWEST_FIRST)

# Lists users of the plan ?7, the newest first.
PAGE_OF_PLAN = _shown(_newest_of_plan(""), _NEWEST_FIRST)

# Lists users of the plan ?7 and the status ?9, the newest first.
PAGE_OF_PLAN_AND_STATUS = _shown(_newest_of_plan(f"AND {STORED_STATUS} = ?9"), _NEWEST_FIRST)

# Lists users whose address is between ?5 and ?6, in the order of addresses, behind the address ?7 and the user id ?8. Only of the
# plan ?9 (?10 is 1 if it is the default plan) and the status ?11, if they are not NULL.
PAGE_BY_EMAIL = _shown(
    f"""
SELECT {_USER} FROM end_users
WHERE publishableKey = ?1 AND email >= ?5 AND email < ?6 AND (email, clerkUserId) > (?7, ?8)
  AND (?9 IS NULL OR {STORED_PLAN} = ?9 OR (?10 = 1 AND {STORED_PLAN} = '')) AND (?11 IS NULL OR {STORED_STATUS} = ?11)
ORDER BY email, clerkUserId LIMIT ?4
""",
    "u.email, u.clerkUserId",
)

# Finds the user ?5, if they are of the plan ?6 (?7 is 1 if it is the default plan) and the status ?8, where these are not NULL.
FIND = _shown(
    f"""
SELECT {_USER} FROM end_users WHERE publishableKey = ?1 AND clerkUserId = ?5
  AND (?6 IS NULL OR {STORED_PLAN} = ?6 OR (?7 = 1 AND {STORED_PLAN} = '')) AND (?8 IS NULL OR {STORED_STATUS} = ?8) LIMIT ?4
""",
    "u.clerkUserId",
)

_AFTER_EVERY_CONTINUATION = "\U0010ffff"
"""What sorts behind every text that continues a prefix."""
_BEFORE_EVERY_CONTINUATION = "\x01"
"""What sorts before every text that continues an address, and behind the address itself."""


@dataclass(frozen=True, slots=True)
class CustomerQuery:
    """Which users a page lists, up to `count`. `place` is where the last page ended: two texts, in the order of the page.

    `search` is a user id, or the beginning of an address; with `whole_email`, all of an address. With an address, users are in the
    order of addresses; otherwise the newest come first.
    """

    plan: str | None
    plan_is_default: bool
    status: str | None
    search: str | None
    place: tuple[str, str] | None
    count: int
    whole_email: bool = False

    @property
    def by_email(self) -> bool:
        return self.search is not None and not self.search.startswith("user_")

    def place_after(self, last: EndUser) -> tuple[str, str]:
        """The place of a page that begins behind this user."""
        return (last.email or "") if self.by_email else last.created_at, last.id

    def bind(self, publishable_key: str, month_start: str, now: str) -> Bound:
        """The statement of this page."""
        common = (publishable_key, month_start, now, self.count)
        is_default = int(self.plan_is_default)
        if self.search is not None and self.by_email:
            place = self.place or ("", "")
            end = self.search + (_BEFORE_EVERY_CONTINUATION if self.whole_email else _AFTER_EVERY_CONTINUATION)
            return PAGE_BY_EMAIL.bind(*common, self.search, end, *place, self.plan, is_default, self.status)
        if self.search is not None:
            return FIND.bind(*common, self.search, self.plan, is_default, self.status)
        place = self.place or (LATEST, "")
        if self.plan is not None and self.status is not None:
            return PAGE_OF_PLAN_AND_STATUS.bind(*common, *place, self.plan, is_default, self.status)
        if self.plan is not None:
            return PAGE_OF_PLAN.bind(*common, *place, self.plan, is_default)
        if self.status is not None:
            return PAGE_OF_STATUS.bind(*common, *place, self.status)
        return PAGE.bind(*common, *place)


def _end_user_from(row: Row, month_end: str) -> EndUser:
    return EndUser(
        id=row["clerkUserId"],
        email=row["email"],
        first_name=row["firstName"],
        last_name=row["lastName"],
        created_at=row["createdAt"],
        plan=row["plan"],
        limit=row["limit"],
        usage_count=row["usageCount"],
        period_start=row["periodStart"],
        period_end=row["periodEnd"] or month_end,
        status=row["status"] or "none",
        subscription_id=row["subscriptionId"],
        stripe_customer_id=row["stripeCustomerId"],
        price_id=row["priceId"],
        product_id=row["productId"],
        amount=row["amount"],
        currency=row["currency"],
        current_period_end=row["currentPeriodEnd"],
        canceled_at=row["canceledAt"],
        will_cancel=bool(row["cancelAtPeriodEnd"]) or row["cancelAt"] is not None,
    )


def end_users_from(rows: list[Row], month_end: str) -> tuple[EndUser, ...]:
    """What the statement of a page found. For modules of `db` only."""
    return tuple(_end_user_from(row, month_end) for row in rows)


async def read_page(
    db: Database, publishable_key: str, query: CustomerQuery, *, month: tuple[str, str], now: str
) -> tuple[EndUser, ...]:
    """One page. `month` is the calendar month (its first moment, the first moment of the next); all are ISO 8601 UTC."""
    page = query.bind(publishable_key, month[0], now)
    return end_users_from(await db.all(page.statement, *page.values), month[1])


async def find(db: Database, publishable_key: str, user_id: str, *, month: tuple[str, str], now: str) -> EndUser | None:
    """One user, with the parameters of `read_page`."""
    row = await db.first(FIND, publishable_key, month[0], now, 1, user_id, None, 0, None)
    return None if row is None else _end_user_from(row, month[1])
