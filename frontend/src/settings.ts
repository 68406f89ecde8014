/** What the build was told: addresses of the Workers and of Clerk. A missing one fails at once, by name. */

function required(name: string, value: string | undefined): string {
  if (!value) throw new Error(`${name} is not set; see .env.example`);
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
