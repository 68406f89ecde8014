/** Creates a new secret key, and sets how long the old key keeps working. */

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
            I have copied the key
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="Create a new secret key" onClose={onClose}>
      <div className="stack">
        <Choice
          legend="When the old key stops working"
          value={grace}
          onChange={setGrace}
          options={[
            { value: "none", title: "Now", text: "The old key may have leaked." },
            { value: "hour", title: "In one hour", text: "You deploy the new key right away." },
            { value: "day", title: "In one day", text: "You deploy the new key today." },
            { value: "week", title: "In one week", text: "Many servers use the old key." },
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
            {rotate.isPending ? "Creating…" : "Create new key"}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </div>
    </Dialog>
  );
}
