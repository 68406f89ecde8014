/** Moves the keyboard focus. */

/** Moves the focus to the first invalid input of the form, after the errors are rendered. */
export function focusFirstProblem(form: HTMLFormElement): void {
  requestAnimationFrame(() => form.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
}
