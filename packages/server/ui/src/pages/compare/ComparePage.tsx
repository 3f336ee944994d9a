import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { ApiError, api } from "../../api/client";
import type { Compared, TraceDetail } from "../../api/types";
import { differing, nextDifference, rowOfSpan } from "../../model/compare";
import { visibleText } from "../../model/hygiene";
import { pastedId } from "../../model/paths";
import { choice, text } from "../../model/url";
import type { PageProps } from "../../routes";
import { announce } from "../../ui/Announcer";
import { useKeys } from "../../ui/keys";
import { Split } from "../../ui/Split";
import { Failed, Loading, Notice } from "../../ui/States";
import { useUrlState } from "../../ui/useUrlState";
import { CompareHead } from "./CompareHead";
import { CompareTree } from "./CompareTree";
import { PairPane } from "./PairPane";
import "./compare.css";

const COMPARE_STATE = {
  a: text(),
  b: text(),
  span: text(), // a span of either side
  only: choice(["", "diff"] as const, ""),
};
const ROWS = 20_000;

/** Two traces beside each other: what is the same, what changed, what only one of them has. */
export default function ComparePage({ project }: PageProps) {
  const [state, set] = useUrlState(COMPARE_STATE);
  const { a, b } = state;
  useEffect(() => {
    document.title = `Compare · ${project} · trailmark`;
  }, [project]);
  const found = useQuery({
    queryKey: ["compare", a, b],
    queryFn: async ({ signal }) => {
      const [rows, left, right] = await Promise.all([
        api.compare(a, b, signal),
        api.trace(a, { limit: ROWS }, signal),
        api.trace(b, { limit: ROWS }, signal),
      ]);
      return { rows, left, right };
    },
    enabled: a !== "" && b !== "",
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!a || !b) return <Choose a={a} b={b} onChoose={(next) => set(next, "push")} />;
  if (found.error instanceof ApiError && found.error.status === 404)
    return (
      <Notice title="No such trace">
        <p className="muted">{visibleText(found.error.message)}</p>
        <button type="button" onClick={() => set({ a: "", b: "" }, "push")}>
          Choose others
        </button>
      </Notice>
    );
  if (found.isError)
    return (
      <Failed what="The traces cannot be compared" error={found.error} onRetry={() => found.refetch()} />
    );
  if (!found.data) return <Loading rows={16} />;
  return <Both key={`${a} ${b}`} {...found.data} project={project} state={state} set={set} />;
}

interface BothProps {
  project: string;
  rows: Compared;
  left: TraceDetail;
  right: TraceDetail;
  state: ReturnType<typeof useUrlState<typeof COMPARE_STATE>>[0];
  set: ReturnType<typeof useUrlState<typeof COMPARE_STATE>>[1];
}

function Both({ project, rows: compared, left, right, state, set }: BothProps) {
  const { rows } = compared;
  const isOnly = state.only === "diff";
  const shown = useMemo(() => (isOnly ? differing(rows) : rows.map((_, n) => n)), [rows, isOnly]);
  const fromUrl = rowOfSpan(rows, left.cols, right.cols, state.span);
  const at = fromUrl >= 0 ? fromUrl : (nextDifference(rows, -1, 1) ?? 0);
  const choose = (row: number | null) => {
    const one = row === null ? undefined : rows[row];
    if (!one) return announce("No more differences");
    const id = one.a !== null ? left.cols.id[one.a] : one.b !== null ? right.cols.id[one.b] : "";
    set({ span: id ?? "" });
  };
  const step = (by: number) => choose(shown[shown.indexOf(at) + by] ?? null);
  useKeys("Compare", [
    { keys: "j|ArrowDown", label: "Next row", run: () => step(1) },
    { keys: "k|ArrowUp", label: "Previous row", run: () => step(-1) },
    { keys: "d", label: "Next difference", run: () => choose(nextDifference(rows, at, 1)) },
    { keys: "D", label: "Previous difference", run: () => choose(nextDifference(rows, at, -1)) },
    { keys: "o", label: "Only what differs, or all", run: () => set({ only: isOnly ? "" : "diff" }) },
    { keys: "x", label: "Exchange A and B", run: () => set({ a: state.b, b: state.a }, "push") },
  ]);
  const differences = rows.filter((row) => row.state !== "same").length;
  return (
    <div className="compare">
      <CompareHead
        project={project}
        left={left}
        right={right}
        totals={compared.totals}
        differences={differences}
        isOnly={isOnly}
        onOnly={() => set({ only: isOnly ? "" : "diff" })}
        onExchange={() => set({ a: state.b, b: state.a }, "push")}
      />
      <Split
        name="compare"
        initial={0.48}
        left={
          <CompareTree rows={rows} shown={shown} a={left.cols} b={right.cols} at={at} onChoose={choose} />
        }
        right={rows[at] && <PairPane row={rows[at]} left={left} right={right} project={project} />}
      />
    </div>
  );
}

interface ChooseProps {
  a: string;
  b: string;
  onChoose: (ids: { a: string; b: string }) => void;
}

function Choose({ a, b, onChoose }: ChooseProps) {
  const [first, setFirst] = useState(a);
  const [second, setSecond] = useState(b);
  const ids = { a: pastedId(first) ?? "", b: pastedId(second) ?? "" };
  return (
    <Notice title="Which two traces?">
      <p className="muted">
        In the list, choose two with <kbd>x</kbd> and press <kbd>C</kbd>; or paste their ids or addresses
        here.
      </p>
      <form
        className="compare-choose"
        onSubmit={(event) => {
          event.preventDefault();
          onChoose(ids);
        }}
      >
        <label>
          A <input type="text" value={first} onChange={(event) => setFirst(event.target.value)} />
        </label>
        <label>
          B <input type="text" value={second} onChange={(event) => setSecond(event.target.value)} />
        </label>
        <button type="submit" disabled={!ids.a || !ids.b}>
          Compare
        </button>
      </form>
    </Notice>
  );
}
