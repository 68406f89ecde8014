"""Serves the sample app on its own origin, as on a developer's laptop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote

from devstack.stack.stack import Stack

PAGE = Path(__file__).parent / "index.html"


@contextmanager
def sample_app(stack: Stack, publishable_key: str) -> Iterator[str]:
    """Its address, while it is served; it learns its publishable key and its services' addresses from a cookie."""
    html = PAGE.read_bytes()
    about = {"key": publishable_key, "api": stack.url("api-multi"), "signUp": stack.url("sign-up")}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Set-Cookie", f"sample={quote(json.dumps(about))}; Path=/")
            self.send_header("Content-Length", str(len(html)))
            self.end_headers()
            self.wfile.write(html)

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
