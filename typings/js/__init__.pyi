# The JavaScript global scope inside a worker. It exists only in the Workers runtime.
from typing import Any

def __getattr__(name: str) -> Any: ...
