import { useQuery } from "@tanstack/react-query";
import { type Ref, useEffect, useMemo, useRef, useState } from "react";
import { ApiError, api } from "../../api/client";
import type { QueryFault } from "../../api/types";
import { count } from "../../model/format";
import { quoted } from "../../model/paths";
import { type Asked, accepted, askedAt } from "../../model/suggest";
import { Combobox, type Option } from "../../ui/Combobox";
import { remember, rememberedList } from "../../ui/remember";

const HISTORY = 8;

interface Props {
  project: string;
  label?: string;
  value: string;
  onRun: (q: string) => void;
  fieldRef: Ref<HTMLInputElement>;
  fault: QueryFault | null; // of the query in the address
}

interface Suggestion extends Option {
  put: string;
  isWhole: boolean; // replaces everything: from the history
}

/** The filter in the server's own language: it runs as typed on Enter; suggestions come in only when accepted. */
export function FilterBar({ project, label = "Filter traces", value, onRun, fieldRef, fault }: Props) {
  const [typed, setTyped] = useState(value);
  const [asked, setAsked] = useState<Asked>(() => askedAt("", 0));
  const [ownFault, setFault] = useState<QueryFault | null>(null);
  const caret = useRef<number | null>(null);
  const field = useRef<HTMLInputElement | null>(null);
  const runs = useRef({ last: 0, own: null as string | null });
  useEffect(() => {
    // What this bar ran itself is not written back: somebody may have typed on since.
    if (value !== runs.current.own) setTyped(value);
    runs.current.own = null;
    setFault(null);
  }, [value]);
  useEffect(() => {
    if (caret.current === null) return;
    field.current?.setSelectionRange(caret.current, caret.current);
    caret.current = null;
  });
  const suggestions = useSuggestions(project, typed, asked);
  const type = (text: string, at: number) => {
    setTyped(text);
    setFault(null);
    setAsked(askedAt(text, at));
  };
  const accept = (one: Suggestion) => {
    if (one.isWhole) return type(one.put, one.put.length);
    const next = accepted(typed, asked, one.put);
    caret.current = next.caret;
    type(next.text, next.caret);
  };
  const run = async (text: string) => {
    const q = text.trim();
    const number = ++runs.current.last;
    try {
      const { ok, error } = await api.parse(q);
      if (number !== runs.current.last) return; // another one was run meanwhile
      if (!ok && error) return setFault(error);
    } catch (error) {
      if (error instanceof ApiError && error.status !== 0) throw error; // offline: the list says so itself
    }
    if (q)
      remember(
        `history-${project}`,
        JSON.stringify([q, ...history(project).filter((one) => one !== q)].slice(0, HISTORY)),
      );
    runs.current.own = q === value ? null : q;
    onRun(q);
  };
  const shown = ownFault ?? (typed === value ? fault : null);
  return (
    <div className="filter-bar">
      <Combobox<Suggestion>
        label={label}
        placeholder={'Filter: status:error duration>2s model:claude* "refund"   /'}
        value={typed}
        options={suggestions}
        onType={type}
        onAccept={accept}
        onEnter={run}
        onEscape={() => field.current?.blur()}
        inputRef={(element) => {
          field.current = element;
          if (typeof fieldRef === "function") fieldRef(element);
          else if (fieldRef) fieldRef.current = element;
        }}
        invalid={shown !== null}
        {...(shown && { describedBy: "filter-fault" })}
        className="filter-field"
      />
      {shown && <Underline text={typed} fault={shown} />}
      {typed && (
        <button
          type="button"
          className="icon-button filter-clear"
          aria-label="Clear the filter"
          onClick={() => {
            setTyped("");
            onRun("");
          }}
        >
          ✕
        </button>
      )}
      {shown && (
        <p id="filter-fault" className="filter-fault" role="alert">
          {shown.message}
          {shown.expected.length > 0 && (
            <span className="muted"> · expected: {shown.expected.slice(0, 8).join(", ")}</span>
          )}
        </p>
      )}
    </div>
  );
}

const history = (project: string) => rememberedList(`history-${project}`);

/** The same text under the field's, of which only the line below the fault is seen. */
function Underline({ text, fault }: { text: string; fault: QueryFault }) {
  const end = Math.max(fault.end, fault.start + 1);
  return (
    <div className="filter-underline" aria-hidden="true">
      {text.slice(0, fault.start)}
      <span>{text.slice(fault.start, end) || " "}</span>
    </div>
  );
}

function useSuggestions(project: string, typed: string, asked: Asked): Suggestion[] {
  const isValue = asked.kind === "value";
  const fields = useQuery({
    queryKey: ["fields", project],
    queryFn: ({ signal }) => api.fields(project, "", signal),
    staleTime: 60_000,
  });
  const values = useQuery({
    queryKey: ["values", project, asked.field, asked.prefix],
    queryFn: ({ signal }) => api.values(project, asked.field, asked.prefix, signal),
    enabled: isValue,
    retry: false,
    staleTime: 30_000,
  });
  return useMemo(() => {
    if (isValue)
      return (values.data ?? []).map(({ value, n }) => ({
        id: `value ${value}`,
        label: value,
        hint: count(n),
        group: asked.field,
        put: quoted(value),
        isWhole: false,
      }));
    const prefix = asked.prefix.toLowerCase();
    const found = (fields.data ?? []).filter((field) => field.name.toLowerCase().startsWith(prefix));
    const before = typed.trim() ? [] : history(project);
    return [
      ...before.map((q) => ({ id: `history ${q}`, label: q, group: "Before", put: q, isWhole: true })),
      ...found.slice(0, 40).map((field) => ({
        id: `field ${field.name}`,
        label: field.name,
        hint: field.n === null ? field.type : `${field.type} · ${count(field.n)}`,
        group: "Fields",
        put: field.name,
        isWhole: false,
      })),
    ];
  }, [isValue, values.data, fields.data, asked, typed, project]);
}
