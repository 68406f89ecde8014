/** A value with a copy button: a key, a link or a command. */

import { useEffect, useState } from "react";

interface Props {
  label: string;
  value: string;
  testId?: string;
  multiline?: boolean;
}

export function Secret({ label, value, testId, multiline = false }: Props) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <div className={multiline ? "secret multiline" : "secret"}>
      <span className="muted">{label}</span>
      <code data-testid={testId}>{value}</code>
      <button
        type="button"
        className="small"
        onClick={() => void navigator.clipboard.writeText(value).then(() => setCopied(true))}
        aria-label={`Copy the ${label.toLowerCase()}`}
      >
        <span aria-live="polite">{copied ? "Copied" : "Copy"}</span>
      </button>
    </div>
  );
}
