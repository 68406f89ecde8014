/** The form for a new project. After the project is created, the page shows its keys. */

import { type FormEvent, useState } from "react";
import { Link } from "react-router-dom";
import type { Mode, ProjectType, Subscription } from "../api/types";
import { Choice } from "../components/Choice";
import { Empty } from "../components/Empty";
import { Field } from "../components/Field";
import { Loading } from "../components/Loading";
import { NewKeys } from "../components/NewKeys";
import { Failure } from "../components/Notice";
import { TierFields } from "../components/TierFields";
import { focusFirstProblem } from "../focus";
import { useCreateProject } from "../hooks/useProjects";
import { useSubscription } from "../hooks/useSubscription";
import { useTitle } from "../hooks/useTitle";
import { definitionOf, emptyDraft, presets, problemsOf, type TierDraft } from "../tierDraft";

export function NewProjectPage() {
  useTitle("New project");
  const subscription = useSubscription();
  return (
    <>
      <header className="title">
        <h1>New project</h1>
      </header>
      <Failure error={subscription.error} />
      {subscription.isPending && <Loading what="your account" height="24rem" />}
      {subscription.data && <Gate subscription={subscription.data} />}
    </>
  );
}

function Gate({ subscription }: { subscription: Subscription }) {
  const isReady =
    subscription.plan === "paid" && (subscription.stripeAccounts.test || subscription.stripeAccounts.live);
  if (isReady) return <Form accounts={subscription.stripeAccounts} />;
  return (
    <Empty title="Finish the setup first">
      <p>A project needs an active dream-api subscription and a connected Stripe account.</p>
      <Link className="button primary" to="/projects">
        Show the steps
      </Link>
    </Empty>
  );
}

function Form({ accounts }: { accounts: Subscription["stripeAccounts"] }) {
  const create = useCreateProject();
  const [name, setName] = useState("");
  const [projectType, setProjectType] = useState<ProjectType>("saas");
  const [mode, setMode] = useState<Mode>(accounts.test ? "test" : "live");
  const [tiers, setTiers] = useState(() => presets("saas"));
  const [tried, setTried] = useState(false);
  const problems = tiers.map((tier) => problemsOf(tier, projectType));
  const nameProblem = name.trim() ? undefined : "Enter a project name.";
  const isComplete = !nameProblem && problems.every((each) => Object.keys(each).length === 0);

  if (create.data) {
    return (
      <section className="card stack" data-testid="created">
        <h2>{name.trim()} is ready</h2>
        <NewKeys
          publishableKey={create.data.publishableKey}
          secretKey={create.data.secretKey}
          projectType={projectType}
        />
        <Link
          className="button primary start"
          to={`/projects/${create.data.publishableKey}`}
          data-testid="open-project"
        >
          Open project
        </Link>
      </section>
    );
  }

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setTried(true);
    if (!isComplete) return focusFirstProblem(event.currentTarget);
    create.mutate({
      mode,
      projectName: name.trim(),
      projectType,
      tiers: tiers.map((tier) => definitionOf(tier, projectType)),
    });
  };
  const change = (changed: TierDraft) => setTiers(tiers.map((tier) => (tier.id === changed.id ? changed : tier)));
  const noun = projectType === "saas" ? "tier" : "product";

  return (
    <form className="stack" onSubmit={submit} noValidate>
      <section className="card stack">
        <Field
          label="Project name"
          value={name}
          onChange={setName}
          placeholder="Weather API"
          maxLength={100}
          problem={tried ? nameProblem : undefined}
          hint="Your customers see this name when they sign up and pay."
          autoFocus
          required
        />
        <Choice
          legend="What do you sell?"
          value={projectType}
          onChange={(chosen) => {
            setProjectType(chosen);
            setTiers(presets(chosen));
          }}
          options={[
            { value: "saas", title: "Subscriptions", text: "An app or an API, with tiers and monthly limits." },
            { value: "store", title: "Products", text: "A store, with a cart and stock." },
          ]}
        />
        <Choice
          legend="Mode"
          value={mode}
          onChange={setMode}
          options={[
            {
              value: "test",
              title: "Test",
              text: notConnected(accounts.test, "No real money moves."),
              disabled: !accounts.test,
            },
            {
              value: "live",
              title: "Live",
              text: notConnected(accounts.live, "Real customers pay real money."),
              disabled: !accounts.live,
            },
          ]}
        />
      </section>
      <section className="card stack" aria-label={projectType === "saas" ? "Tiers" : "Products"}>
        <h2>{projectType === "saas" ? "Tiers" : "Products"}</h2>
        {tiers.map((tier, index) => (
          <fieldset className="row" key={tier.id} aria-label={tier.displayName || `New ${noun}`}>
            <TierFields
              draft={tier}
              projectType={projectType}
              problems={tried ? (problems[index] ?? {}) : {}}
              onChange={change}
            />
            <button
              type="button"
              className="icon"
              aria-label={`Remove ${tier.displayName || `this ${noun}`}`}
              disabled={tiers.length === 1}
              onClick={() => setTiers(tiers.filter((each) => each.id !== tier.id))}
            >
              ×
            </button>
          </fieldset>
        ))}
        <button
          type="button"
          className="start"
          disabled={tiers.length >= 20}
          onClick={() => setTiers([...tiers, emptyDraft()])}
        >
          Add a {noun}
        </button>
      </section>
      <Failure error={create.error} />
      <div className="actions">
        <button type="submit" className="primary" data-testid="create-project" disabled={create.isPending}>
          {create.isPending ? "Creating…" : "Create project"}
        </button>
        <Link className="button" to="/projects">
          Cancel
        </Link>
      </div>
    </form>
  );
}

const notConnected = (account: string | null, text: string): string =>
  account ? text : "Connect a Stripe account in this mode first.";
