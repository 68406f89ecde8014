/** Usage and its limit, as text and as a bar. */

import { count as shownCount, limit as shownLimit } from "../format";

export function UsageBar({ count, limit }: { count: number; limit: number | "unlimited" }) {
  const text = `${shownCount(count)} of ${shownLimit(limit)}`;
  if (limit === "unlimited") return <span className="usage">{text}</span>;
  const share = limit === 0 ? 1 : Math.min(1, count / limit);
  return (
    <span className="usage">
      {text}
      <span className="meter" aria-hidden="true">
        <span className={share >= 0.9 ? "full" : ""} style={{ width: `${share * 100}%` }} />
      </span>
    </span>
  );
}
