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
    there, wanted = documented(), {route for route in routed() if route not in PRIVATE}
    cures = [
        f"{method} {path}: add it to openapi.yaml under paths: with the tag {worker}, then run `make types`; or, if it is no part of"
        f" the contract, to PRIVATE in this file"
        for worker, method, path in sorted(wanted - there)
    ]
    cures += [
        f"{method} {path}: {worker} has no such route; delete it from paths: in openapi.yaml, or add it to the worker's routes.py"
        for worker, method, path in sorted(there - wanted)
    ]
    assert not cures, "\n".join(cures)


def test_every_reference_leads_somewhere() -> None:
    whole = document()
    lost: list[str] = []

    def check(node: Any) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                target: Any = whole
                for part in node["$ref"].removeprefix("#/").split("/"):
                    target = target.get(part, {})
                if not target:
                    lost.append(node["$ref"])
            for value in node.values():
                check(value)
        elif isinstance(node, list):
            for value in node:
                check(value)

    check(whole)
    assert not lost, f"openapi.yaml refers to {sorted(set(lost))}: add them under components:, or correct the $ref"


def test_every_operation_names_an_error_shape() -> None:
    error = {"$ref": "#/components/responses/Error"}
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            assert operation["responses"].get("default") == error, (
                f"{method.upper()} {path}: add the response `default: {error}` to it in openapi.yaml"
            )
