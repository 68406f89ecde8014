/** The developer's subscription and connected Stripe accounts. */

import type { Mode, Subscription } from "../api/types";
import { Badge } from "../components/Badge";
import { History } from "../components/History";
import { Loading } from "../components/Loading";
import { Failure } from "../components/Notice";
import { day } from "../format";
import { useAccountHistory } from "../hooks/useProjects";
import {
  useBillingPortal,
  useConnectStripe,
  useDisconnectStripe,
  useSubscribe,
  useSubscription,
} from "../hooks/useSubscription";
import { useTitle } from "../hooks/useTitle";

export function AccountPage() {
  useTitle("Billing and Stripe");
  const subscription = useSubscription();
  const portal = useBillingPortal();
  const subscribe = useSubscribe();
  const history = useAccountHistory();
  const data = subscription.data;
  return (
    <>
      <div className="title">
        <h1>Billing and Stripe</h1>
      </div>
      <Failure error={subscription.error} />
      {subscription.isPending && <Loading what="your account" height="24rem" />}
      {data && (
        <section className="card step">
          <div>
            <h2>dream-api, $15 a month {data.status !== "none" && <Badge>{data.status}</Badge>}</h2>
            <p className="muted">{describe(data)}</p>
            <Failure error={portal.error ?? subscribe.error} />
          </div>
          {data.status === "none" || data.status === "canceled" ? (
            <button type="button" className="primary" disabled={subscribe.isPending} onClick={() => subscribe.mutate()}>
              Subscribe
            </button>
          ) : (
            <button
              type="button"
              data-testid="billing-portal"
              disabled={portal.isPending}
              onClick={() => portal.mutate()}
            >
              Manage billing
            </button>
          )}
        </section>
      )}
      {data &&
        (["test", "live"] as const).map((mode) => <Account key={mode} mode={mode} id={data.stripeAccounts[mode]} />)}
      {data && history.data && <History entries={history.data} />}
    </>
  );
}

function describe(subscription: Subscription): string {
  const { plan, endedAt, currentPeriodEnd, cancelAtPeriodEnd } = subscription;
  if (plan !== "paid") return endedAt ? `Your subscription ended on ${day(endedAt)}.` : "You have no subscription yet.";
  if (!currentPeriodEnd) return "Your subscription is active.";
  return `Your subscription ${cancelAtPeriodEnd ? "ends" : "renews"} on ${day(currentPeriodEnd)}.`;
}

function Account({ mode, id }: { mode: Mode; id: string | null }) {
  const connect = useConnectStripe();
  const disconnect = useDisconnectStripe();
  return (
    <section className="card step">
      <div>
        <h2>
          Stripe <Badge>{mode}</Badge>
        </h2>
        <p className="muted">{id ? <code>{id}</code> : "No Stripe account is connected in this mode."}</p>
        <Failure error={connect.error ?? disconnect.error} />
      </div>
      {id ? (
        <button
          type="button"
          disabled={disconnect.isPending}
          onClick={() =>
            window.confirm(`Disconnect ${id}? Your customers will not be able to pay in ${mode} mode.`) &&
            disconnect.mutate(mode)
          }
        >
          Disconnect
        </button>
      ) : (
        <button
          type="button"
          className="primary"
          data-testid={`connect-${mode}`}
          disabled={connect.isPending}
          onClick={() => connect.mutate(mode)}
        >
          Connect
        </button>
      )}
    </section>
  );
}
