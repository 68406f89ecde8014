/** Taking a tier off, and asking once more when somebody is on it. */

import { ApiError } from "../api/client";
import type { Project, Tier } from "../api/types";
import { useDeleteTier } from "../hooks/useTiers";
import { Dialog } from "./Dialog";
import { Failure, Notice } from "./Notice";

export function DeleteTierDialog({ project, tier, onClose }: { project: Project; tier: Tier; onClose: () => void }) {
  const remove = useDeleteTier(project.publishableKey, tier.name);
  const isTaken = remove.error instanceof ApiError && remove.error.code === "tier_has_subscribers";
  return (
    <Dialog title={`Delete ${tier.displayName}?`} onClose={onClose}>
      <div className="stack">
        <p className="muted">
          {project.projectType === "saas" ? "Nobody new can choose it." : "It can't be bought any more."} Its price at
          Stripe is archived.
        </p>
        {isTaken ? (
          <Notice kind="warning">
            Customers are on this tier. If you delete it, they keep it and go on paying for it.
          </Notice>
        ) : (
          <Failure error={remove.error} />
        )}
        <div className="actions">
          <button
            type="button"
            className="danger"
            data-testid="confirm-delete-tier"
            disabled={remove.isPending}
            onClick={() => remove.mutate({ force: isTaken }, { onSuccess: onClose })}
          >
            {isTaken ? "Delete it anyway" : "Delete"}
          </button>
          <button type="button" onClick={onClose}>
            Keep it
          </button>
        </div>
      </div>
    </Dialog>
  );
}
