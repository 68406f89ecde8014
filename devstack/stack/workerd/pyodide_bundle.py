"""Builds workerd's Pyodide bundle from the npm package `pyodide`.

To run Python, workerd loads a bundle of three modules: Pyodide's JavaScript code (the glue), its WebAssembly binary and
Python's standard library. workerd downloads the bundle at start. If a worker asks for the version `dev`, workerd reads it
from a folder instead. The WebAssembly file and the library are copied from npm unchanged. The glue must change: while a
worker starts, workerd forbids compiling WebAssembly, reading the clock and reading random bytes, except through the
functions of its module `pyodide-internal:builtin_wrappers`. `REWRITES` lists the changes, and how often each pattern must
occur. If a new Pyodide differs, the build stops and names the pattern, instead of making a bundle that fails at run time.
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
    """The installed Pyodide differs from the one that REWRITES were made for. The message names the pattern."""


@dataclass(frozen=True)
class Rewrite:
    """One replacement of text in the glue. `count` is how often `old` must occur."""

    old: str
    new: str
    count: int


REWRITES = (
    Rewrite("new WebAssembly.Module(", "newWasmModule(", 4),
    Rewrite("WebAssembly.instantiate(", "wasmInstantiate(", 2),
    Rewrite("Date.now()", "monotonicDateNow()", 22),
    Rewrite("crypto.getRandomValues(view)", "getRandomValues(Module,view)", 1),
    Rewrite("Function.prototype.apply.apply(func,[this_,args])", "patchedApplyFunc(API,func,this_,args)", 1),
    # Shared libraries come compiled from the read-only file system. The code after the `return` never runs.
    Rewrite(
        "function loadLibData(){",
        "function loadLibData(){const library=patchedLoadLibData(Module,libName,flags.rpath);"
        "return flags.loadAsync?Promise.resolve(library):library;",
        1,
    ),
    # A library that is restored from a snapshot must have the same address as when the snapshot was taken.
    Rewrite("alignMemory(getMemory(metadata", "alignMemory(Module.getMemoryPatched(Module,libName,metadata", 1),
    Rewrite(
        "export default _createPyodideModule;",
        "export {_createPyodideModule};export default _createPyodideModule;",
        1,
    ),
)


def rewrite_glue(source: str) -> str:
    """The glue as workerd can run it. Raises BundleError if a pattern does not occur as often as expected."""
    for rewrite in REWRITES:
        found = source.count(rewrite.old)
        if found != rewrite.count:
            raise BundleError(
                f"pyodide.asm.mjs contains {rewrite.old!r} {found} times, not {rewrite.count} times: this Pyodide "
                "differs from the one that REWRITES were made for"
            )
        source = source.replace(rewrite.old, rewrite.new)
    return f'import {{{",".join(WRAPPERS)}}} from "pyodide-internal:builtin_wrappers";{source}'


def encode(glue: bytes, wasm: bytes, stdlib: bytes) -> bytes:
    """The three modules as one Cap'n Proto message, as in pyodide_bundle.capnp."""
    schema = capnp.load(str(SCHEMA))
    return schema.Bundle.new_message(
        modules=[
            {"name": "pyodideRuntime-internal:pyodide.asm", "src": glue, "type": "internal"},
            {"name": "pyodideRuntime-internal:pyodide.asm.wasm", "wasm": wasm, "type": "internal"},
            {"name": "pyodideRuntime-internal:python_stdlib.zip", "data": stdlib, "type": "internal"},
        ]
    ).to_bytes()


def build(pyodide: Path, target: Path) -> None:
    """Makes the bundle from the npm package in the folder `pyodide`, and writes it to the file `target`. Raises BundleError."""
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
