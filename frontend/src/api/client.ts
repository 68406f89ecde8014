/** The one place that fetches. Adds the developer's token, and turns every refusal into an `ApiError` that can be shown. */

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

  /** Whether the server has decided. Else a repeat may find that the first try was carried out. */
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
  /** One key per wish of the user, kept over retries. */
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
    throw new ApiError(0, "unreachable", "The server can't be reached. Check your connection and try again.");
  }
  const json: unknown = await answer.json().catch(() => undefined);
  if (!answer.ok) {
    const error = json as Partial<ErrorBody> | undefined;
    throw new ApiError(
      answer.status,
      error?.code ?? "unknown",
      error?.message ?? "The server gave an answer that this page does not understand.",
      error?.fields,
      error?.requestId,
    );
  }
  return json as Answer;
}
