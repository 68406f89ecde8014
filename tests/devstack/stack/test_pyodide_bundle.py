"""The builder of the bundle stops if Pyodide has changed, and writes the format that workerd reads."""

from __future__ import annotations

from pathlib import Path

import capnp
import pytest

from deploy.paths import NODE_MODULES
from devstack.stack.workerd import pyodide_bundle
from devstack.stack.workerd.pyodide_bundle import REWRITES, SCHEMA, BundleError, Rewrite

GLUE = NODE_MODULES / "pyodide" / "pyodide.asm.mjs"


def test_every_rewrite_applies_to_the_installed_pyodide() -> None:
    rewritten = pyodide_bundle.rewrite_glue(GLUE.read_text(encoding="utf-8"))
    assert rewritten.startswith("import {addEventListener,")
    assert "new WebAssembly.Module(" not in rewritten
    assert "Date.now()" not in rewritten.replace("monotonicDateNow()", "")
    assert rewritten.rstrip().endswith("export default _createPyodideModule;")


@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda rewrite: rewrite.old[:30])
def test_a_pattern_that_occurs_too_often_stops_the_build_and_is_named(rewrite: Rewrite) -> None:
    source = GLUE.read_text(encoding="utf-8") + rewrite.old
    with pytest.raises(BundleError, match="differs from the one") as failure:
        pyodide_bundle.rewrite_glue(source)
    assert repr(rewrite.old) in str(failure.value)


def test_the_bundle_holds_the_three_modules_unchanged(tmp_path: Path) -> None:
    file = tmp_path / pyodide_bundle.FILE_NAME
    file.write_bytes(pyodide_bundle.encode(b"glue", b"\0asm", b"PK"))
    with file.open("rb") as stream:
        bundle = capnp.load(str(SCHEMA)).Bundle.read(stream)
    assert [(module.name.partition(":")[2], module.which(), str(module.type)) for module in bundle.modules] == [
        ("pyodide.asm", "src", "internal"),
        ("pyodide.asm.wasm", "wasm", "internal"),
        ("python_stdlib.zip", "data", "internal"),
    ]
    assert [bytes(getattr(module, module.which())) for module in bundle.modules] == [b"glue", b"\0asm", b"PK"]
