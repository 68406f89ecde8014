/** For whoever is not signed in. */

import type { Clerk } from "../auth/clerk";
import { Logo } from "../components/Logo";

const OFFERS = [
  ["Keys and users", "API keys with a checksum, end-user sign-up and sign-in, one line to check a call."],
  [
    "Usage limits that hold",
    "Two hundred calls at once against a limit of one hundred let exactly one hundred through.",
  ],
  ["Billing on your Stripe", "Your customers pay you directly. Tiers, trials, switches, refunds, a store with stock."],
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
        <h1>Auth, billing and usage limits for your app. Without building any of it.</h1>
        <p>One subscription, $15 a month. Connect your Stripe account and start charging today.</p>
        <button
          type="button"
          className="primary large"
          data-testid="sign-up"
          onClick={() => void clerk.redirectToSignUp(back)}
        >
          Create your account
        </button>
      </section>
      <section className="offers">
        {OFFERS.map(([title, text]) => (
          <article className="card" key={title}>
            <h2>{title}</h2>
            <p className="muted">{text}</p>
          </article>
        ))}
      </section>
    </div>
  );
}
