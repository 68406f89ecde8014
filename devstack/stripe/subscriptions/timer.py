"""Sets the timer of a subscription. It has one, due when something happens to it next; then `cycle.tick` runs."""

from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json
from devstack.stripe.periods import DAY
from devstack.stripe.subscriptions.items import period_of

ENDED = ("canceled", "incomplete_expired")
TRIAL_WARNING_SECONDS = 3 * DAY
TIMER = "subscription"


def reschedule(books: Books, subscription: Json) -> Json:
    """Sets the timer to the next of: end of the period, scheduled cancellation, three days before the end of the trial."""
    if subscription["status"] in ENDED:
        books.unschedule(TIMER, subscription["id"])
        return subscription
    moments = [period_of(subscription)[1]]
    if subscription["cancel_at"]:
        moments.append(subscription["cancel_at"])
    if subscription["status"] == "trialing" and not subscription["_warned_of_trial_end"]:
        moments.append(max(subscription["trial_end"] - TRIAL_WARNING_SECONDS, books.now))
    books.schedule(TIMER, subscription["id"], min(moments))
    return subscription
