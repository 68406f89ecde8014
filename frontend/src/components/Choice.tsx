/** Radio buttons that look like cards. Arrow keys and screen readers treat them as radio buttons. */

import { type ReactNode, useId } from "react";

interface Option<Value extends string> {
  value: Value;
  title: ReactNode;
  text: string;
  disabled?: boolean;
}

interface Props<Value extends string> {
  legend: string;
  options: Option<Value>[];
  value: Value;
  onChange: (value: Value) => void;
}

export function Choice<Value extends string>({ legend, options, value, onChange }: Props<Value>) {
  const name = useId();
  return (
    <fieldset className="choice">
      <legend>{legend}</legend>
      {options.map((option) => (
        <label key={option.value} className={option.disabled ? "option disabled" : "option"}>
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            disabled={option.disabled ?? false}
            onChange={() => onChange(option.value)}
          />
          <span>
            <strong>{option.title}</strong>
            <small className="muted">{option.text}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
