/** The logo. It is decoration, so screen readers skip it. */

export function Logo() {
  return <img src="/icon.svg" alt="" width={28} height={28} />;
}
