# The function of pycapnp that the bundle builder calls. pycapnp has no types.
from typing import Any

def load(file_name: str) -> Any: ...
