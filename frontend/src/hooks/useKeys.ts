/** The secret keys of a project: shown, replaced, ended. */

import { useMutation } from "@tanstack/react-query";
import { call } from "../api/client";
import type { Project } from "../api/types";
import { useOnce } from "./useOnce";
import { useProjectChange } from "./useProjects";

export function useRotateKey(publishableKey: string) {
  const once = useOnce();
  return useProjectChange((gracePeriodSeconds: number) => {
    const body = { publishableKey, gracePeriodSeconds };
    return once(body, (idempotencyKey) =>
      call<{ secretKey: string }>("frontAuthApi", "POST", "/projects/rotate-key", { body, idempotencyKey }),
    );
  });
}

export const useRevokeKey = (publishableKey: string) =>
  useProjectChange((keyId: string) =>
    call("frontAuthApi", "POST", "/projects/revoke-key", { body: { publishableKey, keyId } }),
  );

/** The whole secret key, asked for only when the developer wants to see it. */
export function useRevealKey(project: Project) {
  return useMutation({
    mutationFn: async () => {
      const path = `/get-credentials?publishableKey=${project.publishableKey}`;
      const found = await call<{ testSecretKey: string | null; liveSecretKey: string | null }>(
        "frontAuthApi",
        "GET",
        path,
      );
      return project.mode === "test" ? found.testSecretKey : found.liveSecretKey;
    },
  });
}
