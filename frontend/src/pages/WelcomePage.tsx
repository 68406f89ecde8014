/** The page for visitors who are not signed in. */

import type { Clerk } from "../auth/clerk";
import { Logo } from "../components/Logo";

const FEATURES = [
  ["Keys and users", "API keys, sign-up and sign-in for your users. One request checks and counts a call."],
  ["Usage limits that hold", "If 200 calls arrive at once and the limit is 100, exactly 100 are allowed."],
  [
    "Billing with your Stripe account",
    "Your customers pay you directly. Tiers, trials, plan changes, refunds, and a store with stock.",
  ],
] as const;

export function WelcomePage({ clerk }: { clerk: Clerk }) {
  const back = { redirectUrl: `${window.location.origin}/` };
  return (
    <div className="welcome">
      <header>
        <span className="brand">
          <Logo /> dream-api
        </span>
        <button type="button" data-testid="sign-in" onClick={() => void clerk.redirectToSignIn(back)}>
          Sign in
        </button>
      </header>
      <section className="hero">
        <h1>Auth, billing and usage limits for your app, without building any of it.</h1>
        <p>One subscription for $15 a month. Connect your Stripe account and charge your first customer today.</p>
        <button
          type="button"
          className="primary large"
          data-testid="sign-up"
          onClick={() => void clerk.redirectToSignUp(back)}
        >
          Create your account
        </button>
      </section>
      <section className="features">
        {FEATURES.map(([title, text]) => (
          <article className="card" key={title}>
            <h2>{title}</h2>
            <p className="muted">{text}</p>
          </article>
        ))}
      </section>
    </div>
  );
}
