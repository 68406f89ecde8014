"""Owns the shape of the API's route table: method, path pattern, parameter type, handler."""

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
    """One line of the table. `{id}` in the path is handed to the handler after the books and the parameters.

    `handles` names the parameters that the stand-in honours, dots for what is inside; empty means all that Stripe has.
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
    for route in table:
        match = route.pattern.match(path)
        if match and route.method == method:
            return route, match.groups()
    return None
