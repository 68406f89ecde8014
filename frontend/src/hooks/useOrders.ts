/** The latest orders of a store, taken from the dashboard's answer. */

import { useDashboard } from "./useDashboard";

export function useOrders(publishableKey: string) {
  const { data, error } = useDashboard(publishableKey, { search: "", status: "" });
  return { orders: data?.pages[0]?.orders, error };
}
