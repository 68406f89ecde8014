/** Grey shapes in the place of what is to come, so that nothing jumps when it does. */

export function Loading({ what, height = "12rem" }: { what: string; height?: string }) {
  return (
    <div className="skeleton" style={{ height }} role="status">
      <span className="visually-hidden">Loading {what}…</span>
    </div>
  );
}
