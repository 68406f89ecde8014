/** A bar chart of the last 30 days. A day without data counts as zero. */

import { shortDay } from "../format";

interface Day {
  date: string;
  value: number;
}

export function BarChart({ title, days, show }: { title: string; days: Day[]; show: (value: number) => string }) {
  const series = lastDays(days, 30);
  const top = Math.max(1, ...series.map((day) => day.value));
  const total = series.reduce((sum, day) => sum + day.value, 0);
  return (
    <figure className="chart card">
      <figcaption>
        <span>
          {title} <small className="muted">last 30 days</small>
        </span>
        <strong>{show(total)}</strong>
      </figcaption>
      <svg
        viewBox="0 0 300 80"
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}: ${show(total)} in the last 30 days`}
      >
        {series.map((day, index) => {
          const height = Math.max((Math.max(0, day.value) / top) * 76, 1);
          return (
            <g key={day.date}>
              <title>{`${shortDay(day.date)}: ${show(day.value)}`}</title>
              <rect className="hover" x={index * 10} y={0} width={10} height={80} />
              <rect
                className={day.value > 0 ? "bar" : "bar none"}
                x={index * 10 + 1.5}
                y={80 - height}
                width={7}
                height={height}
              />
            </g>
          );
        })}
      </svg>
      <div className="axis muted">
        <span>{series[0] && shortDay(series[0].date)}</span>
        <span>Today</span>
      </div>
    </figure>
  );
}

function lastDays(days: Day[], length: number): Day[] {
  const known = new Map(days.map((day) => [day.date, day.value]));
  const today = Date.now();
  return Array.from({ length }, (_, index) => {
    const date = new Date(today - (length - 1 - index) * 86_400_000).toISOString().slice(0, 10);
    return { date, value: known.get(date) ?? 0 };
  });
}
