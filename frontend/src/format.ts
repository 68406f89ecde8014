/** Formats money, numbers and dates, and parses what a user types. */

/** The number format of a currency, and how many digits its minor unit has. */
function currencyFormat(currency: string): { format: Intl.NumberFormat; digits: number } {
  const format = new Intl.NumberFormat("en-US", { style: "currency", currency: currency.toUpperCase() });
  return { format, digits: format.resolvedOptions().maximumFractionDigits ?? 2 };
}

export function money(amount: number, currency = "usd"): string {
  const { format, digits } = currencyFormat(currency);
  return format.format(amount / 10 ** digits);
}

/** Formats minor units for an input: `2900` becomes `29`, `1250` becomes `12.50`. */
export function typedMoney(amount: number, currency = "usd"): string {
  const { digits } = currencyFormat(currency);
  const text = (amount / 10 ** digits).toFixed(digits);
  return text.replace(/\.0+$/, "");
}

/** Parses an amount into minor units. Returns null if the text is not an amount. */
export function minorUnits(typed: string, currency = "usd"): number | null {
  const { digits } = currencyFormat(currency);
  const amount = Number(typed);
  return typed.trim() === "" || !Number.isFinite(amount) || amount < 0 ? null : Math.round(amount * 10 ** digits);
}

/** Parses a whole number. Returns null if the text is not one. */
export function wholeNumber(typed: string): number | null {
  const plain = typed.replaceAll(/[\s,_]/g, "");
  return /^\d{1,10}$/.test(plain) ? Number(plain) : null;
}

export const count = (value: number): string => new Intl.NumberFormat("en-US").format(value);

export const limit = (value: number | "unlimited"): string => (value === "unlimited" ? "unlimited" : count(value));

/** Converts a display name to a name that the API accepts: `Pro Plus` becomes `pro-plus`. */
export const slug = (text: string): string =>
  text
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replaceAll(/^-+|-+$/g, "");

/** Converts an identifier to words: `project.origins_set` becomes `project origins set`. */
export const words = (name: string): string => name.replaceAll(/[._]/g, " ");

export const day = (moment: string | null | undefined): string =>
  moment
    ? new Date(moment).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" })
    : "–";

export const shortDay = (moment: string): string =>
  new Date(moment).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

const STEPS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** A relative time, such as `2 hours ago` or `in 3 days`. */
export function ago(moment: string, now = Date.now()): string {
  const seconds = (new Date(moment).getTime() - now) / 1000;
  const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [unit, length] of STEPS) {
    if (Math.abs(seconds) >= length) return format.format(Math.trunc(seconds / length), unit);
  }
  return seconds > 0 ? "in a moment" : "just now";
}

/** Shortens a publishable key so that it fits on one line. */
export const shortKey = (key: string): string => `${key.slice(0, 16)}…`;
