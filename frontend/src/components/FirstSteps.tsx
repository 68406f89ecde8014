/** The setup steps before the first project, in order. Renders nothing when all are done. */

import type { ReactNode } from "react";
import { Link } from "react-router-dom";
import type { Subscription } from "../api/types";
import { day } from "../format";
import { useConnectStripe, useSubscribe } from "../hooks/useSubscription";
import { Failure } from "./Notice";

export function FirstSteps({ subscription, hasProject }: { subscription: Subscription; hasProject: boolean }) {
  const subscribe = useSubscribe();
  const connect = useConnectStripe();
  const { plan, endedAt, liveKeysActive, liveKeysUntil, stripeAccounts } = subscription;
  const isPaid = plan === "paid";
  const isConnected = Boolean(stripeAccounts.test ?? stripeAccounts.live);
  if (isPaid && isConnected && hasProject) return null;
  return (
    <ol className="steps">
      <Step
        title={endedAt && !isPaid ? "Your subscription has ended" : "Start your subscription"}
        text={`$15 a month includes all features and any number of projects.${
          !isPaid && liveKeysActive && liveKeysUntil ? ` Your live keys work until ${day(liveKeysUntil)}.` : ""
        }`}
        state={isPaid ? "done" : "now"}
        error={subscribe.error}
      >
        <button
          type="button"
          className="primary"
          data-testid="subscribe"
          disabled={subscribe.isPending}
          onClick={() => subscribe.mutate()}
        >
          Subscribe for $15 a month
        </button>
      </Step>
      <Step
        title="Connect your Stripe account"
        text="Your customers pay you directly. Start in test mode: no real money moves."
        state={isConnected ? "done" : isPaid ? "now" : "later"}
        error={connect.error}
      >
        <button
          type="button"
          className="primary"
          data-testid="connect-test"
          disabled={connect.isPending}
          onClick={() => connect.mutate("test")}
        >
          Connect in test mode
        </button>
      </Step>
      <Step
        title="Create your first project"
        text="A project is one app, with its own keys, tiers or products, and customers."
        state={hasProject ? "done" : isPaid && isConnected ? "now" : "later"}
        error={null}
      >
        <Link className="button primary" to="/projects/new" data-testid="new-project">
          New project
        </Link>
      </Step>
    </ol>
  );
}

interface StepProps {
  title: string;
  text: string;
  state: "done" | "now" | "later";
  error: Error | null;
  children: ReactNode;
}

function Step({ title, text, state, error, children }: StepProps) {
  return (
    <li className={`card step ${state}`} aria-current={state === "now" ? "step" : undefined}>
      <div>
        <h2>{title}</h2>
        <p className="muted">{text}</p>
        <Failure error={error} />
      </div>
      {state === "now" && children}
      {state === "done" && <span className="visually-hidden">Done.</span>}
    </li>
  );
}
