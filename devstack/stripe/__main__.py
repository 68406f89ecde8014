"""`python -m devstack.stripe --config FILE --port N --db FILE`: runs the stand-in until it is stopped."""

import argparse
import logging
from pathlib import Path

import uvicorn

from devstack.stripe.app import build
from devstack.stripe.config import Config
from devstack.stripe.stand_in import StandIn


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m devstack.stripe", description="Stripe stand-in for local runs.")
    parser.add_argument(
        "--config", required=True, type=Path, help="JSON file: keys, client ids, webhook endpoints, ..."
    )
    parser.add_argument("--port", type=int, default=8791)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--db", default=".dev/stripe.sqlite", help="SQLite file that keeps the state")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="stripe %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    Path(options.db).parent.mkdir(parents=True, exist_ok=True)
    stand_in = StandIn(Config.from_file(options.config), options.db)
    uvicorn.run(
        build(stand_in),
        host=options.host,
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
