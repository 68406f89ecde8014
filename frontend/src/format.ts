/** How money, numbers and moments are shown, and read from what a person typed. */

/** The words of one currency: Intl knows its symbol and how many digits its minor unit has. */
function currencyFormat(currency: string): { format: Intl.NumberFormat; digits: number } {
  const format = new Intl.NumberFormat("en-US", { style: "currency", currency: currency.toUpperCase() });
  return { format, digits: format.resolvedOptions().maximumFractionDigits ?? 2 };
}

export function money(amount: number, currency = "usd"): string {
  const { format, digits } = currencyFormat(currency);
  return format.format(amount / 10 ** digits);
}

/** Minor units as a person types them: `2900` is `29`, `1250` is `12.50`. */
export function typedMoney(amount: number, currency = "usd"): string {
  const { digits } = currencyFormat(currency);
  const text = (amount / 10 ** digits).toFixed(digits);
  return text.replace(/\.0+$/, "");
}

/** Minor units of what a person typed, or null when it is no amount. */
export function minorUnits(typed: string, currency = "usd"): number | null {
  const { digits } = currencyFormat(currency);
  const amount = Number(typed);
  return typed.trim() === "" || !Number.isFinite(amount) || amount < 0 ? null : Math.round(amount * 10 ** digits);
}

/** The whole number that a person typed, or null when it is none. */
export function wholeNumber(typed: string): number | null {
  const plain = typed.replaceAll(/[\s,_]/g, "");
  return /^\d{1,10}$/.test(plain) ? Number(plain) : null;
}

export const count = (value: number): string => new Intl.NumberFormat("en-US").format(value);

export const limit = (value: number | "unlimited"): string => (value === "unlimited" ? "unlimited" : count(value));

/** A name that the API takes, made of one that people read: `Pro Plus` is `pro-plus`. */
export const slug = (text: string): string =>
  text
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replaceAll(/^-+|-+$/g, "");

/** `project.origins_set` as `project origins set`. */
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

/** How long ago, or how soon. */
export function ago(moment: string, now = Date.now()): string {
  const seconds = (new Date(moment).getTime() - now) / 1000;
  const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [unit, length] of STEPS) {
    if (Math.abs(seconds) >= length) return format.format(Math.trunc(seconds / length), unit);
  }
  return seconds > 0 ? "in a moment" : "just now";
}

/** A publishable key, short enough for a line. */
export const shortKey = (key: string): string => `${key.slice(0, 16)}…`;
