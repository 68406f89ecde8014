/** The example calls and links that the dashboard shows. */

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

/** The sign-up link of a project. After sign-up, the user returns to `redirect` with a session token. */
export function signUpPage(publishableKey: string, redirect: string): string {
  return `${settings.signUpUrl}/signup?${new URLSearchParams({ pk: publishableKey, redirect })}`;
}
