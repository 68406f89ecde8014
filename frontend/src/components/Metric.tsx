/** A number with its label. */

export function Metric({ label, value, note }: { label: string; value: string; note?: string | undefined }) {
  return (
    <div className="card metric">
      <dt>{label}</dt>
      <dd>
        {value}
        {note && <small className="muted">{note}</small>}
      </dd>
    </div>
  );
}
