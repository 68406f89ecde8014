/** A question above the page. Escape and a click beside it close it; focus goes back to where it came from. */

import { type ReactNode, useEffect, useId, useRef } from "react";

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** For answers that are shown once: closing takes the button. */
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
