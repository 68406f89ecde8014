/** What a person types about one tier or product, and what the API gets of it. */

import type { ProjectType, Tier, TierDefinition } from "./api/types.ts";
import { minorUnits, slug, typedMoney, wholeNumber } from "./format.ts";

/** All as typed: texts, until the form is sent. */
export interface TierDraft {
  id: string;
  displayName: string;
  price: string;
  /** Calls a month; empty is unlimited. Of saas tiers. */
  limit: string;
  /** Pieces; empty is not tracked. Of products. */
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

/** What a new project begins with. */
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

/** What is wrong with the draft before anybody is asked. */
export function problemsOf(draft: TierDraft, projectType: ProjectType): TierProblems {
  const problems: TierProblems = {};
  const price = minorUnits(draft.price);
  if (!slug(draft.displayName)) problems.displayName = "Give it a name with a letter or a digit.";
  if (price === null) problems.price = "An amount, like 29 or 9.50.";
  if (projectType === "store" && price === 0) problems.price = "A product costs something.";
  if (draft.limit.trim() && wholeNumber(draft.limit) === null)
    problems.limit = "A whole number, or nothing for unlimited.";
  if (draft.stock.trim() && wholeNumber(draft.stock) === null) problems.stock = "A whole number, or nothing.";
  if (draft.trialDays.trim() && wholeNumber(draft.trialDays) === null) problems.trialDays = "Whole days.";
  return problems;
}

/** The draft as the API takes it. Ask `problemsOf` first. */
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

/** What differs between a tier and its draft: stock that was not touched is left to the orders that change it. */
export function updatesOf(tier: Tier, draft: TierDraft, projectType: ProjectType): Partial<TierDefinition> {
  const before = definitionOf(draftOf(tier), projectType);
  const { name: _, ...after } = definitionOf(draft, projectType);
  const keys = Object.keys(after) as (keyof typeof after)[];
  return Object.fromEntries(keys.filter((key) => after[key] !== before[key]).map((key) => [key, after[key]]));
}
