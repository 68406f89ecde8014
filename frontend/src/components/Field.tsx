/** A labelled input with a hint or an error message. */

import { type InputHTMLAttributes, useId } from "react";

interface Props extends Omit<InputHTMLAttributes<HTMLInputElement>, "onChange" | "value" | "id"> {
  label: string;
  value: string;
  onChange: (value: string) => void;
  hint?: string;
  problem?: string | undefined;
  before?: string;
}

export function Field({ label, value, onChange, hint, problem, before, ...input }: Props) {
  const id = useId();
  const note = problem ?? hint;
  return (
    <div className={problem ? "field wrong" : "field"}>
      <label htmlFor={id}>{label}</label>
      <div className="control">
        {before && <span aria-hidden="true">{before}</span>}
        <input
          {...input}
          id={id}
          value={value}
          aria-invalid={problem !== undefined}
          aria-describedby={note ? `${id}-note` : undefined}
          onChange={(event) => onChange(event.target.value)}
        />
      </div>
      {note && (
        <small id={`${id}-note`} className={problem ? "problem" : "muted"}>
          {note}
        </small>
      )}
    </div>
  );
}
