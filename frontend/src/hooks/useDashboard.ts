/** A project's metrics, customers, orders and daily numbers. */

import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { call } from "../api/client";
import type { Dashboard } from "../api/types";

export interface CustomerFilters {
  search: string;
  status: string;
}

export function useDashboard(publishableKey: string, filters: CustomerFilters) {
  return useInfiniteQuery({
    queryKey: ["dashboard", publishableKey, filters],
    initialPageParam: "",
    queryFn: ({ pageParam }) => {
      const query = new URLSearchParams({ publishableKey, limit: "20" });
      if (pageParam) query.set("cursor", pageParam);
      if (filters.search) query.set("search", filters.search);
      if (filters.status) query.set("status", filters.status);
      return call<Dashboard>("apiMulti", "GET", `/api/dashboard?${query}`);
    },
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    placeholderData: keepPreviousData,
  });
}
