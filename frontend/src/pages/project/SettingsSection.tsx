/** The project's name, redirect origins, promotion, history and deletion. */

import { type FormEvent, useState } from "react";
import { useNavigate } from "react-router-dom";
import { signUpPage } from "../../api/examples";
import type { Project } from "../../api/types";
import { Field } from "../../components/Field";
import { History } from "../../components/History";
import { Failure } from "../../components/Notice";
import { Promotion } from "../../components/Promotion";
import { Secret } from "../../components/Secret";
import { useChangeProject, useDeleteProject } from "../../hooks/useProjects";

export function SettingsSection({ project }: { project: Project }) {
  return (
    <div className="stack">
      <Name project={project} />
      <Origins project={project} />
      {project.mode === "test" && <Promotion project={project} />}
      <History entries={project.audit} />
      <DeleteProject project={project} />
    </div>
  );
}

function Name({ project }: { project: Project }) {
  const change = useChangeProject(project.publishableKey);
  const [name, setName] = useState(project.name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate({ name: name.trim() });
  };
  return (
    <form className="card stack" onSubmit={submit}>
      <h2>Name</h2>
      <Field label="Project name" value={name} onChange={setName} maxLength={100} required />
      <Failure error={change.error} />
      <button
        type="submit"
        className="start"
        disabled={change.isPending || !name.trim() || name.trim() === project.name}
      >
        Save name
      </button>
    </form>
  );
}

function Origins({ project }: { project: Project }) {
  const change = useChangeProject(project.publishableKey);
  const saved = project.redirectOrigins.join("\n");
  const [text, setText] = useState(saved);
  const origins = text.split(/\s+/).filter(Boolean);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate({ redirectOrigins: origins });
  };
  return (
    <form className="card stack" onSubmit={submit}>
      <div>
        <h2>Redirect origins</h2>
        <p className="muted">
          After sign-up, your users can return to these origins only. Enter one per line, for example
          https://app.example.com.
          {project.mode === "test" && " In test mode, http://localhost with any port is allowed too."}
        </p>
      </div>
      <label className="field">
        <span>Origins</span>
        <textarea rows={3} spellCheck={false} value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <Failure error={change.error} />
      <button type="submit" className="start" disabled={change.isPending || origins.join("\n") === saved}>
        Save origins
      </button>
      <Secret label="Your sign-up page" value={signUpPage(project.publishableKey, exampleRedirect(project))} />
    </form>
  );
}

const exampleRedirect = (project: Project): string =>
  `${project.redirectOrigins[0] ?? (project.mode === "test" ? "http://localhost:3000" : "https://app.example.com")}/`;

function DeleteProject({ project }: { project: Project }) {
  const navigate = useNavigate();
  const remove = useDeleteProject(project.publishableKey);
  const [typed, setTyped] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed === project.name) remove.mutate(undefined, { onSuccess: () => void navigate("/projects") });
  };
  return (
    <form className="card stack danger-zone" onSubmit={submit}>
      <div>
        <h2>Delete project</h2>
        <p className="muted">
          Deletes the project with its keys, customers and orders. Its keys stop working at once, and its products at
          Stripe are archived. You cannot undo this.
        </p>
      </div>
      <Field label={`Type “${project.name}” to confirm`} value={typed} onChange={setTyped} autoComplete="off" />
      <Failure error={remove.error} />
      <button
        type="submit"
        className="danger start"
        data-testid="delete-project"
        disabled={typed !== project.name || remove.isPending}
      >
        Delete permanently
      </button>
    </form>
  );
}
