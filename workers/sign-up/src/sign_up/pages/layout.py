"""Our few pages: one template, everything that comes from outside escaped, and the policies that keep them what they are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from html import escape
from typing import TypeAlias
from urllib.parse import urlsplit

from dream.auth.principal import Nobody
from dream.errors import ApiError
from dream.http.app import render_error
from dream.http.request import Request
from dream.http.response import Response, html_response
from dream.runtime.context import Context
from sign_up.pages.assets import SCRIPT, STYLE
from sign_up.services.arrivals import Arrival
from sign_up.services.clerk_pages import LIBRARY_FOLDER, library

VisitorHandler: TypeAlias = Callable[[Context, Request, Nobody], Awaitable[Response]]

_STILL = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="stylesheet" href="{style}">
</head>
<body{data}>
<main class="card">
{body}
</main>
{scripts}</body>
</html>
"""

_ERROR = """<p class="mark mark-bad" aria-hidden="true">!</p>
<h1 id="title">{title}</h1>
<p id="message">{message}</p>
{details}<p class="small">Request {request_id}</p>"""

_SESSION = """<p class="app">{app}{badge}</p>
<p class="mark" id="mark" aria-hidden="true"></p>
<h1 id="title">{title}</h1>
<p id="message" role="status">{message}</p>
<progress id="progress" max="100" hidden></progress>
<p class="actions">
<a class="button" id="continue" hidden>Continue</a>
<button class="button" id="switch" type="button" hidden>Use another account</button>
<a class="button plain" id="retry" href="{retry}" hidden>Try again</a>
</p>
<noscript><p class="note">This step needs JavaScript: only your browser can hand your session to the app. Turn it on and
<a href="">load this page again</a>, or <a href="{redirect}" rel="noreferrer">go back to the app</a>.</p></noscript>"""


def session_page(context: Context, arrival: Arrival, *, title: str, message: str, data: Mapping[str, str]) -> Response:
    """A page on which clerk-js finds the visitor's session and our script does the rest; `data` is for that script."""
    clerk = library(context, arrival.project.mode)
    origin = _origin(clerk.frontend_api)
    told = {
        **data,
        "key": arrival.project.publishable_key,
        "redirect": arrival.redirect,
        "retry": arrival.link("/signin"),
    }
    proxy = "" if clerk.proxy_url is None else f' data-clerk-proxy-url="{escape(clerk.proxy_url)}"'
    scripts = (
        f'<script defer crossorigin="anonymous" data-clerk-publishable-key="{escape(clerk.publishable_key)}"{proxy}'
        f' data-clerk-telemetry="false" src="{escape(clerk.script_url)}"></script>\n'
        f'<script defer src="{SCRIPT.path}"></script>\n'
    )
    body = _SESSION.format(
        app=escape(arrival.project.name),
        badge=' <span class="badge">test</span>' if arrival.project.mode == "test" else "",
        title=escape(title),
        message=escape(message),
        retry=escape(told["retry"]),
        redirect=escape(arrival.redirect),
    )
    policy = (
        f"default-src 'none'; script-src 'self' {clerk.frontend_api}{LIBRARY_FOLDER}; style-src 'self'; img-src 'self'; "
        f"connect-src 'self' {origin}; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return _page(title, body, policy, data=told, scripts=scripts)


def browsable(handler: VisitorHandler) -> VisitorHandler:
    """The same route for people: what it refuses is a page when a browser asks, the one error shape otherwise."""

    async def handle(context: Context, request: Request, visitor: Nobody) -> Response:
        try:
            return await handler(context, request, visitor)
        except ApiError as error:
            if "text/html" not in (request.headers.get("accept") or ""):
                raise
            return _error_page(context, error)

    return handle


def _error_page(context: Context, error: ApiError) -> Response:
    answer = render_error(error, context)
    fields: Mapping[str, str] = error.extra.get("fields") or {}
    items = "".join(f"<li><code>{escape(name)}</code>: {escape(problem)}</li>\n" for name, problem in fields.items())
    body = _ERROR.format(
        title=escape(error.error),
        message=escape(error.message),
        details=f"<ul>\n{items}</ul>\n" if items else "",
        request_id=escape(context.request_id),
    )
    return _page(error.error, body, _STILL, status=answer.status, headers=answer.headers)


def _page(
    title: str,
    body: str,
    policy: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    data: Mapping[str, str] | None = None,
    scripts: str = "",
) -> Response:
    attributes = "".join(f' data-{name}="{escape(value)}"' for name, value in (data or {}).items())
    html = _TEMPLATE.format(title=escape(title), style=STYLE.path, data=attributes, body=body, scripts=scripts)
    own = {"Content-Security-Policy": policy, "Cross-Origin-Opener-Policy": "same-origin"}
    return html_response(html, status, {**(headers or {}), **own})


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
