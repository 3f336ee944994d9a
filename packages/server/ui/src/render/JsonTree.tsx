import { type KeyboardEvent, memo, useId, useMemo, useRef, useState } from "react";
import type { Json } from "../api/types";
import { isSecretName, visibleText } from "../model/hygiene";
import { isLarge, type JsonLine, jsonLines, jsonSearch, preview } from "../model/json";
import { copyAndSay } from "../ui/copy";
import { useRows } from "../ui/VirtualList";

const ROW_PX = 20;
const MANY = 60; // members; more get a search field, and rows that exist only in sight
const TALLEST_PX = 480;
const CUT = 400;

interface Props {
  value: Json;
  label: string;
  openDepth?: number;
}

/** A value as a tree of any size: search, keys by the ARIA tree pattern, copy of a value or its path. */
export function JsonTree({ value, label, openDepth }: Props) {
  const large = useMemo(() => isLarge(value, MANY), [value]);
  const depth = openDepth ?? (large ? 2 : 6);
  const [turned, setTurned] = useState<ReadonlyMap<string, boolean>>(new Map());
  const [active, setActive] = useState(0);
  const [asked, setAsked] = useState("");
  const hits = useMemo(() => (asked ? jsonSearch(value, asked) : null), [value, asked]);
  const lines = useMemo(
    () =>
      jsonLines(value, (path, at, size) => {
        const own = turned.get(path);
        if (own !== undefined) return own;
        if (hits?.above.has(path)) return true;
        return at < depth && (size < 2000 || !large);
      }),
    [value, turned, depth, large, hits],
  );
  const turn = (path: string, isOpen: boolean) => setTurned(new Map(turned).set(path, isOpen));
  const hitAt = hits?.found.indexOf(lines[active]?.of ?? "") ?? -1;
  const next = (step: 1 | -1) => {
    if (!hits?.found.length) return;
    const path = hits.found[(hitAt + step + hits.found.length) % hits.found.length];
    setActive(
      Math.max(
        lines.findIndex((line) => line.path === path),
        0,
      ),
    );
  };
  return (
    <div className="json">
      {large && (
        <div className="json-search">
          <input
            type="search"
            aria-label={`Search in ${label}`}
            placeholder="Search in this value"
            value={asked}
            onChange={(event) => setAsked(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter") next(event.shiftKey ? -1 : 1);
            }}
          />
          {hits && (
            <span className="muted">
              {hits.found.length
                ? `${hitAt + 1} of ${hits.found.length}${hits.found.length >= 1000 ? "+" : ""}`
                : "Nothing found"}
            </span>
          )}
        </div>
      )}
      <Lines
        lines={lines}
        label={label}
        active={Math.min(active, lines.length - 1)}
        onActive={setActive}
        onTurn={turn}
        found={hits ? new Set(hits.found) : NONE}
      />
    </div>
  );
}

const NONE: ReadonlySet<string> = new Set();

interface LinesProps {
  lines: JsonLine[];
  label: string;
  active: number;
  found: ReadonlySet<string>;
  onActive: (at: number) => void;
  onTurn: (path: string, isOpen: boolean) => void;
}

function Lines({ lines, label, active, found, onActive, onTurn }: LinesProps) {
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const tall = lines.length * ROW_PX;
  const virtual = useRows(scroller, lines.length, ROW_PX);
  const shownActive = useRef(active);
  if (shownActive.current !== active) {
    shownActive.current = active;
    queueMicrotask(() => virtual.scrollToIndex(active, { align: "auto" }));
  }
  const walk = (event: KeyboardEvent) => {
    const line = lines[active];
    if (!line || event.altKey) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "c" && !window.getSelection()?.toString()) {
      void copyAndSay(asText(line.value), "Value");
      return;
    }
    if (event.ctrlKey || event.metaKey) return;
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, Home: 0, End: lines.length - 1 }[event.key];
    if (to !== undefined) onActive(Math.min(Math.max(to, 0), lines.length - 1));
    else if (event.key === "ArrowRight" && line.isOpen === false) onTurn(line.path, true);
    else if (event.key === "ArrowRight" && line.isOpen) onActive(Math.min(active + 1, lines.length - 1));
    else if (event.key === "ArrowLeft" && line.isOpen) onTurn(line.path, false);
    else if (event.key === "ArrowLeft") onActive(parentOf(lines, active));
    else if (event.key === "Enter" && line.isOpen !== null) onTurn(line.path, !line.isOpen);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      className="json-scroll"
      ref={scroller}
      style={{ height: Math.min(tall, TALLEST_PX) + 2 }}
      role="tree"
      aria-label={label}
      tabIndex={0}
      aria-activedescendant={`${id}-${active}`}
      onKeyDown={walk}
    >
      <div className="virtual-body" role="presentation" style={{ height: tall }}>
        {virtual.getVirtualItems().map((item) => (
          <Line
            key={lines[item.index]?.path}
            line={lines[item.index] as JsonLine}
            id={`${id}-${item.index}`}
            index={item.index}
            isActive={item.index === active}
            isFound={found.has((lines[item.index] as JsonLine).path)}
            onActive={onActive}
            onTurn={onTurn}
          />
        ))}
      </div>
    </div>
  );
}

function parentOf(lines: JsonLine[], at: number): number {
  const depth = lines[at]?.depth ?? 0;
  for (let n = at - 1; n >= 0; n--) if ((lines[n] as JsonLine).depth < depth) return n;
  return 0;
}

interface LineProps {
  line: JsonLine;
  id: string;
  index: number;
  isActive: boolean;
  isFound: boolean;
  onActive: (at: number) => void;
  onTurn: (path: string, isOpen: boolean) => void;
}

const Line = memo(function Line({ line, id, index, isActive, isFound, onActive, onTurn }: LineProps) {
  const [isRevealed, setRevealed] = useState(false);
  const isHidden = line.key !== null && line.kind === "leaf" && isSecretName(line.key) && !isRevealed;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys for all its lines
    <div
      role="treeitem"
      id={id}
      aria-level={line.depth + 1}
      aria-selected={isActive}
      aria-expanded={line.isOpen ?? undefined}
      className={`json-line${isActive ? " active" : ""}${isFound ? " found" : ""}`}
      style={{ transform: `translateY(${index * ROW_PX}px)`, paddingLeft: 4 + Math.min(line.depth, 30) * 14 }}
      onClick={() => {
        onActive(index);
        if (line.isOpen !== null && !window.getSelection()?.toString()) onTurn(line.path, !line.isOpen);
      }}
    >
      <span className="twisty" data-open={line.isOpen === true} aria-hidden="true">
        {line.isOpen === null ? "" : "▸"}
      </span>
      {line.key !== null && <span className="json-key">{visibleText(line.key)}: </span>}
      {isHidden ? (
        <button type="button" className="json-secret" tabIndex={-1} onClick={() => setRevealed(true)}>
          •••••• show
        </button>
      ) : (
        <Shown line={line} />
      )}
      <span className="json-actions">
        <button
          type="button"
          className="quiet"
          tabIndex={-1}
          onClick={(event) => copyOf(event, asText(line.value), "Value")}
        >
          Copy
        </button>
        <button
          type="button"
          className="quiet"
          tabIndex={-1}
          onClick={(event) => copyOf(event, line.of, "Path")}
        >
          Path
        </button>
      </span>
    </div>
  );
});

function copyOf(event: React.MouseEvent, text: string, what: string): void {
  event.stopPropagation();
  void copyAndSay(text, what);
}

function Shown({ line }: { line: JsonLine }) {
  const { value, kind, isOpen, size } = line;
  if (kind === "text") return <span className="json-text">{visibleText(value as string) || " "}</span>;
  if (kind === "leaf") {
    if (typeof value !== "string") return <span className="json-literal">{String(value)}</span>;
    if (isOpen) return <span className="muted">{size.toLocaleString("en")} characters</span>;
    return (
      <span className="json-text" dir="auto">
        {visibleText(JSON.stringify(value.length > CUT ? `${value.slice(0, CUT)}…` : value))}
      </span>
    );
  }
  const [open, close] = kind === "array" ? ["[", "]"] : ["{", "}"];
  return (
    <span className="muted">
      {open}
      {!isOpen && visibleText(preview(value))}
      {isOpen ? "" : close}
      {isOpen && size > 9 && ` ${size}`}
    </span>
  );
}

export const asText = (value: Json): string =>
  typeof value === "string" ? value : JSON.stringify(value, null, 2);
