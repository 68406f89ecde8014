/** The project's metrics, charts of the last 30 days, and recent Stripe events. */

import { Link } from "react-router-dom";
import type { Dashboard, Project } from "../../api/types";
import { Badge } from "../../components/Badge";
import { BarChart } from "../../components/BarChart";
import { Empty } from "../../components/Empty";
import { Loading } from "../../components/Loading";
import { Metric } from "../../components/Metric";
import { Failure } from "../../components/Notice";
import { ago, count, money } from "../../format";
import { useDashboard } from "../../hooks/useDashboard";

export function OverviewSection({ project }: { project: Project }) {
  const dashboard = useDashboard(project.publishableKey, { search: "", status: "" });
  const data = dashboard.data?.pages[0];
  if (dashboard.error) return <Failure error={dashboard.error} />;
  if (!data) return <Loading what="the numbers" height="30rem" />;
  const { currency } = data.metrics;
  const hasUsage = project.projectType === "saas" || data.usageByDay.some((day) => day.count > 0);
  return (
    <div className="stack">
      <dl className="metrics">{project.projectType === "saas" ? <Saas data={data} /> : <Store data={data} />}</dl>
      <div className="charts">
        {hasUsage && (
          <BarChart
            title="Usage"
            days={data.usageByDay.map(({ date, count }) => ({ date, value: count }))}
            show={(value) => `${count(value)} ${value === 1 ? "call" : "calls"}`}
          />
        )}
        <BarChart
          title="Revenue"
          days={data.revenueByDay.map(({ date, amount }) => ({ date, value: amount }))}
          show={(value) => money(value, currency)}
        />
      </div>
      {project.projectType === "store" && <LowStock data={data} publishableKey={project.publishableKey} />}
      <Events data={data} />
    </div>
  );
}

function Saas({ data: { metrics } }: { data: Dashboard }) {
  return (
    <>
      <Metric label="Recurring revenue" value={money(metrics.mrr, metrics.currency)} note="a month" />
      <Metric label="Revenue" value={money(metrics.revenue, metrics.currency)} note="all time, after refunds" />
      <Metric
        label="Active subscriptions"
        value={count(metrics.activeSubs)}
        note={metrics.cancelingSubs ? `${count(metrics.cancelingSubs)} will be canceled` : undefined}
      />
      <Metric
        label="Calls this month"
        value={count(metrics.usageThisPeriod)}
        note={`${count(metrics.totalCustomers)} customers`}
      />
    </>
  );
}

function Store({ data: { metrics } }: { data: Dashboard }) {
  return (
    <>
      <Metric label="Revenue" value={money(metrics.storeTotalRevenue, metrics.currency)} note="paid, after refunds" />
      <Metric label="Sales" value={count(metrics.storeSalesCount)} />
      <Metric
        label="In stock"
        value={count(metrics.totalInventory)}
        note={metrics.lowStockProducts ? `${count(metrics.lowStockProducts)} with low stock` : undefined}
      />
      <Metric label="Customers" value={count(metrics.totalCustomers)} />
    </>
  );
}

function LowStock({ data, publishableKey }: { data: Dashboard; publishableKey: string }) {
  if (data.lowStock.length === 0) return null;
  return (
    <section className="card">
      <h2>Low stock</h2>
      <ul className="lines">
        {data.lowStock.map((product) => (
          <li key={product.name}>
            <Link to={`/projects/${publishableKey}/tiers`}>{product.displayName}</Link>
            <span className="muted">{product.inventory === 0 ? "sold out" : `${count(product.inventory)} left`}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Events({ data }: { data: Dashboard }) {
  return (
    <section className="card">
      <h2>Stripe events</h2>
      {data.webhook.recent.length === 0 ? (
        <Empty title="No events yet">Payments and subscription changes appear here when Stripe reports them.</Empty>
      ) : (
        <ul className="lines">
          {data.webhook.recent.map((event, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: an event has no id here, and the list is only ever replaced.
            <li key={`${event.createdAt}-${index}`}>
              <code>{event.type}</code>
              <span className="muted">
                <Badge>{event.status ?? ("processing" as const)}</Badge>{" "}
                <time dateTime={event.createdAt}>{ago(event.createdAt)}</time>
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
