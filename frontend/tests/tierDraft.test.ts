/** Tests of how a typed tier is checked and converted for the API. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tier } from "../src/api/types.ts";
import { definitionOf, draftOf, emptyDraft, presets, problemsOf, updatesOf } from "../src/tierDraft.ts";

const MUG: Tier = {
  id: "mug",
  name: "mug",
  displayName: "Mug",
  price: 1250,
  currency: "usd",
  limit: "unlimited",
  features: [],
  description: "",
  popular: false,
  priceId: "price_1",
  stripePriceId: "price_1",
  productId: "prod_1",
  trialDays: 0,
  billingMode: "one_off",
  imageUrl: null,
  inventory: 25,
  soldOut: false,
};

test("the presets are valid", () => {
  for (const type of ["saas", "store"] as const) {
    for (const draft of presets(type)) assert.deepEqual(problemsOf(draft, type), {});
  }
  const [free, pro] = presets("saas").map((draft) => definitionOf(draft, "saas"));
  assert.deepEqual([free?.price, free?.limit, pro?.price, pro?.limit], [0, 100, 2900, 1000]);
});

test("an empty limit means unlimited, an empty stock means not tracked", () => {
  const draft = emptyDraft({ displayName: "Max", price: "99" });
  assert.equal(definitionOf(draft, "saas").limit, "unlimited");
  assert.equal(definitionOf(draft, "store").inventory, null);
});

test("every invalid input gets a message before the form is sent", () => {
  const draft = emptyDraft({ displayName: "!", price: "x", limit: "many", trialDays: "2.5", stock: "-1" });
  assert.deepEqual(Object.keys(problemsOf(draft, "saas")).sort(), [
    "displayName",
    "limit",
    "price",
    "stock",
    "trialDays",
  ]);
  assert.ok(problemsOf(emptyDraft({ displayName: "Gift", price: "0" }), "store").price);
});

test("stock that the user did not change is not sent", () => {
  assert.deepEqual(updatesOf(MUG, draftOf(MUG), "store"), {});
  assert.deepEqual(updatesOf(MUG, { ...draftOf(MUG), price: "13" }, "store"), { price: 1300 });
  assert.deepEqual(updatesOf(MUG, { ...draftOf(MUG), stock: "30" }, "store"), { inventory: 30 });
  assert.deepEqual(updatesOf(MUG, { ...draftOf(MUG), stock: "" }, "store"), { inventory: null });
});
