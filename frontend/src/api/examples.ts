/** Calls to the API as a developer would type them. */

import { settings } from "../settings";

export function firstCall(secretKey: string): string {
  return [
    `curl -X POST ${settings.apiMultiUrl}/api/data \\`,
    `  -H "Authorization: Bearer ${secretKey}" \\`,
    `  -H "X-User-Id: user_1"`,
  ].join("\n");
}

export function listProducts(publishableKey: string): string {
  return [`curl ${settings.apiMultiUrl}/api/products \\`, `  -H "X-Publishable-Key: ${publishableKey}"`].join("\n");
}

/** Where an app sends people who have no account yet; they come back to `redirect` with a token. */
export function signUpPage(publishableKey: string, redirect: string): string {
  return `${settings.signUpUrl}/signup?${new URLSearchParams({ pk: publishableKey, redirect })}`;
}
