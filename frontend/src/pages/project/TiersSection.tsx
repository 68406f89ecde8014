/** The project's tiers or products, with dialogs to add, edit and delete them. */

import { useState } from "react";
import type { Project, Tier } from "../../api/types";
import { Badge } from "../../components/Badge";
import { DeleteTierDialog } from "../../components/DeleteTierDialog";
import { Loading } from "../../components/Loading";
import { Failure } from "../../components/Notice";
import { AddTierDialog, EditTierDialog } from "../../components/TierDialogs";
import { count, limit, money } from "../../format";
import { useTiers } from "../../hooks/useTiers";

type Open = { kind: "add" } | { kind: "edit" | "delete"; tier: Tier };

export function TiersSection({ project }: { project: Project }) {
  const tiers = useTiers(project.publishableKey);
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  const isStore = project.projectType === "store";
  if (tiers.error) return <Failure error={tiers.error} />;
  if (!tiers.data) return <Loading what={isStore ? "products" : "tiers"} height="16rem" />;
  return (
    <div className="stack">
      <div className="toolbar">
        <p className="muted">
          {isStore
            ? "Each product is also a product in your Stripe account."
            : "If you change a price, current subscribers keep their old price."}
        </p>
        <button type="button" className="primary" data-testid="add-tier" onClick={() => setOpen({ kind: "add" })}>
          Add a {isStore ? "product" : "tier"}
        </button>
      </div>
      <div className="grid" data-testid="tiers">
        {tiers.data.map((tier) => (
          <article className="card tier" key={tier.id}>
            <h2>
              {tier.displayName} {tier.popular && <Badge>{"popular" as const}</Badge>}{" "}
              {tier.soldOut && <Badge>{"sold_out" as const}</Badge>}
            </h2>
            <p className="price">
              {money(tier.price, tier.currency)}
              {!isStore && <small className="muted"> a month</small>}
            </p>
            <p className="muted">
              {isStore
                ? tier.inventory === null
                  ? "Stock not tracked"
                  : `${count(tier.inventory)} in stock`
                : `${limit(tier.limit)} calls a month`}
              {tier.trialDays > 0 && `, ${count(tier.trialDays)} trial days`}
            </p>
            <code className="muted">{tier.name}</code>
            <div className="actions">
              <button
                type="button"
                className="small"
                aria-label={`Edit ${tier.displayName}`}
                onClick={() => setOpen({ kind: "edit", tier })}
              >
                Edit
              </button>
              <button
                type="button"
                className="small danger-quiet"
                aria-label={`Delete ${tier.displayName}`}
                onClick={() => setOpen({ kind: "delete", tier })}
              >
                Delete
              </button>
            </div>
          </article>
        ))}
      </div>
      {open?.kind === "add" && <AddTierDialog project={project} onClose={close} />}
      {open?.kind === "edit" && <EditTierDialog project={project} tier={open.tier} onClose={close} />}
      {open?.kind === "delete" && <DeleteTierDialog project={project} tier={open.tier} onClose={close} />}
    </div>
  );
}
