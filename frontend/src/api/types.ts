/** Short names for the types that openapi.yaml defines. */

import type { components, paths } from "./schema";

type Schemas = components["schemas"];

export type Tier = Schemas["Tier"];
export type TierDefinition = Schemas["TierDefinition"];
export type Dashboard = Schemas["Dashboard"];
export type DashboardCustomer = Schemas["DashboardCustomer"];
export type Order = Schemas["Order"];
export type Mode = Schemas["Mode"];
export type ProjectType = Schemas["ProjectType"];
export type Project = Schemas["Project"];
export type ProjectList = paths["/projects"]["get"]["responses"]["200"]["content"]["application/json"];
export type AuditEntry = Schemas["AuditEntry"];
export type ProjectKey = Schemas["ProjectKey"];
export type Subscription = Schemas["PlatformSubscription"];
export type Promotion = Schemas["Promotion"];
export type SubscriptionStatus = Schemas["SubscriptionStatus"];
export type OrderStatus = Schemas["OrderStatus"];
export type ProjectKeyStatus = ProjectKey["status"];
export type EventOutcome = NonNullable<Dashboard["webhook"]["recent"][number]["status"]>;
export type PromotionAction = Promotion["changes"][number]["action"];
