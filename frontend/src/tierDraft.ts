/** A tier or product as the user types it, and its conversion to what the API accepts. */

import type { ProjectType, Tier, TierDefinition } from "./api/types.ts";
import { minorUnits, slug, typedMoney, wholeNumber } from "./format.ts";

/** The inputs of the form. All values are text until the form is sent. */
export interface TierDraft {
  id: string;
  displayName: string;
  price: string;
  /** For saas projects: calls a month. Empty means unlimited. */
  limit: string;
  /** For stores: units in stock. Empty means that stock is not tracked. */
  stock: string;
  trialDays: string;
  description: string;
  popular: boolean;
}

const EMPTY = { displayName: "", price: "", limit: "", stock: "", trialDays: "", description: "", popular: false };

export const emptyDraft = (draft: Partial<TierDraft> = {}): TierDraft => ({
  ...EMPTY,
  id: crypto.randomUUID(),
  ...draft,
});

/** The tiers or products that the form for a new project starts with. */
export const presets = (projectType: ProjectType): TierDraft[] =>
  projectType === "saas"
    ? [
        emptyDraft({ displayName: "Free", price: "0", limit: "100" }),
        emptyDraft({ displayName: "Pro", price: "29", limit: "1000", popular: true }),
      ]
    : [
        emptyDraft({ displayName: "Mug", price: "12", stock: "25" }),
        emptyDraft({ displayName: "T-shirt", price: "24", stock: "10" }),
      ];

export const draftOf = (tier: Tier): TierDraft => ({
  id: tier.id,
  displayName: tier.displayName,
  price: typedMoney(tier.price, tier.currency),
  limit: tier.limit === "unlimited" ? "" : String(tier.limit),
  stock: tier.inventory === null ? "" : String(tier.inventory),
  trialDays: tier.trialDays ? String(tier.trialDays) : "",
  description: tier.description,
  popular: tier.popular,
});

export type TierProblems = Partial<Record<"displayName" | "price" | "limit" | "stock" | "trialDays", string>>;

/** Checks a draft in the browser. Returns a message for each invalid input. */
export function problemsOf(draft: TierDraft, projectType: ProjectType): TierProblems {
  const problems: TierProblems = {};
  const price = minorUnits(draft.price);
  if (!slug(draft.displayName)) problems.displayName = "Enter a name with at least one letter or digit.";
  if (price === null) problems.price = "Enter an amount, for example 29 or 9.50.";
  if (projectType === "store" && price === 0) problems.price = "Enter a price above 0.";
  if (draft.limit.trim() && wholeNumber(draft.limit) === null)
    problems.limit = "Enter a whole number, or leave it empty for unlimited calls.";
  if (draft.stock.trim() && wholeNumber(draft.stock) === null)
    problems.stock = "Enter a whole number, or leave it empty if you do not track stock.";
  if (draft.trialDays.trim() && wholeNumber(draft.trialDays) === null)
    problems.trialDays = "Enter a whole number of days.";
  return problems;
}

/** Converts a valid draft to the API's tier definition. Call `problemsOf` first. */
export function definitionOf(draft: TierDraft, projectType: ProjectType): TierDefinition {
  const common = {
    name: slug(draft.displayName),
    displayName: draft.displayName.trim(),
    price: minorUnits(draft.price) ?? 0,
    description: draft.description.trim(),
    popular: draft.popular,
  };
  if (projectType === "store") return { ...common, billingMode: "one_off", inventory: wholeNumber(draft.stock) };
  return {
    ...common,
    billingMode: "subscription",
    limit: wholeNumber(draft.limit) ?? "unlimited",
    trialDays: wholeNumber(draft.trialDays) ?? 0,
  };
}

/** The fields that the user changed. Stock that the user did not change is left out, because orders change it meanwhile. */
export function updatesOf(tier: Tier, draft: TierDraft, projectType: ProjectType): Partial<TierDefinition> {
  const before = definitionOf(draftOf(tier), projectType);
  const { name: _, ...after } = definitionOf(draft, projectType);
  const keys = Object.keys(after) as (keyof typeof after)[];
  return Object.fromEntries(keys.filter((key) => after[key] !== before[key]).map((key) => [key, after[key]]));
}
