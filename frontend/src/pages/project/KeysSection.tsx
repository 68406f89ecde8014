/** The project's keys: reveal, rotate and revoke. */

import { useState } from "react";
import type { Project } from "../../api/types";
import { Badge } from "../../components/Badge";
import { Failure } from "../../components/Notice";
import { RotateKeyDialog } from "../../components/RotateKeyDialog";
import { Secret } from "../../components/Secret";
import { ago, day } from "../../format";
import { useRevealKey, useRevokeKey } from "../../hooks/useKeys";

export function KeysSection({ project }: { project: Project }) {
  const [rotating, setRotating] = useState(false);
  return (
    <div className="stack">
      <section className="card stack">
        <div>
          <h2>Publishable key</h2>
          <p className="muted">For browsers and apps. It identifies the project and gives no access to private data.</p>
        </div>
        <Secret label="Publishable key" value={project.publishableKey} testId="publishable-key" />
      </section>
      <section className="card stack">
        <div>
          <h2>Secret key</h2>
          <p className="muted">For your server only. Rotate it if someone else may have seen it.</p>
        </div>
        <SecretKey key={project.secretKeyMasked} project={project} />
        <button type="button" className="start" data-testid="rotate-key" onClick={() => setRotating(true)}>
          {project.secretKeyMasked ? "Rotate the key" : "Create a key"}
        </button>
      </section>
      <Keys project={project} />
      {rotating && <RotateKeyDialog project={project} onClose={() => setRotating(false)} />}
    </div>
  );
}

function SecretKey({ project }: { project: Project }) {
  const reveal = useRevealKey(project);
  if (!project.secretKeyMasked)
    return <p>There is no active secret key. Create one to call the API from your server.</p>;
  if (reveal.data) {
    return (
      <div className="reveal">
        <Secret label="Secret key" value={reveal.data} testId="secret-key" />
        <button type="button" className="small" onClick={() => reveal.reset()}>
          Hide
        </button>
      </div>
    );
  }
  return (
    <>
      <div className="reveal">
        <div className="secret">
          <span className="muted">Secret key</span>
          <code data-testid="masked-key">{project.secretKeyMasked}</code>
        </div>
        <button
          type="button"
          className="small"
          data-testid="reveal-key"
          disabled={reveal.isPending}
          onClick={() => reveal.mutate()}
        >
          Reveal
        </button>
      </div>
      <Failure error={reveal.error} />
      {reveal.data === null && <p className="muted">This key cannot be shown again. Rotate it to get a new key.</p>}
    </>
  );
}

function Keys({ project }: { project: Project }) {
  const revoke = useRevokeKey(project.publishableKey);
  if (project.keys.length === 0) return null;
  return (
    <section className="card">
      <h2>Active secret keys</h2>
      <Failure error={revoke.error} />
      <ul className="lines" data-testid="keys">
        {project.keys.map((key) => (
          <li key={key.id}>
            <span>
              <code>{key.secretKeyMasked}</code> <Badge>{key.status}</Badge>
              <small className="muted block">
                Created {day(key.createdAt)}, {key.lastUsedAt ? `last used ${ago(key.lastUsedAt)}` : "never used"}
                {key.expiresAt && `, expires ${ago(key.expiresAt)}`}
              </small>
            </span>
            <button
              type="button"
              className="small danger-quiet"
              disabled={revoke.isPending}
              onClick={() =>
                window.confirm(
                  `Revoke ${key.secretKeyMasked}? Calls with this key will be refused. You cannot undo this.`,
                ) && revoke.mutate(key.id)
              }
            >
              Revoke
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
