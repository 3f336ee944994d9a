import { memo } from "react";
import type { Status as StatusName } from "../../api/types";
import { count, duration } from "../../model/format";
import { kindOf } from "../../model/kinds";
import { Status } from "../../ui/Status";

export const ROW_PX = 24;
const INDENT_PX = 14;
const DEEPEST = 24;

/** Only plain values, so that a row is drawn again only when something of it changed. */
export interface TreeRowProps {
  place: number;
  top: number;
  id: string;
  name: string;
  type: string;
  status: StatusName;
  mark: string; // what is odd about it, as words
  depth: number;
  fold: "none" | "open" | "closed";
  isSelected: boolean;
  isMatch: boolean;
  isDim: boolean;
  model: string;
  tokens: number;
  cost: string;
  below: number; // spans under a closed row
  errorsBelow: number;
  scores: number;
  left: number; // shares of the waterfall's width
  width: number;
  ttft: number; // share, or -1
  took: number; // µs, -1 without a bar
  hasWaterfall: boolean;
  onSelect: (place: number) => void;
  onTurn: (place: number, close: boolean) => void;
}

export const TreeRow = memo(function TreeRow(props: TreeRowProps) {
  const { place, top, depth, fold, isSelected } = props;
  const classes = ["tree-row", isSelected && "selected", props.isMatch && "match", props.isDim && "dim"];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys for all its rows
    <div
      role="treeitem"
      id={`row-${place}`}
      aria-level={depth + 1}
      aria-selected={isSelected}
      aria-expanded={fold === "none" ? undefined : fold === "open"}
      className={classes.filter(Boolean).join(" ")}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => props.onSelect(place)}
    >
      <NameCell {...props} />
      {props.hasWaterfall && <TimeCell {...props} />}
    </div>
  );
});

function NameCell(props: TreeRowProps) {
  const { place, depth, fold, status } = props;
  const kind = kindOf(props.type);
  return (
    <span className="tree-name" style={{ paddingLeft: 6 + Math.min(depth, DEEPEST) * INDENT_PX }}>
      {depth > DEEPEST && <span className="depth">{depth}</span>}
      <button
        type="button"
        className="twisty"
        tabIndex={-1}
        aria-hidden="true"
        data-open={fold === "open"}
        onClick={(event) => {
          event.stopPropagation();
          if (fold !== "none") props.onTurn(place, fold === "open");
        }}
      >
        {fold === "none" ? "" : "▸"}
      </button>
      <span className={`kind kind-${kind.css}`} title={props.type}>
        {kind.letter}
      </span>
      <span className={status === "error" ? "tree-label label-error" : "tree-label"}>
        {props.name || "(no name)"}
      </span>
      {status !== "ok" && <Status status={status} />}
      {props.mark && (
        <span className="tree-mark" title={props.mark}>
          ⚠<span className="sr-only">{props.mark}</span>
        </span>
      )}
      {fold === "closed" && <span className="badge">{count(props.below)}</span>}
      {fold === "closed" && props.errorsBelow > 0 && (
        <span className="badge badge-error">{props.errorsBelow} err</span>
      )}
      <span className="tree-facts">
        {props.scores > 0 && (
          <span title={`${props.scores} scores`}>★{props.scores > 1 ? props.scores : ""}</span>
        )}
        {props.model && <span className="tree-model">{props.model}</span>}
        {props.cost && <span>{props.cost}</span>}
        {props.tokens > 0 && <span className="tree-tokens">{count(props.tokens)}</span>}
        {!props.hasWaterfall && props.took >= 0 && (
          <span className="tree-tokens">{duration(props.took)}</span>
        )}
      </span>
    </span>
  );
}

function TimeCell({ left, width, ttft, took, status, type }: TreeRowProps) {
  if (took < 0) return <span className="tree-time" />;
  const right = left + width;
  if (right <= 0) return <span className="tree-time off-left">◂ {duration(took)}</span>;
  if (left >= 1) return <span className="tree-time off-right">{duration(took)} ▸</span>;
  const [from, to] = [Math.max(left, 0), Math.min(right, 1)];
  const where = to < 0.84 ? "after" : from > 0.16 ? "before" : "inside";
  const percent = (share: number) => `${(share * 100).toFixed(3)}%`;
  return (
    <span className="tree-time">
      <span
        className={`bar kind-${kindOf(type).css} bar-${status}`}
        style={{ left: percent(from), width: percent(to - from) }}
      />
      {ttft > from && ttft < to && <span className="ttft" style={{ left: percent(ttft) }} />}
      <span
        className={`bar-label bar-label-${where}`}
        style={
          where === "after"
            ? { left: percent(to) }
            : { right: percent(where === "before" ? 1 - from : 1 - to) }
        }
      >
        {status === "interrupted" ? "no end" : `${status === "running" ? "running " : ""}${duration(took)}`}
      </span>
    </span>
  );
}
