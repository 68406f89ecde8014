/** The project's customers, with search, a filter and paging. */

import { useState } from "react";
import type { DashboardCustomer, Project } from "../../api/types";
import { Badge } from "../../components/Badge";
import { Empty } from "../../components/Empty";
import { Loading } from "../../components/Loading";
import { Failure } from "../../components/Notice";
import { UsageBar } from "../../components/UsageBar";
import { day, words } from "../../format";
import { useDashboard } from "../../hooks/useDashboard";
import { useDebounced } from "../../hooks/useDebounced";

export function CustomersSection({ project }: { project: Project }) {
  const [search, setSearch] = useState("");
  const [status, setStatus] = useState("");
  const dashboard = useDashboard(project.publishableKey, { search: useDebounced(search.trim()), status });
  const pages = dashboard.data?.pages;
  const customers = pages?.flatMap((page) => page.customers) ?? [];
  const statuses = pages?.[0]?.filters.statuses ?? [];
  return (
    <div className="stack">
      <search className="toolbar">
        <input
          type="search"
          placeholder="Search by email or user id"
          aria-label="Search customers"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        <select aria-label="Subscription status" value={status} onChange={(event) => setStatus(event.target.value)}>
          <option value="">Any status</option>
          {statuses.map((each) => (
            <option key={each} value={each}>
              {each === "none" ? "not subscribed" : words(each)}
            </option>
          ))}
        </select>
      </search>
      <Failure error={dashboard.error} />
      {dashboard.isPending && <Loading what="customers" height="20rem" />}
      {pages && customers.length === 0 && <NoCustomers isSearch={search !== "" || status !== ""} />}
      {customers.length > 0 && <Customers customers={customers} isSaas={project.projectType === "saas"} />}
      {dashboard.hasNextPage && (
        <button
          type="button"
          className="center"
          disabled={dashboard.isFetchingNextPage}
          onClick={() => void dashboard.fetchNextPage()}
        >
          {dashboard.isFetchingNextPage ? "Loading…" : "Load more"}
        </button>
      )}
    </div>
  );
}

function NoCustomers({ isSearch }: { isSearch: boolean }) {
  if (isSearch) return <Empty title="No customers found">Try a shorter search text or another status.</Empty>;
  return <Empty title="No customers yet">A customer appears after the first sign-up, checkout or counted call.</Empty>;
}

function Customers({ customers, isSaas }: { customers: DashboardCustomer[]; isSaas: boolean }) {
  return (
    <div className="card table">
      <table>
        <thead>
          <tr>
            <th scope="col">Customer</th>
            {isSaas && <th scope="col">Plan</th>}
            {isSaas && <th scope="col">Usage</th>}
            {isSaas && <th scope="col">Renews</th>}
            <th scope="col">Since</th>
          </tr>
        </thead>
        <tbody>
          {customers.map((customer) => (
            <tr key={customer.userId}>
              <td data-label="Customer">
                <span className="primary-line">{customer.email ?? "No email"}</span>
                <code className="muted">{customer.userId}</code>
              </td>
              {isSaas && (
                <td data-label="Plan">
                  {customer.plan} {customer.status !== "none" && <Badge>{customer.status}</Badge>}
                </td>
              )}
              {isSaas && (
                <td data-label="Usage">
                  <UsageBar count={customer.usageCount} limit={customer.limit ?? "unlimited"} />
                </td>
              )}
              {isSaas && (
                <td data-label="Renews">
                  {customer.willCancel ? `ends ${day(customer.currentPeriodEnd)}` : day(customer.currentPeriodEnd)}
                </td>
              )}
              <td data-label="Since">{day(customer.createdAt)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
