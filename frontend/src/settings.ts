/** The settings of the build: the URLs of the Workers and of Clerk. The dashboard does not start without them. */

function required(name: string, value: string | undefined): string {
  if (!value) throw new Error(`${name} is not set. Set it as frontend/.env.example shows, then build again.`);
  return value.replace(/\/$/, "");
}

export const settings = {
  apiMultiUrl: required("VITE_API_MULTI_URL", import.meta.env.VITE_API_MULTI_URL),
  frontAuthApiUrl: required("VITE_FRONT_AUTH_API_URL", import.meta.env.VITE_FRONT_AUTH_API_URL),
  oauthApiUrl: required("VITE_OAUTH_API_URL", import.meta.env.VITE_OAUTH_API_URL),
  signUpUrl: required("VITE_SIGN_UP_URL", import.meta.env.VITE_SIGN_UP_URL),
  clerkPublishableKey: required("VITE_CLERK_PUBLISHABLE_KEY", import.meta.env.VITE_CLERK_PUBLISHABLE_KEY),
  clerkUrl: required("VITE_CLERK_URL", import.meta.env.VITE_CLERK_URL),
};
