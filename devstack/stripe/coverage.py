"""`python -m devstack.stripe.coverage` prints the endpoints and the refused parameters for DIFFERENCES.md."""

from typing import Any

import typing_extensions

from devstack.stripe.parameters import fields_of, handled_tree
from devstack.stripe.resources.routes import TABLE
from devstack.stripe.routing import Route


def endpoints() -> str:
    return "\n".join(f"- `{route.method} {route.path}`" for route in TABLE)


def refused_parameters() -> str:
    """One line for each route that refuses parameters."""
    lines: list[str] = []
    for route in TABLE:
        names = refused(route)
        if names:
            lines.append(f"- `{route.method} {route.path}`: {', '.join(names)}")
    return "\n".join(lines)


def refused(route: Route) -> list[str]:
    """The parameters that Stripe has and this route refuses. A dot stands before the name of a nested parameter."""
    return _refused(route.params, handled_tree(route.handles), "") if route.handles else []


def _refused(shape: Any, tree: dict[str, Any], path: str) -> list[str]:
    found: list[str] = []
    for name, hint in sorted(fields_of(shape).items()):
        if name == "expand":
            continue
        if name not in tree:
            found.append(path + name)
            continue
        inner = _object_inside(hint) if tree[name] else None
        if inner is not None:
            found += _refused(inner, tree[name], f"{path}{name}.")
    return found


def _object_inside(hint: Any) -> Any:
    if typing_extensions.is_typeddict(hint):
        return hint
    return next(
        (found for part in typing_extensions.get_args(hint) if (found := _object_inside(part)) is not None), None
    )


if __name__ == "__main__":
    print(endpoints())
    print()
    print(refused_parameters())
