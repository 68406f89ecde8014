/** Reveals, rotates and revokes the secret keys of a project. */

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

/** Loads the full secret key. A page calls this only when the developer asks to see the key. */
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
