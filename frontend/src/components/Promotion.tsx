/** Promotes a test project to live mode: a preview, a confirmation, then the live keys. */

import { Link } from "react-router-dom";
import { ApiError } from "../api/client";
import type { Promotion as Plan, Project } from "../api/types";
import { money } from "../format";
import { usePromoteProject, usePromotionPreview } from "../hooks/useProjects";
import { useConnectStripe } from "../hooks/useSubscription";
import { Badge } from "./Badge";
import { Dialog } from "./Dialog";
import { NewKeys } from "./NewKeys";
import { Failure, Notice } from "./Notice";

export function Promotion({ project }: { project: Project }) {
  const preview = usePromotionPreview(project.publishableKey);
  const promote = usePromoteProject(project.publishableKey);
  const close = () => {
    preview.reset();
    promote.reset();
  };
  const needsLive = preview.error instanceof ApiError && preview.error.code === "live_connection_required";
  return (
    <section className="card stack">
      <div>
        <h2>Go live</h2>
        <p className="muted">
          Creates a live project with the same {project.projectType === "saas" ? "tiers" : "products"}, or updates the
          live project that exists. Test data is not copied.
        </p>
      </div>
      {needsLive ? <ConnectLive /> : <Failure error={preview.error} />}
      <button
        type="button"
        className="start"
        data-testid="preview-promotion"
        disabled={preview.isPending}
        onClick={() => preview.mutate()}
      >
        {preview.isPending ? "Comparing…" : "Preview changes"}
      </button>
      {promote.data ? (
        <Promoted plan={promote.data} onClose={close} />
      ) : (
        preview.data && (
          <Dialog title="Changes in live mode" onClose={close}>
            <div className="stack">
              <Changes plan={preview.data} />
              <Failure error={promote.error} />
              <div className="actions">
                <button
                  type="button"
                  className="primary"
                  data-testid="promote"
                  disabled={promote.isPending || isUpToDate(preview.data)}
                  onClick={() => promote.mutate()}
                >
                  {promote.isPending ? "Going live…" : preview.data.firstPromotion ? "Go live" : "Update live project"}
                </button>
                <button type="button" onClick={close}>
                  Cancel
                </button>
              </div>
            </div>
          </Dialog>
        )
      )}
    </section>
  );
}

const isUpToDate = (plan: Plan): boolean =>
  !plan.firstPromotion && plan.changes.every((change) => change.action === "unchanged");

function ConnectLive() {
  const connect = useConnectStripe();
  return (
    <Notice kind="warning">
      Connect your Stripe account in live mode first.{" "}
      <button type="button" className="link" disabled={connect.isPending} onClick={() => connect.mutate("live")}>
        Connect now
      </button>
      <Failure error={connect.error} />
    </Notice>
  );
}

function Changes({ plan }: { plan: Plan }) {
  return (
    <>
      {isUpToDate(plan) && <Notice kind="success">The live project is already up to date.</Notice>}
      <ul className="lines">
        {plan.changes.map((change) => (
          <li key={change.tier}>
            <span>
              <code>{change.tier}</code> <Badge>{change.action}</Badge>
            </span>
            <span className="muted">
              {change.fields?.join(", ")} {change.price !== undefined && money(change.price)}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Promoted({ plan, onClose }: { plan: Plan; onClose: () => void }) {
  return (
    <Dialog title={plan.secretKey ? "Your project is live" : "The live project is updated"} onClose={onClose} modalOnly>
      <div className="stack">
        {plan.secretKey && plan.publishableKey ? (
          <NewKeys publishableKey={plan.publishableKey} secretKey={plan.secretKey} projectType={plan.projectType} />
        ) : (
          <p className="muted">Its keys have not changed.</p>
        )}
        <div className="actions">
          <Link className="button primary" to={`/projects/${plan.publishableKey}`}>
            Open the live project
          </Link>
          <button type="button" onClick={onClose}>
            Stay here
          </button>
        </div>
      </div>
    </Dialog>
  );
}
