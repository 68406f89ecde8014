/** The only module that calls `fetch`. It sends the developer's session token, and turns every error answer into an `ApiError`. */

import { clerk } from "../auth/clerk";
import { settings } from "../settings";
import type { components } from "./schema";

type ErrorBody = components["schemas"]["Error"];

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: Record<string, string> = {},
    readonly requestId?: string,
  ) {
    super(message);
  }

  /** True if the server has refused the request. If false, the request may have been carried out. */
  get isDefinite(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 429 && this.code !== "idempotency_key_in_use";
  }
}

const bases = {
  apiMulti: settings.apiMultiUrl,
  frontAuthApi: settings.frontAuthApiUrl,
  oauthApi: settings.oauthApiUrl,
};

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

interface Options {
  body?: unknown;
  /** One key per action of the user. A retry of the action sends the same key. */
  idempotencyKey?: string;
}

export async function call<Answer>(
  worker: keyof typeof bases,
  method: Method,
  path: string,
  { body, idempotencyKey }: Options = {},
): Promise<Answer> {
  const token = await (await clerk()).session?.getToken();
  const headers: Record<string, string> = { Authorization: `Bearer ${token ?? ""}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (idempotencyKey) headers["Idempotency-Key"] = idempotencyKey;
  let answer: Response;
  try {
    answer = await fetch(`${bases[worker]}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError(0, "unreachable", "The server cannot be reached. Check your internet connection and try again.");
  }
  const json: unknown = await answer.json().catch(() => undefined);
  if (!answer.ok) {
    const error = json as Partial<ErrorBody> | undefined;
    throw new ApiError(
      answer.status,
      error?.code ?? "unknown",
      error?.message ??
        "The server sent an unexpected answer. Reload the page and try again. If this persists, contact support.",
      error?.fields,
      error?.requestId,
    );
  }
  return json as Answer;
}
