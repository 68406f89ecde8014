/** One project: its header, its tabs and the open section. */

import { Link, Navigate, Route, Routes, useParams } from "react-router-dom";
import type { Project } from "../api/types";
import { Badge } from "../components/Badge";
import { Empty } from "../components/Empty";
import { Loading } from "../components/Loading";
import { Failure } from "../components/Notice";
import { Tabs } from "../components/Tabs";
import { useProject } from "../hooks/useProjects";
import { useTitle } from "../hooks/useTitle";
import { CustomersSection } from "./project/CustomersSection";
import { KeysSection } from "./project/KeysSection";
import { OrdersSection } from "./project/OrdersSection";
import { OverviewSection } from "./project/OverviewSection";
import { SettingsSection } from "./project/SettingsSection";
import { TiersSection } from "./project/TiersSection";

export function ProjectPage() {
  const { publishableKey = "" } = useParams();
  const { error, project } = useProject(publishableKey);
  useTitle(project?.name);
  if (error) return <Failure error={error} />;
  if (project === undefined) return <Loading what="the project" height="24rem" />;
  if (project === null) {
    return (
      <Empty title="Project not found">
        <p>It may have been deleted. Choose a project from the list.</p>
        <Link className="button" to="/projects">
          All projects
        </Link>
      </Empty>
    );
  }
  return <Sections key={publishableKey} project={project} />;
}

function Sections({ project }: { project: Project }) {
  const base = `/projects/${project.publishableKey}`;
  const isStore = project.projectType === "store";
  const sections = [
    { path: "", title: "Overview", element: <OverviewSection project={project} /> },
    { path: "customers", title: "Customers", element: <CustomersSection project={project} /> },
    ...(isStore ? [{ path: "orders", title: "Orders", element: <OrdersSection project={project} /> }] : []),
    { path: "tiers", title: isStore ? "Products" : "Tiers", element: <TiersSection project={project} /> },
    { path: "keys", title: "Keys", element: <KeysSection project={project} /> },
    { path: "settings", title: "Settings", element: <SettingsSection project={project} /> },
  ];
  return (
    <>
      <header className="title project-title">
        <div>
          <Link className="back muted" to="/projects">
            ← Projects
          </Link>
          <h1>
            {project.name} <Badge>{project.mode}</Badge> <Badge>{project.projectType}</Badge>
          </h1>
        </div>
      </header>
      <Tabs
        label="Project sections"
        tabs={sections.map(({ path, title }) => ({ to: path ? `${base}/${path}` : base, title }))}
      />
      <Routes>
        {sections.map(({ path, element }) => (
          <Route key={path} path={path} element={element} />
        ))}
        <Route path="*" element={<Navigate to={base} replace />} />
      </Routes>
    </>
  );
}
