"""Owns currencies: which exist, their minimum charge, and how an amount is shown to people."""

from devstack.stripe import errors

_ZERO_DECIMAL = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"]
)
_KNOWN = _ZERO_DECIMAL | frozenset(
    [
        "usd",
        "eur",
        "gbp",
        "aud",
        "cad",
        "chf",
        "dkk",
        "nok",
        "sek",
        "nzd",
        "sgd",
        "hkd",
        "inr",
        "brl",
        "mxn",
        "pln",
        "czk",
        "huf",
        "ron",
        "bgn",
        "zar",
        "thb",
        "myr",
        "idr",
        "php",
        "ils",
        "aed",
        "sar",
        "try",
        "twd",
        "cop",
        "ars",
        "pen",
        "uah",
    ]
)
_SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "cad": "CA$", "aud": "A$", "jpy": "¥"}
# Stripe's documented minimum charges, in the smallest currency unit. Other currencies have the default.
_MINIMUM = {"gbp": 30, "jpy": 50, "dkk": 250, "nok": 300, "sek": 300, "mxn": 1000, "hkd": 400, "czk": 1500, "pln": 200}
_DEFAULT_MINIMUM = 50


def currency(text: str, param: str) -> str:
    code = text.lower()
    if code not in _KNOWN:
        raise errors.invalid(
            f"Invalid currency: {code}. Stripe currently supports these currencies: {', '.join(sorted(_KNOWN))}", param
        )
    return code


def minimum(code: str) -> int:
    return _MINIMUM.get(code, _DEFAULT_MINIMUM)


def formatted(amount: int, code: str) -> str:
    sign = _SIGNS.get(code, code.upper() + " ")
    minus = "-" if amount < 0 else ""
    number = f"{abs(amount):,}" if code in _ZERO_DECIMAL else f"{abs(amount) / 100:,.2f}"
    return f"{minus}{sign}{number}"
