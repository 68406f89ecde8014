/** A new secret key for an old one, and how long the old one may still be used. */

import { useState } from "react";
import type { Project } from "../api/types";
import { useRotateKey } from "../hooks/useKeys";
import { Choice } from "./Choice";
import { Dialog } from "./Dialog";
import { NewKeys } from "./NewKeys";
import { Failure } from "./Notice";

const GRACE_SECONDS = { none: 0, hour: 3_600, day: 86_400, week: 604_800 };

export function RotateKeyDialog({ project, onClose }: { project: Project; onClose: () => void }) {
  const rotate = useRotateKey(project.publishableKey);
  const [grace, setGrace] = useState<keyof typeof GRACE_SECONDS>("day");
  if (rotate.data) {
    return (
      <Dialog title="Your new secret key" onClose={onClose} modalOnly>
        <div className="stack">
          <NewKeys
            publishableKey={project.publishableKey}
            secretKey={rotate.data.secretKey}
            projectType={project.projectType}
          />
          <button type="button" className="primary start" data-testid="rotated" onClick={onClose}>
            I have copied it
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="A new secret key" onClose={onClose}>
      <div className="stack">
        <Choice
          legend="The old key works"
          value={grace}
          onChange={setGrace}
          options={[
            { value: "none", title: "No longer", text: "It may have leaked." },
            { value: "hour", title: "One more hour", text: "You deploy right away." },
            { value: "day", title: "One more day", text: "Time to roll it out." },
            { value: "week", title: "One more week", text: "Many places to change." },
          ]}
        />
        <Failure error={rotate.error} />
        <div className="actions">
          <button
            type="button"
            className="primary"
            data-testid="confirm-rotate"
            disabled={rotate.isPending}
            onClick={() => rotate.mutate(GRACE_SECONDS[grace])}
          >
            {rotate.isPending ? "Making it…" : "Make the new key"}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </div>
    </Dialog>
  );
}
