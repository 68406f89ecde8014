"""`python -m devstack.clerk --config FILE --port N --db FILE`: serve the stand-in until stopped."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import uvicorn

from devstack.clerk.app import create_app
from devstack.clerk.config import ConfigError, load_config


def main() -> int:
    parser = argparse.ArgumentParser(prog="devstack.clerk", description="A local stand-in for Clerk.")
    parser.add_argument("--config", type=Path, required=True, help="JSON file naming the instances")
    parser.add_argument("--port", type=int, default=8792)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--db", type=Path, required=True, help="SQLite file that keeps the state")
    arguments = parser.parse_args()
    try:
        config = load_config(arguments.config)
    except (ConfigError, OSError, ValueError) as error:
        print(f"devstack.clerk: {arguments.config}: {error}", file=sys.stderr)
        return 2
    arguments.db.parent.mkdir(parents=True, exist_ok=True)
    uvicorn.run(
        create_app(config, str(arguments.db)),
        host=arguments.host,
        port=arguments.port,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
