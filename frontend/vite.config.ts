/** The Vite build. It also writes `_headers` for Cloudflare Pages, with a Content-Security-Policy that lists the only servers a page may call. */

import react from "@vitejs/plugin-react";
import { defineConfig, loadEnv, type Plugin } from "vite";

const SERVERS = ["VITE_API_MULTI_URL", "VITE_FRONT_AUTH_API_URL", "VITE_OAUTH_API_URL", "VITE_CLERK_URL"];
const OTHERS = ["VITE_SIGN_UP_URL", "VITE_CLERK_PUBLISHABLE_KEY"];

/** Clerk's list (https://clerk.com/docs/guides/secure/best-practices/csp-headers) and our Workers. */
function contentSecurityPolicy(env: Record<string, string>): string {
  const origins = SERVERS.flatMap((name) => (env[name] ? [new URL(env[name]).origin] : []));
  const clerk = env.VITE_CLERK_URL ? new URL(env.VITE_CLERK_URL).origin : "";
  return [
    "default-src 'self'",
    `script-src 'self' ${clerk} https://challenges.cloudflare.com`,
    `connect-src 'self' ${[...new Set(origins)].join(" ")}`,
    "img-src 'self' data: https://img.clerk.com",
    "style-src 'self' 'unsafe-inline'",
    "worker-src 'self' blob:",
    "frame-src https://challenges.cloudflare.com",
    "base-uri 'none'",
    "object-src 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

const headersOf = (env: Record<string, string>): Record<string, string> => ({
  "Content-Security-Policy": contentSecurityPolicy(env),
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
});

function pagesHeaders(headers: Record<string, string>): Plugin {
  const lines = Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`);
  return {
    name: "pages-headers",
    apply: "build",
    generateBundle() {
      this.emitFile({ type: "asset", fileName: "_headers", source: ["/*", ...lines, ""].join("\n") });
    },
  };
}

export default defineConfig(({ command, isPreview, mode }) => {
  const env = loadEnv(mode, ".", "VITE_");
  const missing = [...SERVERS, ...OTHERS].filter((name) => !env[name]);
  if (command === "build" && !isPreview && missing.length > 0) {
    console.warn(
      `Not set: ${missing.join(", ")}. The dashboard does not start without them; see frontend/.env.example.`,
    );
  }
  const headers = headersOf(env);
  return { plugins: [react(), pagesHeaders(headers)], clearScreen: false, preview: { headers } };
});
