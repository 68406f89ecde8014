/** Lists, adds, updates and deletes the tiers of a project. None of this changes the project's keys. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call } from "../api/client";
import type { Tier, TierDefinition } from "../api/types";
import { useOnce } from "./useOnce";

export function useTiers(publishableKey: string) {
  return useQuery({
    queryKey: ["tiers", publishableKey],
    queryFn: () => call<{ tiers: Tier[] }>("oauthApi", "GET", `/tiers?publishableKey=${publishableKey}`),
    select: (answer) => answer.tiers,
  });
}

export function useAddTier(publishableKey: string) {
  const once = useOnce();
  return useTierChange(publishableKey, (tier: TierDefinition) => {
    const body = { publishableKey, tier };
    return once(body, (idempotencyKey) => call("oauthApi", "POST", "/tiers/add", { body, idempotencyKey }));
  });
}

export const useUpdateTier = (publishableKey: string, tierName: string) =>
  useTierChange(publishableKey, (updates: Partial<TierDefinition>) =>
    call("oauthApi", "PUT", "/tiers", { body: { publishableKey, tierName, updates } }),
  );

export const useDeleteTier = (publishableKey: string, tierName: string) =>
  useTierChange(publishableKey, (body: { force: boolean }) =>
    call("oauthApi", "DELETE", "/tiers", { body: { publishableKey, tierName, ...body } }),
  );

/** A change that reloads everything that shows tiers. */
function useTierChange<Input, Answer>(publishableKey: string, change: (input: Input) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ["tiers", publishableKey] }),
        client.invalidateQueries({ queryKey: ["dashboard", publishableKey] }),
        client.invalidateQueries({ queryKey: ["projects"] }),
      ]),
  });
}
