/** Tests of how money, numbers and dates are formatted and parsed. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, limit, minorUnits, money, slug, typedMoney, wholeNumber } from "../src/format.ts";

test("money is formatted with the digits of its currency", () => {
  assert.equal(money(2900), "$29.00");
  assert.equal(money(2900, "jpy"), "¥2,900");
  assert.equal(money(-150), "-$1.50");
});

test("an amount survives formatting and parsing to the cent", () => {
  for (const amount of [0, 1, 29, 1999, 2900, 1_250, 99_999_999]) assert.equal(minorUnits(typedMoney(amount)), amount);
  assert.equal(minorUnits("9.50"), 950);
  assert.equal(minorUnits("19.99"), 1999);
});

test("text that is not an amount is refused", () => {
  for (const typed of ["", " ", "-1", "abc", "1,50", "Infinity", "1e999"]) assert.equal(minorUnits(typed), null);
});

test("only whole numbers are accepted", () => {
  assert.equal(wholeNumber("1,000"), 1000);
  assert.equal(wholeNumber(" 25 "), 25);
  for (const typed of ["", "1.5", "-1", "ten", "1e3"]) assert.equal(wholeNumber(typed), null);
});

test("a slug is a name that the API accepts", () => {
  const taken = /^[a-z0-9]+(?:[-_][a-z0-9]+)*$/;
  for (const name of ["Pro", "Team Plus", "  T-shirt (M) ", "Crème brûlée", "x".repeat(90), `${"long ".repeat(8)}!`]) {
    assert.match(slug(name), taken);
    assert.ok(slug(name).length <= 40);
  }
  assert.equal(slug("Pro Plus"), "pro-plus");
  assert.equal(slug("!?"), "");
});

test("relative times use whole units", () => {
  const now = Date.parse("2026-05-01T12:00:00Z");
  assert.equal(ago("2026-05-01T11:59:50Z", now), "just now");
  assert.equal(ago("2026-05-01T11:00:00Z", now), "1 hour ago");
  assert.equal(ago("2026-05-02T12:00:00Z", now), "tomorrow");
});

test("a missing limit is shown as unlimited", () => {
  assert.equal(limit("unlimited"), "unlimited");
  assert.equal(limit(1000), "1,000");
});
