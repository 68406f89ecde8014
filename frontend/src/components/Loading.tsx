/** A placeholder with the height of the content that loads, so that the page does not jump. */

export function Loading({ what, height = "12rem" }: { what: string; height?: string }) {
  return (
    <div className="skeleton" style={{ height }} role="status">
      <span className="visually-hidden">Loading {what}…</span>
    </div>
  );
}
