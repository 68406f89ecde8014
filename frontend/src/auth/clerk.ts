/** Loads Clerk's browser library from the instance's Frontend API, as Clerk recommends, and types what we use of it. */

import { settings } from "../settings";

export interface ClerkUser {
  id: string;
  fullName: string | null;
  primaryEmailAddress: { emailAddress: string } | null;
}

export interface Clerk {
  load(): Promise<void>;
  user: ClerkUser | null | undefined;
  session: { getToken(): Promise<string | null> } | null | undefined;
  addListener(listener: () => void): () => void;
  signOut(options?: { redirectUrl?: string }): Promise<void>;
  redirectToSignIn(options?: { redirectUrl?: string }): Promise<unknown>;
  redirectToSignUp(options?: { redirectUrl?: string }): Promise<unknown>;
}

declare global {
  interface Window {
    Clerk?: Clerk;
  }
}

let loading: Promise<Clerk> | undefined;

/** Returns the loaded library. Rejects if Clerk cannot be reached. */
export function clerk(): Promise<Clerk> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Clerk> {
  await new Promise<void>((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${settings.clerkUrl}/npm/@clerk/clerk-js@6/dist/clerk.browser.js`;
    script.crossOrigin = "anonymous";
    script.dataset.clerkPublishableKey = settings.clerkPublishableKey;
    if (!isHostInKey()) script.dataset.clerkProxyUrl = settings.clerkUrl;
    script.addEventListener("load", () => resolve());
    script.addEventListener("error", () =>
      reject(new Error("Sign-in is not available, because Clerk cannot be reached.")),
    );
    document.head.append(script);
  });
  const library = window.Clerk;
  if (!library) throw new Error("Sign-in is not available, because Clerk did not start.");
  await library.load();
  return library;
}

/** A publishable key contains the host of its Frontend API. If `clerkUrl` has another host, as on a laptop, it is a proxy. */
function isHostInKey(): boolean {
  const encoded = settings.clerkPublishableKey.split("_")[2] ?? "";
  return atob(encoded).replace(/\$$/, "") === new URL(settings.clerkUrl).host;
}
