/** A coloured label for a status or a mode. */

const TONES: Record<string, string> = {
  live: "green",
  active: "green",
  paid: "green",
  trialing: "blue",
  test: "amber",
  past_due: "amber",
  open: "amber",
  processing: "amber",
  grace: "amber",
  canceled: "grey",
  refunded: "grey",
  expired: "grey",
  popular: "blue",
  processed: "green",
  handled: "green",
  create: "green",
  update: "blue",
  archive: "amber",
  partially_refunded: "amber",
  sold_out: "red",
  unpaid: "red",
  rejected: "red",
  failed: "red",
  disputed: "red",
};

export function Badge({ children }: { children: string }) {
  return <span className={`badge ${TONES[children] ?? "grey"}`}>{children.replaceAll("_", " ")}</span>;
}
