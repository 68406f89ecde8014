/** Links to the sections of a page. The active link is scrolled into view on a narrow screen. */

import { useEffect, useRef } from "react";
import { NavLink, useLocation } from "react-router-dom";

export function Tabs({ label, tabs }: { label: string; tabs: { to: string; title: string }[] }) {
  const { pathname } = useLocation();
  const bar = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the active link changes with the path.
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
