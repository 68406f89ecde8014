/** The routes of the dashboard, and the layout around every page. */

import { Navigate, NavLink, Route, Routes, useLocation } from "react-router-dom";
import { useSession } from "./auth/session";
import { Logo } from "./components/Logo";
import { Notice } from "./components/Notice";
import { AccountPage } from "./pages/AccountPage";
import { NewProjectPage } from "./pages/NewProjectPage";
import { ProjectPage } from "./pages/ProjectPage";
import { ProjectsPage } from "./pages/ProjectsPage";
import { WelcomePage } from "./pages/WelcomePage";

export function App() {
  const session = useSession();
  if (session.state === "loading") {
    return (
      <div className="alone" role="status">
        <Logo />
        <span className="visually-hidden">Loading…</span>
      </div>
    );
  }
  if (session.state === "failed") {
    return (
      <div className="alone">
        <Notice kind="error">{session.message} Reload the page to try again.</Notice>
      </div>
    );
  }
  if (session.state === "signed out") return <WelcomePage clerk={session.clerk} />;
  const { user } = session;
  return (
    <div className="shell">
      <a className="skip" href="#content">
        Skip to content
      </a>
      <aside className="sidebar">
        <NavLink to="/" className="brand">
          <Logo /> dream-api
        </NavLink>
        <nav aria-label="Main">
          <NavLink to="/projects">Projects</NavLink>
          <NavLink to="/account">Billing and Stripe</NavLink>
        </nav>
        <div className="who">
          <span title={user.id}>{user.primaryEmailAddress?.emailAddress ?? user.fullName ?? user.id}</span>
          <button
            type="button"
            className="link"
            data-testid="sign-out"
            onClick={() => void session.clerk.signOut({ redirectUrl: "/" })}
          >
            Sign out
          </button>
        </div>
      </aside>
      <main id="content" tabIndex={-1}>
        <Routes>
          <Route path="/" element={<Home />} />
          <Route path="/projects" element={<ProjectsPage />} />
          <Route path="/projects/new" element={<NewProjectPage />} />
          <Route path="/projects/:publishableKey/*" element={<ProjectPage />} />
          <Route path="/account" element={<AccountPage />} />
          <Route path="*" element={<Navigate to="/projects" replace />} />
        </Routes>
      </main>
    </div>
  );
}

/** Stripe and Clerk redirect here. The query string holds the result, so it is kept. */
function Home() {
  return <Navigate to={{ pathname: "/projects", search: useLocation().search }} replace />;
}
