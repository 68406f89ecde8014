"""openapi.yaml and the workers' route tables name the same endpoints, and its references hold."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
METHODS = {"get", "post", "put", "patch", "delete"}
# Pages' own helpers and scripts: served for our pages, no part of the contract.
PRIVATE = {("sign-up", "GET", "/refresh/status"), ("sign-up", "GET", "/assets/{name}")}


def document() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "openapi.yaml").read_text())


def routed() -> set[tuple[str, str, str]]:
    """(worker, method, path) of every `Route(...)` with literal method and path in a routes.py."""
    found: set[tuple[str, str, str]] = set()
    for file in ROOT.glob("workers/*/src/*/routes.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Route":
                method, path = (argument.value for argument in node.args[:2] if isinstance(argument, ast.Constant))
                found.add((file.parts[-4], str(method), re.sub(r":(\w+)", r"{\1}", str(path))))
    return found


def documented() -> set[tuple[str, str, str]]:
    return {
        (worker, method.upper(), path)
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
        if method in METHODS
        for worker in operation["tags"]
    }


def test_every_route_is_documented_and_every_documented_route_exists() -> None:
    assert documented() == {route for route in routed() if route not in PRIVATE}


def test_every_reference_leads_somewhere() -> None:
    whole = document()

    def check(node: Any) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                target: Any = whole
                for part in node["$ref"].removeprefix("#/").split("/"):
                    target = target[part]
            for value in node.values():
                check(value)
        elif isinstance(node, list):
            for value in node:
                check(value)

    check(whole)


def test_every_operation_names_an_error_shape() -> None:
    for operations in document()["paths"].values():
        for operation in operations.values():
            assert operation["responses"]["default"] == {"$ref": "#/components/responses/Error"}
