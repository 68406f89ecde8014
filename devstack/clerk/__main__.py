"""`python -m devstack.clerk --config FILE --port N --db FILE` runs the stand-in until it is stopped."""

import sys
from pathlib import Path

from starlette.applications import Starlette

from devstack.clerk.app import create_app
from devstack.clerk.config import Config
from devstack.kit import server


def _create(config: Path, database: str) -> Starlette:
    return create_app(Config.from_file(config), database=database)


if __name__ == "__main__":
    sys.exit(server.main("clerk", 8792, _create))
