/** The audit log, newest entry first. */

import type { AuditEntry } from "../api/types";
import { ago, words } from "../format";
import { Empty } from "./Empty";

export function History({ entries }: { entries: AuditEntry[] }) {
  return (
    <section className="card">
      <h2>History</h2>
      {entries.length === 0 ? (
        <Empty title="No changes yet" />
      ) : (
        <ul className="lines">
          {entries.map((entry, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: an entry has no id, and the list is only ever replaced.
            <li key={`${entry.createdAt}-${index}`}>
              <span>{words(entry.action)}</span>
              <time className="muted" dateTime={entry.createdAt}>
                {ago(entry.createdAt)}
              </time>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
