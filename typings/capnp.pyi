# What the bundle builder uses of pycapnp, which has no types of its own.
from typing import Any

def load(file_name: str) -> Any: ...
