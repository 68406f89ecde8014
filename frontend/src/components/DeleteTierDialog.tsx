/** Asks before a tier or product is deleted, and asks again if the tier has subscribers. */

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
          {project.projectType === "saas"
            ? "New customers can no longer choose it."
            : "Customers can no longer buy it."}{" "}
          Its price at Stripe is archived.
        </p>
        {isTaken ? (
          <Notice kind="warning">
            This tier has subscribers. If you delete it, they keep it and continue to pay for it.
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
            {isTaken ? "Delete anyway" : "Delete"}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </div>
    </Dialog>
  );
}
