# The JavaScript global scope inside a worker. Exists in the runtime only.
from typing import Any

def __getattr__(name: str) -> Any: ...
