"""Owns test payment methods: which card or account number pays, is declined, or fails later."""

import hashlib
from dataclasses import dataclass

from devstack.stripe.jsontypes import Json


@dataclass(frozen=True)
class Behaviour:
    """What happens when a payment method is charged.

    `decline` is Stripe's decline code; None means that charges succeed. `declines_after` is the number of charges that
    succeed before the first decline. `disputed`: the charge succeeds and is disputed. `settles_later`: the payment intent is
    `processing` for some days, then succeeds or, with `fails_later`, fails.
    """

    decline: str | None = None
    declines_after: int = 0
    disputed: bool = False
    settles_later: bool = False
    fails_later: bool = False

    def to_json(self) -> Json:
        return self.__dict__.copy()

    @classmethod
    def from_json(cls, raw: Json) -> "Behaviour":
        return cls(**raw)


PAYS = Behaviour()
FAILS_LATER = Behaviour(decline="generic_decline", declines_after=1)

# https://docs.stripe.com/testing
_CARDS: dict[str, Behaviour] = {
    "4000000000000002": Behaviour(decline="generic_decline"),
    "4000000000009995": Behaviour(decline="insufficient_funds"),
    "4000000000009987": Behaviour(decline="lost_card"),
    "4000000000009979": Behaviour(decline="stolen_card"),
    "4000000000000069": Behaviour(decline="expired_card"),
    "4000000000000127": Behaviour(decline="incorrect_cvc"),
    "4000000000000119": Behaviour(decline="processing_error"),
    "4000000000000341": FAILS_LATER,
    "4000000000000259": Behaviour(disputed=True),
}
_BANK_ACCOUNTS: dict[str, Behaviour] = {
    "000123456789": Behaviour(settles_later=True),
    "000111111113": Behaviour(settles_later=True, fails_later=True, decline="debit_not_authorized"),
    "000222222227": Behaviour(settles_later=True, fails_later=True, decline="insufficient_funds"),
}

# decline code -> (error code, message for the buyer)
DECLINES: dict[str, tuple[str, str]] = {
    "generic_decline": ("card_declined", "Your card was declined."),
    "insufficient_funds": ("card_declined", "Your card has insufficient funds."),
    "lost_card": ("card_declined", "Your card was declined."),
    "stolen_card": ("card_declined", "Your card was declined."),
    "expired_card": ("expired_card", "Your card has expired."),
    "incorrect_cvc": ("incorrect_cvc", "Your card's security code is incorrect."),
    "processing_error": (
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
    "debit_not_authorized": (
        "payment_intent_payment_attempt_failed",
        "The payment failed because the debit was not authorized by the bank account's owner.",
    ),
}


def card_behaviour(number: str) -> Behaviour:
    return _CARDS.get(number, PAYS)


def bank_behaviour(number: str) -> Behaviour | None:
    return _BANK_ACCOUNTS.get(number)


def number_is_valid(number: str) -> bool:
    """Whether the card number passes the Luhn check."""
    if not number.isdigit() or not 12 <= len(number) <= 19:
        return False
    digits = [int(digit) for digit in reversed(number)]
    return sum(d if i % 2 == 0 else sum(divmod(d * 2, 10)) for i, d in enumerate(digits)) % 10 == 0


def brand(number: str) -> str:
    if number.startswith(("34", "37")):
        return "amex"
    if number.startswith(("51", "52", "53", "54", "55", "22", "23", "24", "25", "26", "27")):
        return "mastercard"
    if number.startswith(("6011", "65")):
        return "discover"
    return "visa"


def fingerprint(number: str) -> str:
    return hashlib.sha256(number.encode()).hexdigest()[:16]
