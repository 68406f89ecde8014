/** Where the keyboard goes. */

/** To the first input of the form that has a problem, once it is shown. */
export function focusFirstProblem(form: HTMLFormElement): void {
  requestAnimationFrame(() => form.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
}
