import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, type Rows } from "../../api/client";
import { count } from "../../model/format";
import { boundsOf, isRelative } from "../../model/range";
import { TimeChart } from "../../ui/TimeChart";

const BUCKETS = 120;
const AGAIN_MS = 10_000;

interface Props {
  project: string;
  of: Rows;
  q: string;
  t: string;
  live: boolean;
  onRange: (t: string) => void;
}

/** When rows came, errors in front. Drag, or Shift and arrows, to choose a time. */
export function Strip({ project, of, q, t, live, onRange }: Props) {
  const found = useQuery({
    queryKey: ["histogram", of, project, q, t],
    queryFn: ({ signal }) => api.histogram(project, { of, q, ...boundsOf(t), buckets: BUCKETS }, signal),
    placeholderData: keepPreviousData,
    retry: false,
    refetchInterval: live && isRelative(t) ? AGAIN_MS : false,
  });
  if (!found.data) return <div className="strip" />;
  const { t0, step_ms, n, err } = found.data;
  return (
    <div className="strip">
      <TimeChart
        bare
        title={of === "traces" ? "Traces over time" : "Spans over time"}
        from={t0}
        step={step_ms * 1000}
        kind="bars"
        height={36}
        format={count}
        series={[
          { name: "errors", values: err, css: "series-error" },
          { name: "ok", values: n.map((all, at) => all - (err[at] ?? 0)), css: "series-count" },
        ]}
        onRange={(from, to) => onRange(`${Math.round(from)}..${Math.round(to)}`)}
      />
    </div>
  );
}
