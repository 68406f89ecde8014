"""Builds list answers, newest first: `limit`, `starting_after`, `ending_before`, `created`, `has_more`.

https://docs.stripe.com/api/pagination
"""

import operator
from collections.abc import Callable
from typing import Any, cast

from devstack.stripe import errors
from devstack.stripe.books import Books, public
from devstack.stripe.jsontypes import Json

DEFAULT_LIMIT, MAX_LIMIT = 10, 100
_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def wrap(rows: list[Json], url: str, *, has_more: bool = False) -> Json:
    return {"object": "list", "data": [public(row) for row in rows], "has_more": has_more, "url": url}


def page(books: Books, rows: list[Json], params: Json, url: str) -> Json:
    """One page of a list. `rows` must be newest first, and filtered by all parameters except `created`."""
    rows = [row for row in rows if _created_matches(row.get("created", 0), params.get("created"))]
    limit = params.get("limit", DEFAULT_LIMIT)
    if not 1 <= limit <= MAX_LIMIT:
        raise errors.invalid(
            f"This value must be {'greater than or equal to 1' if limit < 1 else f'less than or equal to {MAX_LIMIT}'}."
            f" You passed {limit}.",
            "limit",
            "parameter_invalid_integer",
        )
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise errors.invalid(
            "You can only specify one of these parameters: starting_after, ending_before.", "starting_after"
        )
    if after:
        rows = rows[_position(rows, after, "starting_after") + 1 :]
        return wrap(rows[:limit], url, has_more=len(rows) > limit)
    if before:
        rows = rows[: _position(rows, before, "ending_before")]
        return wrap(rows[-limit:], url, has_more=len(rows) > limit)
    return wrap(rows[:limit], url, has_more=len(rows) > limit)


def _position(rows: list[Json], object_id: str, param: str) -> int:
    for index, row in enumerate(rows):
        if row["id"] == object_id:
            return index
    raise errors.no_such("object", object_id, param, status=400)


def _created_matches(created: int, condition: Any) -> bool:
    if condition is None:
        return True
    if isinstance(condition, int):
        return created == condition
    bounds = cast(dict[str, int], condition)
    return all(_COMPARISONS[name](created, bound) for name, bound in bounds.items())


def matching(rows: list[Json], params: Json, *names: str) -> list[Json]:
    """The rows whose top-level fields equal the parameters with the same names. A parameter that is absent does not count."""
    wanted = {name: params[name] for name in names if name in params}
    return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]
