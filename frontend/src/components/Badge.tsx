/** A coloured label for a status or a mode. */

import type {
  EventOutcome,
  Mode,
  OrderStatus,
  ProjectKeyStatus,
  ProjectType,
  PromotionAction,
  SubscriptionStatus,
} from "../api/types";

/** Every word that a badge can show: those of openapi.yaml, and our own of products. A word without a colour does not compile. */
export type BadgeWord =
  | EventOutcome
  | Mode
  | OrderStatus
  | ProjectKeyStatus
  | ProjectType
  | PromotionAction
  | SubscriptionStatus
  | "popular"
  | "sold_out";

const TONES: Record<BadgeWord, "green" | "blue" | "amber" | "grey" | "red"> = {
  // Modes and project types
  live: "green",
  test: "amber",
  saas: "grey",
  store: "grey",
  // Subscriptions
  active: "green",
  trialing: "blue",
  past_due: "amber",
  unpaid: "red",
  paused: "grey",
  incomplete: "grey",
  incomplete_expired: "grey",
  canceled: "grey",
  none: "grey",
  // Orders
  open: "amber",
  processing: "amber",
  paid: "green",
  partially_refunded: "amber",
  refunded: "grey",
  disputed: "red",
  expired: "grey",
  failed: "red",
  // Keys: `active` is above
  grace: "amber",
  // Events
  handled: "green",
  ignored: "grey",
  rejected: "red",
  // A promotion
  create: "green",
  update: "blue",
  archive: "amber",
  unchanged: "grey",
  // Products
  popular: "blue",
  sold_out: "red",
};

export function Badge({ children }: { children: BadgeWord }) {
  return <span className={`badge ${TONES[children] ?? "grey"}`}>{children.replaceAll("_", " ")}</span>;
}
