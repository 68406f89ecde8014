/** The list of projects, and the setup steps that remain. */

import { Link, useSearchParams } from "react-router-dom";
import { Badge } from "../components/Badge";
import { FirstSteps } from "../components/FirstSteps";
import { Loading } from "../components/Loading";
import { Failure, Notice } from "../components/Notice";
import { count, shortKey } from "../format";
import { usePassed } from "../hooks/usePassed";
import { useProjects } from "../hooks/useProjects";
import { useSubscription } from "../hooks/useSubscription";
import { useTitle } from "../hooks/useTitle";

/** Stripe reports a payment within seconds. After this time the subscribe button returns; it also finds a payment whose event was lost. */
const CONFIRMATION_MILLISECONDS = 20_000;

const CONNECT_ERRORS: Record<string, string> = {
  access_denied: "You declined the connection, so no Stripe account was connected. Connect again to continue.",
  account_of_another_developer:
    "This Stripe account is connected to another dream-api account. Choose another Stripe account, or disconnect it there.",
  another_account_connected:
    "Another Stripe account is connected in this mode. Disconnect it under “Billing and Stripe”, then connect again.",
};

export function ProjectsPage() {
  useTitle("Projects");
  const [query] = useSearchParams();
  const justPaid = query.get("checkout") === "success";
  const projects = useProjects();
  const subscription = useSubscription();
  const waiting = useSubscription({ refetchEvery: justPaid && subscription.data?.plan !== "paid" ? 1000 : false });
  const paid = waiting.data?.plan === "paid";
  const isLate = usePassed(CONFIRMATION_MILLISECONDS);
  const isConfirming = justPaid && !paid && !isLate;
  return (
    <>
      <div className="title">
        <h1>Projects</h1>
        {paid && (projects.data?.length ?? 0) > 0 && (
          <Link className="button primary" to="/projects/new" data-testid="new-project">
            New project
          </Link>
        )}
      </div>
      <ConnectResult stripe={query.get("stripe")} reason={query.get("reason")} mode={query.get("mode")} />
      {query.get("checkout") === "cancelled" && !paid && <Notice>You left the checkout. You were not charged.</Notice>}
      {isConfirming && <Notice>Confirming your payment. This takes a few seconds…</Notice>}
      <Failure error={projects.error ?? subscription.error} />
      {subscription.data && projects.data && !isConfirming && (
        <FirstSteps subscription={waiting.data ?? subscription.data} hasProject={projects.data.length > 0} />
      )}
      {projects.isPending && <Loading what="projects" />}
      <div className="grid" data-testid="projects">
        {projects.data?.map((project) => (
          <Link className="card project" to={`/projects/${project.publishableKey}`} key={project.publishableKey}>
            <h2>{project.name}</h2>
            <p>
              <Badge>{project.mode}</Badge> <Badge>{project.projectType}</Badge>
            </p>
            <dl>
              <div>
                <dt>{project.projectType === "saas" ? "Tiers" : "Products"}</dt>
                <dd>{count(project.tiersCount)}</dd>
              </div>
              <div>
                <dt>Users</dt>
                <dd>{count(project.endUsers)}</dd>
              </div>
              {project.projectType === "saas" && (
                <div>
                  <dt>Subscribers</dt>
                  <dd>{count(project.activeSubscriptions)}</dd>
                </div>
              )}
            </dl>
            <code className="muted">{shortKey(project.publishableKey)}</code>
          </Link>
        ))}
      </div>
    </>
  );
}

function ConnectResult({
  stripe,
  reason,
  mode,
}: {
  stripe: string | null;
  reason: string | null;
  mode: string | null;
}) {
  if (stripe === "connected") return <Notice kind="success">Your Stripe account is connected in {mode} mode.</Notice>;
  if (stripe !== "error") return null;
  return (
    <Notice kind="error">
      {CONNECT_ERRORS[reason ?? ""] ?? "Your Stripe account could not be connected. Try again."}
    </Notice>
  );
}
