/** Provides the signed-in developer to all components. */

import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { type Clerk, type ClerkUser, clerk } from "./clerk";

type Session =
  | { state: "loading" }
  | { state: "failed"; message: string }
  | { state: "signed out"; clerk: Clerk }
  | { state: "signed in"; clerk: Clerk; user: ClerkUser };

const SessionContext = createContext<Session>({ state: "loading" });

export function SessionProvider({ children }: { children: ReactNode }) {
  const [session, setSession] = useState<Session>({ state: "loading" });
  useEffect(() => {
    let stop = () => {};
    let left = false;
    clerk().then(
      (library) => {
        const show = () => {
          if (library.user === undefined) return; // Clerk is switching sessions.
          setSession(
            library.user
              ? { state: "signed in", clerk: library, user: library.user }
              : { state: "signed out", clerk: library },
          );
        };
        show();
        if (!left) stop = library.addListener(show);
      },
      (error: Error) => setSession({ state: "failed", message: error.message }),
    );
    return () => {
      left = true;
      stop();
    };
  }, []);
  return <SessionContext.Provider value={session}>{children}</SessionContext.Provider>;
}

export function useSession(): Session {
  return useContext(SessionContext);
}
