/** A modal dialog. Escape or a click outside closes it, and focus returns to the element that opened it. */

import { type ReactNode, useEffect, useId, useRef } from "react";

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** For content that is shown once: Escape and a click outside do not close the dialog. */
  modalOnly?: boolean;
}

export function Dialog({ title, onClose, children, modalOnly = false }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        if (!modalOnly) onClose();
      }}
      onMouseDown={(event) => {
        if (event.target === dialog.current && !modalOnly) onClose();
      }}
    >
      <div className="dialog">
        <h2 id={heading}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}
