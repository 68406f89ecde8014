"""Owns the type of the API's route table, and the search in it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from devstack.stripe.books import Books
from devstack.stripe.jsontypes import Json

Handler = Callable[..., Json]
PAGING = " limit starting_after ending_before"
LISTING = PAGING + " created"


@dataclass(frozen=True)
class Route:
    """One route. The handler gets the books, the parameters, and the `{id}` of the path.

    `params` is the TypedDict of stripe-python. `handles` lists the parameters that the stand-in supports, nested ones with
    dots; empty means all that Stripe has.
    """

    method: str
    path: str
    params: type
    handler: Handler
    handles: str = ""
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", re.compile("^" + re.sub(r"\{\w+\}", "([^/]+)", self.path) + "$"))

    def call(self, books: Books, params: Json, path_values: tuple[str, ...]) -> Json:
        return self.handler(books, params, *path_values)


def find(table: list[Route], method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    """The route of a call, and the ids in its path."""
    for route in table:
        match = route.pattern.match(path)
        if match and route.method == method:
            return route, match.groups()
    return None
