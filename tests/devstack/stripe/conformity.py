"""Compares JSON objects with stripe-python's resource classes: unknown fields, missing fields, wrong types."""

import inspect
import types
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

import stripe
from stripe._object_classes import get_object_class
from stripe._stripe_object import StripeObject, UntypedStripeObject

NAMES = {
    name: getattr(stripe, name)
    for name in dir(stripe)
    if name[:1].isupper() and isinstance(getattr(stripe, name, None), type)
}


@cache
def fields_of(cls: type) -> dict[str, Any]:
    """The fields of a resource class and their types. Types that the library does not export become Any."""
    names: dict[str, Any] = dict(NAMES)
    while True:
        try:
            hints = get_type_hints(cls, localns=names)
            break
        except NameError as exc:
            names[str(exc.name)] = Any
    own = own_names(cls)
    return {
        name: hint
        for name, hint in hints.items()
        if name in own and not name.startswith("_") and get_origin(hint) is not ClassVar
    }


def own_names(cls: type) -> set[str]:
    return {
        name for base in cls.__mro__ if base.__module__.startswith("stripe.") for name in inspect.get_annotations(base)
    }


def complaints(value: dict[str, Any], cls: type, path: str) -> list[str]:
    """The differences between `value` and the resource class `cls`, one text for each."""
    fields = fields_of(cls)
    found = [f"{path}.{name} is unknown to {cls.__qualname__}" for name in value if name not in fields]
    for name, hint in fields.items():
        here = f"{path}.{name}"
        if name in value:
            found += mismatch(value[name], hint, here)
        elif type(None) not in alternatives(hint):
            found.append(f"{here} is missing")
    return found


def alternatives(hint: Any) -> tuple[Any, ...]:
    if get_origin(hint) in (Union, types.UnionType):
        return tuple(leaf for part in get_args(hint) for leaf in alternatives(part))
    return (hint,)


def mismatch(value: Any, hint: Any, path: str) -> list[str]:
    options = alternatives(hint)
    if Any in options or (value is None and type(None) in options):
        return []
    if isinstance(value, dict):
        return object_mismatch(value, options, path)
    if isinstance(value, list):
        inner = next((get_args(o)[0] for o in options if get_origin(o) is list), None)
        if inner is None:
            return [f"{path} is a list, not {hint}"]
        return [problem for index, item in enumerate(value) for problem in mismatch(item, inner, f"{path}[{index}]")]
    words = [word for option in options if get_origin(option) is Literal for word in get_args(option)]
    if words and value in words:
        return []
    if words and isinstance(value, str) and str in options:
        return [f"{path} is {value!r}, none of {words[:8]}"]
    expected = tuple(option for option in options if isinstance(option, type) and option in (str, int, float, bool))
    if type(value) in expected or (float in expected and type(value) is int):
        return []
    if Decimal in options and isinstance(value, str):
        return []
    return [f"{path} is {value!r}, not {hint}"]


def object_mismatch(value: dict[str, Any], options: tuple[Any, ...], path: str) -> list[str]:
    for option in options:
        origin = get_origin(option) or option
        if origin in (UntypedStripeObject, dict):
            return []
        if isinstance(origin, type) and issubclass(origin, StripeObject):
            if value.get("object") == "list":
                inner = get_args(option)[0] if get_args(option) else None
                return [
                    problem
                    for index, item in enumerate(value["data"])
                    for problem in (mismatch(item, inner, f"{path}.data[{index}]") if inner is not None else [])
                ]
            if "object" in value:
                origin = get_object_class("V1", value["object"]) if len(options) > 2 else origin
            return complaints(value, origin, path)
    return [f"{path} is an object, not {options}"]


def check(value: dict[str, Any]) -> list[str]:
    """The differences of a whole API object. Its field `object` selects the class."""
    return complaints(value, get_object_class("V1", value["object"]), value["object"])
