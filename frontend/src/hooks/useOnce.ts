/** Sends an action with an Idempotency-Key. The key is kept until the server gives a definite answer; another action gets another key. */

import { useRef } from "react";
import { ApiError } from "../api/client";

export function useOnce() {
  const open = useRef<{ action: string; key: string } | null>(null);
  return async <Answer>(action: unknown, send: (idempotencyKey: string) => Promise<Answer>): Promise<Answer> => {
    const text = JSON.stringify(action);
    if (open.current?.action !== text) open.current = { action: text, key: crypto.randomUUID() };
    try {
      const answer = await send(open.current.key);
      open.current = null;
      return answer;
    } catch (error) {
      if (error instanceof ApiError && error.isDefinite) open.current = null;
      throw error;
    }
  };
}
