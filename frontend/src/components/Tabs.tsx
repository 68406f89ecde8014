/** Links to the sections of a page. The open one is in sight, however narrow the screen. */

import { useEffect, useRef } from "react";
import { NavLink, useLocation } from "react-router-dom";

export function Tabs({ label, tabs }: { label: string; tabs: { to: string; title: string }[] }) {
  const { pathname } = useLocation();
  const bar = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another path makes another link active.
  useEffect(() => {
    bar.current?.querySelector(".active")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [pathname]);
  return (
    <nav ref={bar} className="tabs" aria-label={label}>
      {tabs.map(({ to, title }) => (
        <NavLink key={to} to={to} end>
          {title}
        </NavLink>
      ))}
    </nav>
  );
}
