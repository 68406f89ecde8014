/** The inputs of one tier or product. */

import type { ProjectType } from "../api/types";
import { slug } from "../format";
import type { TierDraft, TierProblems } from "../tierDraft";
import { Field } from "./Field";

interface Props {
  draft: TierDraft;
  projectType: ProjectType;
  problems: TierProblems;
  onChange: (draft: TierDraft) => void;
  /** The name in the API, if the tier exists already. It never changes. */
  fixedName?: string;
}

export function TierFields({ draft, projectType, problems, onChange, fixedName }: Props) {
  const set = (part: Partial<TierDraft>) => onChange({ ...draft, ...part });
  const name = fixedName ?? slug(draft.displayName);
  const isFree = Number(draft.price) === 0;
  return (
    <div className="fields">
      <Field
        label="Name"
        value={draft.displayName}
        onChange={(displayName) => set({ displayName })}
        problem={problems.displayName}
        hint={name ? `Name in the API: ${name}` : "Your customers see this name."}
        maxLength={100}
        required
      />
      <Field
        label={projectType === "saas" ? "Price a month" : "Price"}
        before="$"
        inputMode="decimal"
        value={draft.price}
        onChange={(price) => set({ price })}
        problem={problems.price}
        required
      />
      {projectType === "saas" ? (
        <>
          <Field
            label="Calls a month"
            inputMode="numeric"
            placeholder="unlimited"
            value={draft.limit}
            onChange={(limit) => set({ limit })}
            problem={problems.limit}
          />
          <Field
            label="Trial days"
            inputMode="numeric"
            placeholder="none"
            value={draft.trialDays}
            onChange={(trialDays) => set({ trialDays })}
            problem={problems.trialDays}
            disabled={isFree}
          />
        </>
      ) : (
        <Field
          label="In stock"
          inputMode="numeric"
          placeholder="not tracked"
          value={draft.stock}
          onChange={(stock) => set({ stock })}
          problem={problems.stock}
        />
      )}
    </div>
  );
}
