/** Clerk's own browser library, loaded from the instance's Frontend API as Clerk advises, and the little of it that we use. */

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

/** The loaded library; rejects when Clerk can't be reached. */
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
    script.addEventListener("error", () => reject(new Error("Clerk can't be reached.")));
    document.head.append(script);
  });
  const library = window.Clerk;
  if (!library) throw new Error("Clerk did not start.");
  await library.load();
  return library;
}

/** A publishable key names its Frontend API; one that is served elsewhere (as on a laptop) is a proxy. */
function isHostInKey(): boolean {
  const encoded = settings.clerkPublishableKey.split("_")[2] ?? "";
  return atob(encoded).replace(/\$$/, "") === new URL(settings.clerkUrl).host;
}
