// Finds the visitor's session with clerk-js, completes the sign-in, and redirects to the app with the session token.
(() => {
  "use strict";

  const page = document.body.dataset;
  const element = (id) => document.getElementById(id);

  const show = (title, message, outcome) => {
    element("title").textContent = title;
    element("message").textContent = message;
    if (outcome) {
      element("mark").className = "mark mark-" + outcome;
      element("mark").textContent = outcome === "bad" ? "!" : "\u2713";
      element("progress").hidden = true;
    }
    document.title = title;
  };

  class RequestFailed extends Error {
    constructor(status, answer) {
      super(answer.message || "Something went wrong. Try again.");
      this.status = status;
      this.answer = answer;
    }
  }

  const call = async (method, path, headers) => {
    const answer = await fetch(path, { method, headers, cache: "no-store" });
    const body = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new RequestFailed(answer.status, body);
    return body;
  };

  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  const withFragment = (values) => page.redirect + "#" + new URLSearchParams(values);

  const bearer = async (options) => "Bearer " + (await Clerk.session.getToken(options));

  // The URL of the app with the token in its fragment. Browsers send a fragment to no server and in no Referer header.
  const appUrl = async (completed, plan, more) => {
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

  const completeSignIn = async () => {
    if (!(await load())) {
      if (page.flow === "user") return location.replace(withFragment({ signed_out: "1" }));
      show("You are not signed in", "The sign-in was not completed. Try again.", "bad");
      element("retry").hidden = false;
      return undefined;
    }
    const path = "/oauth/complete?" + new URLSearchParams({ state: page.state });
    const completed = await call("POST", path, { Authorization: await bearer() });
    return location.replace(await appUrl(completed, completed.plan, {}));
  };

  const waitForPlan = async (headers) => {
    const startedAt = Date.now();
    const timeout = Number(page.waitSeconds) * 1000;
    const progress = element("progress");
    progress.hidden = false;
    for (let wait = 400; ; wait = Math.min(wait * 1.4, 2500)) {
      try {
        const status = await call("GET", "/refresh/status", { ...headers, Authorization: await bearer() });
        if (status.paid) return status;
      } catch (error) {
        if (error instanceof RequestFailed && error.status === 403) throw error;
      }
      const passed = Date.now() - startedAt;
      progress.value = Math.min(100, (100 * passed) / timeout);
      if (passed > timeout / 3) show("Still confirming your plan", "The payment takes a little longer than usual.");
      if (passed + wait > timeout) return null;
      await pause(wait);
    }
  };

  const refresh = async () => {
    if (!(await load())) return location.replace(page.retry);
    const headers = { "X-Publishable-Key": page.key };
    const completed = await call("POST", "/oauth/complete", { ...headers, Authorization: await bearer() });
    const status = await waitForPlan(headers);
    if (status) {
      show("Your plan is ready", "Taking you back to the app.", "good");
      return location.replace(await appUrl(completed, status.plan, {}));
    }
    const url = await appUrl(completed, completed.plan, { plan_pending: "1" });
    show("Almost there", "Your payment is not confirmed yet. The app shows the new plan when it is confirmed.", "good");
    element("continue").href = url;
    element("continue").hidden = false;
    await pause(4000);
    return location.replace(url);
  };

  const showError = (error) => {
    if (error instanceof RequestFailed && (error.status === 409 || error.status === 403)) {
      show("Another app's account", error.message, "bad");
      element("switch").hidden = false;
      element("switch").addEventListener("click", () => Clerk.signOut({ redirectUrl: new URL(page.retry, location.href).href }));
      return;
    }
    show("That did not work", error instanceof TypeError ? "The connection was lost. Try again." : error.message, "bad");
    element("retry").hidden = false;
  };

  (page.page === "refresh" ? refresh : completeSignIn)().catch(showError);
})();
