/** The latest orders of a store, as its dashboard tells them. */

import { useDashboard } from "./useDashboard";

export function useOrders(publishableKey: string) {
  const { data, error } = useDashboard(publishableKey, { search: "", status: "" });
  return { orders: data?.pages[0]?.orders, error };
}
