"""Cuts the `stripe` package down to what the workers can load, and drops from it what only people and type checkers read.

The package is 800 files and 7 MB, most of it for parts of Stripe that we do not use, docstrings and annotations. A worker
uploads and parses all of it. This keeps the modules named in `ROOTS`, follows their imports, and writes them without
docstrings, annotations and `if TYPE_CHECKING` blocks. Objects whose class is left out become plain `StripeObject`s, as
stripe does with names that it does not know. A new call in `dream.clients` may need a new root: the real runtime then
says `No module named 'stripe._..._service'`.
"""

from __future__ import annotations

import ast
from pathlib import Path

from deploy.imports import Module, file_in, is_type_checking, reachable

SERVICES = (
    "account",
    "billing_portal",
    "charge",
    "checkout",
    "customer",
    "dispute",
    "event",
    "invoice",
    "invoice_payment",
    "oauth",
    "payment_intent",
    "price",
    "product",
    "refund",
    "subscription",
    "subscription_item",
)
OBJECTS = (
    "account",
    "application_fee",
    "balance_transaction",
    "bank_account",
    "card",
    "charge",
    "coupon",
    "customer",
    "discount",
    "dispute",
    "event",
    "invoice",
    "invoice_line_item",
    "invoice_payment",
    "line_item",
    "list_object",
    "payment_intent",
    "payment_method",
    "person",
    "plan",
    "price",
    "product",
    "promotion_code",
    "refund",
    "search_result_object",
    "setup_intent",
    "subscription",
    "subscription_item",
    "subscription_schedule",
    "tax_id",
    "tax_rate",
)
ROOTS = (
    "stripe",
    "stripe._stripe_client",
    "stripe._v1_services",
    "stripe._webhook",
    *(f"stripe._{name}_service" for name in SERVICES),
    *(f"stripe._{name}" for name in OBJECTS),
    "stripe.billing_portal._configuration",
    "stripe.billing_portal._configuration_service",
    "stripe.billing_portal._session",
    "stripe.billing_portal._session_service",
    "stripe.checkout._session",
    "stripe.checkout._session_line_item_service",
    "stripe.checkout._session_service",
)
# Named by imports inside functions that only events of version 2 of Stripe's API reach.
NEVER_REACHED = ("stripe.events",)
# Bases and decorators whose classes read their own annotations.
READS_ANNOTATIONS = ("TypedDict", "NamedTuple", "dataclass", "Protocol")


def write_subset(package: Path, target: Path) -> None:
    """Writes the needed modules of the package in the folder `package` into the folder `target`."""
    modules = load(package)
    _forget_missing_classes(modules)
    for name, module in modules.items():
        destination = target / module.path.relative_to(package)
        destination.parent.mkdir(parents=True, exist_ok=True)
        text = ast.unparse(ast.fix_missing_locations(Compact().visit(module.tree)))
        destination.write_text(text + "\n", encoding="utf-8")
        assert compile(text, name, "exec")


def load(package: Path) -> dict[str, Module]:
    """The needed modules by name. Raises LookupError when the package has no module of a root's name."""

    def file_of(name: str) -> Path | None:
        return None if name.startswith(NEVER_REACHED) else file_in(package, name)

    found = reachable(ROOTS, file_of)
    missing = [root for root in ROOTS if root not in found]
    if missing:
        raise LookupError(f"this stripe package has no {', '.join(missing)}")
    return found


def _forget_missing_classes(modules: dict[str, Module]) -> None:
    """Takes the classes that were left out from the table by which stripe finds the class of an object."""
    table = next(
        node.value
        for node in modules["stripe._object_classes"].tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "OBJECT_CLASSES"
    )
    assert isinstance(table, ast.Dict)
    kept = [(key, value) for key, value in zip(table.keys, table.values, strict=True) if _module_in(value) in modules]
    table.keys = [key for key, _ in kept]
    table.values = [value for _, value in kept]


def _module_in(entry: ast.expr) -> str:
    """The module that an entry `(module, class)` of the table names."""
    module, _ = ast.literal_eval(entry)
    return module


class Compact(ast.NodeTransformer):
    """Removes docstrings, annotations and what is only there for type checkers."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else node

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt] | None:
        self.generic_visit(node)
        if is_type_checking(node.test):
            return node.orelse
        node.body = node.body or [ast.Pass()]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign(targets=[node.target], value=node.value), node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | list[ast.stmt]:
        """Python 3.14 has all that stripe takes from typing_extensions, which need not be uploaded then."""
        if node.module != "typing_extensions":
            return node
        typing = [alias for alias in node.names if alias.name != "deprecated"]
        warnings = [alias for alias in node.names if alias.name == "deprecated"]
        named = (("typing", typing), ("warnings", warnings))
        return [ast.ImportFrom(module, aliases, 0) for module, aliases in named if aliases]

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST | None:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST | None:
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST | None:
        if any(isinstance(each, ast.Name) and each.id == "overload" for each in node.decorator_list):
            return None
        node.returns = None
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        said = " ".join(ast.unparse(each) for each in (*node.bases, *node.decorator_list))
        if any(name in said for name in READS_ANNOTATIONS):
            return node
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node
