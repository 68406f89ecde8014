// On our pages: finds the visitor's session, settles whose user they are, and hands the token to the app.
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
