"""Decodes Stripe's form encoding: `items[0][price]=x&expand[]=y` to nested dicts and lists."""

import re
from collections.abc import Iterable
from typing import Any

from devstack.stripe import errors
from devstack.stripe.jsontypes import Json

_NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_PART = re.compile(r"\[([^\[\]]*)\]")


def decode(pairs: Iterable[tuple[str, str]]) -> Json:
    """Values stay text. Raises StripeFault 400 for a malformed name."""
    tree: Json = {}
    for name, value in pairs:
        match = _NAME.match(name)
        if match is None:
            raise errors.unknown([name])
        path = [match[1], *_PART.findall(match[2])]
        _put(tree, path, value, name)
    return {key: _with_lists(value) for key, value in tree.items()}


def _put(tree: Json, path: list[str], value: str, name: str) -> None:
    node: Json = tree
    for depth, part in enumerate(path):
        key = part or str(len(node))
        if depth == len(path) - 1:
            node[key] = value
            return
        below: Any = node.setdefault(key, {})
        if not isinstance(below, dict):
            raise errors.invalid("Invalid object", name)
        node = below  # pyright: ignore[reportUnknownVariableType]


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    node: Json = {key: _with_lists(below) for key, below in value.items()}  # pyright: ignore
    if node and all(key.isdigit() for key in node):
        return [node[key] for key in sorted(node, key=int)]
    return node
