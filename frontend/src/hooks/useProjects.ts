/** Projects: listed, made, renamed, promoted, deleted. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call } from "../api/client";
import type { Mode, ProjectList, ProjectType, Promotion, TierDefinition } from "../api/types";
import { useOnce } from "./useOnce";

const KEY = ["projects"];

function useProjectList<Part>(select: (answer: ProjectList) => Part) {
  return useQuery({ queryKey: KEY, queryFn: () => call<ProjectList>("frontAuthApi", "GET", "/projects"), select });
}

export const useProjects = () => useProjectList((answer) => answer.projects);

/** What was done to the account itself, and to projects that are gone. */
export const useAccountHistory = () => useProjectList((answer) => answer.audit);

/** One project out of the list; `undefined` while the list loads, null when it is not in it. */
export function useProject(publishableKey: string) {
  const projects = useProjects();
  const found = projects.data?.find((project) => project.publishableKey === publishableKey);
  return { error: projects.error, project: projects.data ? (found ?? null) : undefined };
}

/** A change after which the list is read again. Nobody waits for that: a page that leaves on success is gone by then. */
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

/** What a promotion would change. */
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
