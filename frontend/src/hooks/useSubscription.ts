/** The developer's subscription and connected Stripe accounts, and the redirects to Stripe's pages. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call } from "../api/client";
import type { Mode, Subscription } from "../api/types";

export function useSubscription(options: { refetchEvery?: number | false } = {}) {
  return useQuery({
    queryKey: ["subscription"],
    queryFn: () => call<Subscription>("frontAuthApi", "GET", "/subscription"),
    refetchInterval: options.refetchEvery ?? false,
  });
}

function useRedirect<Input = void>(ask: (input: Input) => Promise<{ url: string }>) {
  return useMutation({
    mutationFn: ask,
    onSuccess: ({ url }) => window.location.assign(url),
  });
}

export const useSubscribe = () =>
  useRedirect(() => call<{ url: string }>("frontAuthApi", "POST", "/create-checkout", { body: {} }));

export const useBillingPortal = () =>
  useRedirect(() => call<{ url: string }>("frontAuthApi", "POST", "/billing-portal", { body: {} }));

export const useConnectStripe = () =>
  useRedirect((mode: Mode) => call<{ url: string }>("oauthApi", "POST", "/authorize", { body: { mode } }));

export function useDisconnectStripe() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (mode: Mode) => call("oauthApi", "POST", "/disconnect", { body: { mode } }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["subscription"] }),
  });
}
