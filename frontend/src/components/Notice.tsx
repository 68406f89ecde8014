/** A message on a page: information, success, warning or error. */

import type { ReactNode } from "react";
import { ApiError } from "../api/client";

export function Notice({
  kind = "info",
  children,
}: {
  kind?: "info" | "error" | "success" | "warning";
  children: ReactNode;
}) {
  return (
    <div className={`notice ${kind}`} role={kind === "error" ? "alert" : "status"}>
      {children}
    </div>
  );
}

/** An error message, with one line for each invalid field. Renders nothing if there is no error. */
export function Failure({ error }: { error: Error | null }) {
  if (!error) return null;
  const fields = error instanceof ApiError ? Object.entries(error.fields) : [];
  return (
    <Notice kind="error">
      {error.message}
      {fields.length > 0 && (
        <ul>
          {fields.map(([name, reason]) => (
            <li key={name}>
              <code>{name}</code>: {reason}
            </li>
          ))}
        </ul>
      )}
      {error instanceof ApiError && error.status >= 500 && error.requestId && (
        <small className="muted"> Request id: {error.requestId}</small>
      )}
    </Notice>
  );
}
