/** One Idempotency-Key for one wish: kept while its outcome is unknown, new for another wish or after a definite answer. */

import { useRef } from "react";
import { ApiError } from "../api/client";

export function useOnce() {
  const open = useRef<{ wish: string; key: string } | null>(null);
  return async <Answer>(wish: unknown, send: (idempotencyKey: string) => Promise<Answer>): Promise<Answer> => {
    const text = JSON.stringify(wish);
    if (open.current?.wish !== text) open.current = { wish: text, key: crypto.randomUUID() };
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
