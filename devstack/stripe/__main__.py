"""`python -m devstack.stripe --config FILE --port N --db FILE` runs the stand-in until it is stopped."""

import sys
from pathlib import Path

from starlette.applications import Starlette

from devstack.kit import server
from devstack.stripe.app import create_app
from devstack.stripe.config import Config


def _create(config: Path, database: str) -> Starlette:
    return create_app(Config.from_file(config), database=database)


if __name__ == "__main__":
    sys.exit(server.main("stripe", 8791, _create))
