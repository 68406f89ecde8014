"""Checks parameters against the TypedDicts of stripe-python: their names, whether they are required, and their types."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin

import typing_extensions
from stripe import RequestOptions

from devstack.stripe import errors
from devstack.stripe.jsontypes import Json

METADATA_KEYS, METADATA_KEY_LENGTH, METADATA_VALUE_LENGTH = 50, 40, 500
_INTEGER = re.compile(r"^-?\d{1,18}$")
# Names in stripe-python's annotations that it imports only for type checkers.
_NAMES = {"StripeContext": object, "Mapping": Mapping}


class NoParams(typing_extensions.TypedDict):
    """The parameters of calls that accept only `expand`."""

    expand: typing_extensions.NotRequired[list[str]]


@cache
def fields_of(shape: type) -> dict[str, Any]:
    hints = typing_extensions.get_type_hints(shape, localns=_NAMES)
    options = typing_extensions.get_type_hints(RequestOptions, localns=_NAMES)
    return {name: hint for name, hint in hints.items() if name not in options}


@cache
def required_of(shape: type) -> tuple[str, ...]:
    keys: frozenset[str] = getattr(shape, "__required_keys__", frozenset())
    return tuple(name for name in fields_of(shape) if name in keys)


def read(params: Json, shape: type, handles: str = "") -> Json:
    """The parameters with their types. Raises StripeFault 400, which names the first wrong parameter.

    `handles` lists the parameters that the stand-in supports, nested ones with dots; empty means all. Other parameters that
    Stripe has are refused, so that none is ignored silently.
    """
    typed = _read_object(params, shape, "")
    if handles:
        _refuse_unhandled(typed, handled_tree(handles), "")
    return typed


@cache
def handled_tree(handles: str) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name in handles.split():
        node = tree
        for part in name.split("."):
            node = node.setdefault(part, {})
    return tree


def _refuse_unhandled(value: Any, tree: dict[str, Any], path: str) -> None:
    if isinstance(value, list):
        for index, item in enumerate(cast(list[Any], value)):
            _refuse_unhandled(item, tree, f"{path}[{index}]")
    elif isinstance(value, dict) and tree:
        for name, below in cast(Json, value).items():
            if name not in tree:
                name = _join(path, name)
                raise errors.invalid(f"This local stand-in does not support `{name}`.", name)
            _refuse_unhandled(below, tree[name], _join(path, name))


def _read_object(raw: Json, shape: type, path: str) -> Json:
    fields = fields_of(shape)
    strangers = [_join(path, name) for name in raw if name not in fields]
    if strangers:
        raise errors.unknown(strangers)
    for name in required_of(shape):
        if name not in raw:
            raise errors.missing(_join(path, name))
    return {name: _read_value(value, fields[name], _join(path, name)) for name, value in raw.items()}


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


@cache
def _alternatives(hint: Any) -> tuple[Any, ...]:
    if get_origin(hint) in (Union, UnionType):
        return tuple(leaf for part in get_args(hint) for leaf in _alternatives(part))
    return (hint,)


def _read_value(value: Any, hint: Any, path: str) -> Any:
    options = _alternatives(hint)
    if isinstance(value, str):
        return _read_scalar(value, options, path)
    if isinstance(value, list):
        items = cast(list[Any], value)
        for option in options:
            if get_origin(option) is list:
                (inner,) = get_args(option)
                return [_read_value(item, inner, f"{path}[{index}]") for index, item in enumerate(items)]
        raise errors.invalid("Invalid object", path)
    entries = cast(Json, value)
    for option in options:
        if typing_extensions.is_typeddict(option):
            return _read_object(entries, option, path)
        if get_origin(option) is not None and get_origin(option) not in (list, Literal):
            return _read_map(entries, path)
    raise errors.invalid("Invalid array" if any(get_origin(o) is list for o in options) else "Invalid string", path)


def _read_map(entries: Json, path: str) -> Json:
    for key, value in entries.items():
        if not isinstance(value, str):
            raise errors.invalid("Metadata values must be strings.", _join(path, key))
        if len(key) > METADATA_KEY_LENGTH:
            raise errors.invalid(
                f"Metadata keys can have up to {METADATA_KEY_LENGTH} characters, but you passed in a key that is "
                f"{len(key)} characters. Invalid key: {key}",
                path,
            )
        if len(value) > METADATA_VALUE_LENGTH:
            raise errors.invalid(
                f"Metadata values can have up to {METADATA_VALUE_LENGTH} characters, but you passed in a value that is "
                f"{len(value)} characters. Invalid value: {value}",
                path,
            )
    if len(entries) > METADATA_KEYS:
        raise errors.invalid(
            f"Metadata can have up to {METADATA_KEYS} keys, but you passed in {len(entries)} keys.", path
        )
    return entries


def _read_scalar(value: str, options: tuple[Any, ...], path: str) -> Any:
    literals = [word for option in options if get_origin(option) is Literal for word in get_args(option)]
    if value == "":
        if "" in literals:
            return ""
        raise errors.empty(path)
    words = [word for word in literals if word != ""]
    if value in words:
        return value
    if int in options and _INTEGER.match(value):
        return int(value)
    if bool in options and value in ("true", "false"):
        return value == "true"
    if Decimal in options or float in options:
        return _read_decimal(value, path)
    if words:
        listed = ", ".join(words[:-1]) + f", or {words[-1]}" if len(words) > 2 else " or ".join(words)
        raise errors.invalid(f"Invalid {path}: must be one of {listed}", path)
    if str in options:
        return value
    if int in options:
        raise errors.invalid(f"Invalid integer: {value}", path, "parameter_invalid_integer")
    if bool in options:
        raise errors.invalid(f"Invalid boolean: {value}", path)
    raise errors.invalid("Invalid array" if any(get_origin(o) is list for o in options) else "Invalid object", path)


def _read_decimal(value: str, path: str) -> Decimal:
    try:
        return Decimal(value)
    except InvalidOperation:
        raise errors.invalid(f"Invalid decimal: {value}", path) from None


def merged_metadata(before: Json, change: Json | str | None) -> Json:
    """Metadata after an update. Stripe merges keys; an empty value removes its key; an empty string removes all keys."""
    if change is None:
        return before
    if isinstance(change, str):
        return {}
    merged = {key: value for key, value in {**before, **change}.items() if value != ""}
    if len(merged) > METADATA_KEYS:
        raise errors.invalid(
            f"Metadata can have up to {METADATA_KEYS} keys, but you passed in {len(merged)} keys.", "metadata"
        )
    return merged


def unset_as_none(value: Any) -> Any:
    """An empty string as None: Stripe clears the field then."""
    return None if value == "" else value
