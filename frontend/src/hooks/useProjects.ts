/** Lists, creates, renames, promotes and deletes projects. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call } from "../api/client";
import type { Mode, ProjectList, ProjectType, Promotion, TierDefinition } from "../api/types";
import { useOnce } from "./useOnce";

const KEY = ["projects"];

function useProjectList<Part>(select: (answer: ProjectList) => Part) {
  return useQuery({ queryKey: KEY, queryFn: () => call<ProjectList>("frontAuthApi", "GET", "/projects"), select });
}

export const useProjects = () => useProjectList((answer) => answer.projects);

/** The audit log of the account itself and of deleted projects. */
export const useAccountHistory = () => useProjectList((answer) => answer.audit);

/** One project from the list. `undefined` while the list loads; null if the project is not in the list. */
export function useProject(publishableKey: string) {
  const projects = useProjects();
  const found = projects.data?.find((project) => project.publishableKey === publishableKey);
  return { error: projects.error, project: projects.data ? (found ?? null) : undefined };
}

/** A change that reloads the project list. It does not wait for the reload, because the page may navigate away on success. */
export function useProjectChange<Answer, Input = void>(change: (input: Input) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: change, onSuccess: () => void client.invalidateQueries({ queryKey: KEY }) });
}

export interface NewProject {
  mode: Mode;
  projectName: string;
  projectType: ProjectType;
  tiers: TierDefinition[];
}

export function useCreateProject() {
  const once = useOnce();
  return useProjectChange((body: NewProject) =>
    once(body, (idempotencyKey) =>
      call<{ publishableKey: string; secretKey: string }>("oauthApi", "POST", "/create-products", {
        body,
        idempotencyKey,
      }),
    ),
  );
}

export const useChangeProject = (publishableKey: string) =>
  useProjectChange((body: { name?: string; redirectOrigins?: string[] }) =>
    call("frontAuthApi", "PATCH", `/projects/${publishableKey}`, { body }),
  );

export const useDeleteProject = (publishableKey: string) =>
  useProjectChange(() => call("frontAuthApi", "DELETE", `/projects/${publishableKey}`));

/** Loads what a promotion would change, and changes nothing. */
export function usePromotionPreview(publishableKey: string) {
  return useMutation({
    mutationFn: () =>
      call<Promotion>("oauthApi", "POST", "/promote-to-live", { body: { publishableKey, dryRun: true } }),
  });
}

export function usePromoteProject(publishableKey: string) {
  const once = useOnce();
  return useProjectChange(() =>
    once("promote", (idempotencyKey) =>
      call<Promotion>("oauthApi", "POST", "/promote-to-live", { body: { publishableKey }, idempotencyKey }),
    ),
  );
}
