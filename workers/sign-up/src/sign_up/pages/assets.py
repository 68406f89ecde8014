"""Script and style of our pages, as text. Their paths carry a hash of it, and nothing in a page is inline."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

SCRIPT = r"""// On our pages: finds the visitor's session, settles whose user they are, and hands the token to the app.
(() => {
  "use strict";

  const page = document.body.dataset;
  const element = (id) => document.getElementById(id);

  const say = (title, message, mood) => {
    element("title").textContent = title;
    element("message").textContent = message;
    if (mood) {
      element("mark").className = "mark mark-" + mood;
      element("mark").textContent = mood === "bad" ? "!" : "\u2713";
      element("progress").hidden = true;
    }
    document.title = title;
  };

  class Refused extends Error {
    constructor(status, answer) {
      super(answer.message || "Something went wrong. Try again.");
      this.status = status;
      this.answer = answer;
    }
  }

  const call = async (method, path, headers) => {
    const answer = await fetch(path, { method, headers, cache: "no-store" });
    const body = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Refused(answer.status, body);
    return body;
  };

  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  const withFragment = (values) => page.redirect + "#" + new URLSearchParams(values);

  const bearer = async (options) => "Bearer " + (await Clerk.session.getToken(options));

  // What the app gets, in the fragment, which no server and no referrer sees.
  const handedOver = async (completed, plan, more) => {
    const token = await Clerk.session.getToken({ skipCache: true });
    if (!token) throw new Error("Your session has ended. Sign in again.");
    const values = { token, userId: completed.userId, publishableKey: completed.publishableKey };
    return withFragment({ ...values, ...(plan ? { plan } : {}), ...more });
  };

  const load = async () => {
    if (!window.Clerk) throw new Error("The sign-in service did not load. Check your connection and try again.");
    await Clerk.load();
    return Clerk.session !== null && Clerk.session !== undefined;
  };

  const fromClerk = async () => {
    if (!(await load())) {
      if (page.flow === "user") return location.replace(withFragment({ signed_out: "1" }));
      say("You are not signed in", "The sign-in was not finished.", "bad");
      element("retry").hidden = false;
      return undefined;
    }
    const path = "/oauth/complete?" + new URLSearchParams({ state: page.state });
    const completed = await call("POST", path, { Authorization: await bearer() });
    return location.replace(await handedOver(completed, completed.plan, {}));
  };

  const waitForPlan = async (headers) => {
    const begun = Date.now();
    const patience = Number(page.waitSeconds) * 1000;
    const progress = element("progress");
    progress.hidden = false;
    for (let wait = 400; ; wait = Math.min(wait * 1.4, 2500)) {
      try {
        const status = await call("GET", "/refresh/status", { ...headers, Authorization: await bearer() });
        if (status.paid) return status;
      } catch (error) {
        if (error instanceof Refused && error.status === 403) throw error;
      }
      const passed = Date.now() - begun;
      progress.value = Math.min(100, (100 * passed) / patience);
      if (passed > patience / 3) say("Still confirming your plan", "The payment takes a little longer than usual.");
      if (passed + wait > patience) return null;
      await pause(wait);
    }
  };

  const refresh = async () => {
    if (!(await load())) return location.replace(page.retry);
    const headers = { "X-Publishable-Key": page.key };
    const completed = await call("POST", "/oauth/complete", { ...headers, Authorization: await bearer() });
    const status = await waitForPlan(headers);
    if (status) {
      say("Your plan is ready", "Taking you back to the app.", "good");
      return location.replace(await handedOver(completed, status.plan, {}));
    }
    const url = await handedOver(completed, completed.plan, { plan_pending: "1" });
    say("Almost there", "Your payment is not confirmed yet. The app shows the new plan as soon as it is.", "good");
    element("continue").href = url;
    element("continue").hidden = false;
    await pause(4000);
    return location.replace(url);
  };

  const explain = (error) => {
    if (error instanceof Refused && (error.status === 409 || error.status === 403)) {
      say("Another app's account", error.message, "bad");
      element("switch").hidden = false;
      element("switch").addEventListener("click", () => Clerk.signOut({ redirectUrl: new URL(page.retry, location.href).href }));
      return;
    }
    say("That did not work", error instanceof TypeError ? "The connection was lost. Try again." : error.message, "bad");
    element("retry").hidden = false;
  };

  (page.page === "refresh" ? refresh : fromClerk)().catch(explain);
})();
"""

STYLE = """:root {
  --back: #f4f5f7; --card: #fff; --text: #16181d; --soft: #5c6370; --line: #dfe2e8; --accent: #3b5bdb; --on-accent: #fff;
  --bad: #c92a2a; --good: #2b8a3e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #101216; --card: #191c22; --text: #eceef2; --soft: #a2a9b6; --line: #2c313a; --accent: #8ea2ff; --on-accent: #101216;
    --bad: #ff8787; --good: #69db7c;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--back); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
.card {
  width: 100%; max-width: 26rem; padding: 2.25rem 2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 16px; text-align: center; overflow-wrap: anywhere; box-shadow: 0 12px 40px rgb(0 0 0 / 8%);
}
h1 { margin: 0 0 .4rem; font-size: 1.35rem; line-height: 1.25; letter-spacing: -.01em; }
p { margin: 0 0 .75rem; }
#message { color: var(--soft); }
.app { font-weight: 600; margin-bottom: 1.25rem; }
.badge {
  margin-left: .35rem; padding: .1rem .45rem; border: 1px solid var(--line); border-radius: 99px; color: var(--soft);
  font-size: .72rem; font-weight: 500; vertical-align: 1px;
}
.mark {
  width: 2.75rem; height: 2.75rem; margin: 0 auto 1.1rem; border-radius: 50%; border: 3px solid var(--line);
  border-top-color: var(--accent); animation: turn 1s linear infinite; font-weight: 700; font-size: 1.2rem; line-height: 2.4rem;
}
.mark-bad, .mark-good { animation: none; border-color: currentcolor; }
.mark-bad { color: var(--bad); }
.mark-good { color: var(--good); }
@keyframes turn { to { transform: rotate(1turn); } }
@media (prefers-reduced-motion: reduce) { .mark { animation-duration: 6s; } }
progress { width: 100%; height: .4rem; margin: .5rem 0 .75rem; accent-color: var(--accent); }
@media (scripting: none) { #mark { display: none; } }
.actions:not(:has(:not([hidden]))) { display: none; }
.actions { margin: 1.25rem 0 0; display: flex; gap: .6rem; flex-wrap: wrap; justify-content: center; }
.button {
  padding: .6rem 1.1rem; border: 1px solid var(--accent); border-radius: 9px; background: var(--accent); color: var(--on-accent);
  font: inherit; font-weight: 600; text-decoration: none; cursor: pointer;
}
.button.plain { background: none; color: var(--accent); }
.button:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.note { margin-top: 1.25rem; padding: .9rem; border: 1px solid var(--line); border-radius: 10px; font-size: .92rem; }
a { color: var(--accent); }
ul { margin: .5rem 0 1rem; padding-left: 1.2rem; text-align: left; font-size: .92rem; color: var(--soft); }
code { font-size: .9em; color: var(--text); }
.small { margin: 1.25rem 0 0; color: var(--soft); font-size: .75rem; }
"""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, and its type."""

    text: str
    content_type: str


def _name(stem: str, text: str, extension: str) -> str:
    return f"{stem}.{hashlib.sha256(text.encode()).hexdigest()[:12]}.{extension}"


_SCRIPT_NAME = _name("session", SCRIPT, "js")
_STYLE_NAME = _name("page", STYLE, "css")

SCRIPT_PATH = f"/assets/{_SCRIPT_NAME}"
STYLE_PATH = f"/assets/{_STYLE_NAME}"

ASSETS: Mapping[str, Asset] = {
    _SCRIPT_NAME: Asset(SCRIPT, "text/javascript; charset=utf-8"),
    _STYLE_NAME: Asset(STYLE, "text/css; charset=utf-8"),
}
