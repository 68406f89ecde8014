"""Builds workerd's Pyodide bundle from the npm package `pyodide`.

workerd runs Python by loading a bundle of three modules: Pyodide's JavaScript glue, its WebAssembly binary and Python's
standard library. It downloads them at start unless a worker asks for the version called `dev`, which it reads from a
folder instead. The WebAssembly file and the library go in as npm delivers them. The glue has to change, because workerd
forbids compiling WebAssembly, reading the clock and drawing entropy while a worker starts, except through the functions of
its own module `pyodide-internal:builtin_wrappers`. `REWRITES` says how, and how often each pattern must occur: when
a new Pyodide looks different, the build stops and names the pattern instead of making a bundle that fails at run time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import capnp

SCHEMA = Path(__file__).with_name("pyodide_bundle.capnp")
FILE_NAME = "pyodide_dev.capnp.bin"

WRAPPERS = (
    "addEventListener",
    "getRandomValues",
    "location",
    "monotonicDateNow",
    "newWasmModule",
    "patchedApplyFunc",
    "patchedLoadLibData",
    "wasmInstantiate",
)


class BundleError(Exception):
    """The installed Pyodide does not look like the one these rewrites were made for."""


@dataclass(frozen=True)
class Rewrite:
    """One textual change of the glue, and the number of places where it must apply."""

    old: str
    new: str
    count: int


REWRITES = (
    Rewrite("new WebAssembly.Module(", "newWasmModule(", 4),
    Rewrite("WebAssembly.instantiate(", "wasmInstantiate(", 2),
    Rewrite("Date.now()", "monotonicDateNow()", 22),
    Rewrite("crypto.getRandomValues(view)", "getRandomValues(Module,view)", 1),
    Rewrite("Function.prototype.apply.apply(func,[this_,args])", "patchedApplyFunc(API,func,this_,args)", 1),
    # Shared libraries come from the read-only file system, already compiled; what follows the return is dead code.
    Rewrite(
        "function loadLibData(){",
        "function loadLibData(){const library=patchedLoadLibData(Module,libName,flags.rpath);"
        "return flags.loadAsync?Promise.resolve(library):library;",
        1,
    ),
    # A library restored from a snapshot has to land where it was when the snapshot was taken.
    Rewrite("alignMemory(getMemory(metadata", "alignMemory(Module.getMemoryPatched(Module,libName,metadata", 1),
    Rewrite(
        "export default _createPyodideModule;",
        "export {_createPyodideModule};export default _createPyodideModule;",
        1,
    ),
)


def rewrite_glue(source: str) -> str:
    """The glue as workerd can run it. Raises BundleError when a pattern is found more or less often than expected."""
    for rewrite in REWRITES:
        found = source.count(rewrite.old)
        if found != rewrite.count:
            raise BundleError(
                f"pyodide.asm.mjs has {found} of {rewrite.old!r} where {rewrite.count} were expected: "
                "this Pyodide differs from the one that the rewrites were made for"
            )
        source = source.replace(rewrite.old, rewrite.new)
    return f'import {{{",".join(WRAPPERS)}}} from "pyodide-internal:builtin_wrappers";{source}'


def encode(glue: bytes, wasm: bytes, stdlib: bytes) -> bytes:
    """The three modules as one Cap'n Proto message."""
    schema = capnp.load(str(SCHEMA))
    return schema.Bundle.new_message(
        modules=[
            {"name": "pyodideRuntime-internal:pyodide.asm", "src": glue, "type": "internal"},
            {"name": "pyodideRuntime-internal:pyodide.asm.wasm", "wasm": wasm, "type": "internal"},
            {"name": "pyodideRuntime-internal:python_stdlib.zip", "data": stdlib, "type": "internal"},
        ]
    ).to_bytes()


def build(pyodide: Path, target: Path) -> None:
    """Writes the bundle of the npm package in the folder `pyodide` to the file `target`."""
    glue = rewrite_glue((pyodide / "pyodide.asm.mjs").read_text(encoding="utf-8"))
    message = encode(
        glue.encode(),
        (pyodide / "pyodide.asm.wasm").read_bytes(),
        (pyodide / "python_stdlib.zip").read_bytes(),
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_bytes(message)
    partial.replace(target)
