/** The keys of a project right after they were created, with a first call to try. */

import { firstCall, listProducts } from "../api/examples";
import type { ProjectType } from "../api/types";
import { Notice } from "./Notice";
import { Secret } from "./Secret";

interface Props {
  publishableKey: string;
  secretKey: string;
  projectType: ProjectType;
}

export function NewKeys({ publishableKey, secretKey, projectType }: Props) {
  const line = projectType === "saas" ? firstCall(secretKey) : listProducts(publishableKey);
  return (
    <div className="stack">
      <Notice kind="warning">
        Copy the secret key now and store it on your server. Anyone who has it has full access to this project.
      </Notice>
      <Secret label="Publishable key" value={publishableKey} testId="publishable-key" />
      <Secret label="Secret key" value={secretKey} testId="secret-key" />
      <Secret label="First call" value={line} multiline />
    </div>
  );
}
