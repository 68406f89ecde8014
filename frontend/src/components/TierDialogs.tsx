/** The dialogs that add and edit a tier or product. */

import { type FormEvent, useState } from "react";
import type { Project, Tier } from "../api/types";
import { focusFirstProblem } from "../focus";
import { useAddTier, useUpdateTier } from "../hooks/useTiers";
import { definitionOf, draftOf, emptyDraft, problemsOf, type TierDraft, updatesOf } from "../tierDraft";
import { Dialog } from "./Dialog";
import { Failure } from "./Notice";
import { TierFields } from "./TierFields";

export function AddTierDialog({ project, onClose }: { project: Project; onClose: () => void }) {
  const add = useAddTier(project.publishableKey);
  const noun = project.projectType === "saas" ? "tier" : "product";
  return (
    <TierDialog
      project={project}
      title={`Add a ${noun}`}
      action={`Add the ${noun}`}
      start={emptyDraft()}
      change={add}
      onClose={onClose}
      onSubmit={(draft) => add.mutate(definitionOf(draft, project.projectType), { onSuccess: onClose })}
    />
  );
}

export function EditTierDialog({ project, tier, onClose }: { project: Project; tier: Tier; onClose: () => void }) {
  const update = useUpdateTier(project.publishableKey, tier.name);
  return (
    <TierDialog
      project={project}
      title={`Edit ${tier.displayName}`}
      action="Save"
      start={draftOf(tier)}
      fixedName={tier.name}
      change={update}
      onClose={onClose}
      onSubmit={(draft) => {
        const updates = updatesOf(tier, draft, project.projectType);
        if (Object.keys(updates).length === 0) onClose();
        else update.mutate(updates, { onSuccess: onClose });
      }}
    />
  );
}

interface Props {
  project: Project;
  title: string;
  action: string;
  start: TierDraft;
  fixedName?: string;
  change: { error: Error | null; isPending: boolean };
  onClose: () => void;
  onSubmit: (draft: TierDraft) => void;
}

function TierDialog({ project, title, action, start, fixedName, change, onClose, onSubmit }: Props) {
  const [draft, setDraft] = useState(start);
  const [tried, setTried] = useState(false);
  const problems = problemsOf(draft, project.projectType);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setTried(true);
    if (Object.keys(problems).length > 0) return focusFirstProblem(event.currentTarget);
    onSubmit(draft);
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="stack" onSubmit={submit} noValidate>
        <TierFields
          draft={draft}
          projectType={project.projectType}
          problems={tried ? problems : {}}
          onChange={setDraft}
          {...(fixedName ? { fixedName } : {})}
        />
        <label className="field">
          <span>Description</span>
          <textarea
            rows={2}
            maxLength={2000}
            value={draft.description}
            onChange={(event) => setDraft({ ...draft, description: event.target.value })}
          />
        </label>
        {project.projectType === "saas" && (
          <label className="check">
            <input
              type="checkbox"
              checked={draft.popular}
              onChange={(event) => setDraft({ ...draft, popular: event.target.checked })}
            />
            Mark as popular
          </label>
        )}
        <Failure error={change.error} />
        <div className="actions">
          <button type="submit" className="primary" data-testid="save-tier" disabled={change.isPending}>
            {change.isPending ? "Saving…" : action}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}
