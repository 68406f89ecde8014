/** The latest orders of a store. */

import type { Order, Project } from "../../api/types";
import { Badge } from "../../components/Badge";
import { Empty } from "../../components/Empty";
import { Loading } from "../../components/Loading";
import { Failure } from "../../components/Notice";
import { ago, money } from "../../format";
import { useOrders } from "../../hooks/useOrders";

export function OrdersSection({ project }: { project: Project }) {
  const { orders, error } = useOrders(project.publishableKey);
  if (error) return <Failure error={error} />;
  if (!orders) return <Loading what="orders" height="20rem" />;
  if (orders.length === 0)
    return <Empty title="No orders yet">An order appears here when a customer starts a checkout.</Empty>;
  return (
    <div className="stack">
      <div className="card table">
        <table>
          <thead>
            <tr>
              <th scope="col">Order</th>
              <th scope="col">Items</th>
              <th scope="col">Total</th>
              <th scope="col">Status</th>
              <th scope="col">Created</th>
            </tr>
          </thead>
          <tbody>
            {orders.map((order) => (
              <tr key={order.id}>
                <td data-label="Order">
                  <span className="primary-line">{order.email ?? "No email"}</span>
                  <code className="muted">{order.id}</code>
                </td>
                <td data-label="Items">{itemsOf(order)}</td>
                <td data-label="Total">
                  {money(order.amountTotal, order.currency)}
                  {order.amountRefunded > 0 && (
                    <small className="muted"> {money(order.amountRefunded, order.currency)} refunded</small>
                  )}
                </td>
                <td data-label="Status">
                  <Badge>{order.status}</Badge>
                </td>
                <td data-label="Created">
                  <time dateTime={order.createdAt}>{ago(order.createdAt)}</time>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="muted small">
        The ten latest orders. Your backend can list all orders through the API with the secret key.
      </p>
    </div>
  );
}

const itemsOf = (order: Order): string =>
  order.items
    .map((item) => (item.quantity > 1 ? `${item.quantity} × ${item.displayName}` : item.displayName))
    .join(", ");
