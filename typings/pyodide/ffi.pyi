# The names that our code imports from `pyodide.ffi`. They exist only in the Workers runtime.
from collections.abc import Callable
from typing import Any

class JsException(Exception):
    name: str
    message: str

class JsProxy:
    def __getattr__(self, name: str) -> Any: ...

jsnull: Any

def to_js(
    obj: Any,
    /,
    *,
    depth: int = -1,
    create_pyproxies: bool = True,
    dict_converter: Callable[[Any], Any] | None = None,
) -> Any: ...
def create_proxy(obj: Any, /, *, capture_this: bool = False, roundtrip: bool = True) -> Any: ...
def create_once_callable(obj: Any, /) -> Any: ...
