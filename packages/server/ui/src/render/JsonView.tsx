import { memo, useState } from "react";
import type { Json } from "../api/types";

const CHILDREN_SHOWN = 100;
const TEXT_SHOWN = 1000;

interface Props {
  value: Json;
  name?: string;
  openDepth?: number;
}

/** A value as a tree; branches are made when they are opened. */
export function JsonView({ value, name, openDepth = 2 }: Props) {
  return (
    <div className="json">
      <Node value={value} {...(name !== undefined && { name })} depth={0} openDepth={openDepth} />
    </div>
  );
}

const Node = memo(function Node(props: { value: Json; name?: string; depth: number; openDepth: number }) {
  const { value, name, depth, openDepth } = props;
  const [isOpen, setOpen] = useState(depth < openDepth);
  const [shown, setShown] = useState(CHILDREN_SHOWN);
  const label = name !== undefined && <span className="json-key">{name}: </span>;
  if (typeof value !== "object" || value === null) {
    return (
      <div className="json-line">
        {label}
        <Leaf value={value} />
      </div>
    );
  }
  const isList = Array.isArray(value);
  const keys = isList ? value.map((_, n) => String(n)) : Object.keys(value);
  const [left, right] = isList ? ["[", "]"] : ["{", "}"];
  if (!keys.length) {
    return (
      <div className="json-line">
        {label}
        {left}
        {right}
      </div>
    );
  }
  return (
    <div>
      <button
        type="button"
        className="json-line json-open"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <span className="twisty" data-open={isOpen}>
          ▸
        </span>
        {label}
        {left}
        {!isOpen && (
          <span className="muted">
            {" "}
            {keys.length} {isList ? "items" : "fields"} {right}
          </span>
        )}
      </button>
      {isOpen && (
        <div className="json-children">
          {keys.slice(0, shown).map((key) => (
            <Node
              key={key}
              name={key}
              value={(isList ? value[Number(key)] : value[key]) as Json}
              depth={depth + 1}
              openDepth={openDepth}
            />
          ))}
          {keys.length > shown && (
            <button type="button" className="load-all" onClick={() => setShown(shown * 10)}>
              {keys.length - shown} more
            </button>
          )}
        </div>
      )}
      {isOpen && <div className="json-line">{right}</div>}
    </div>
  );
});

function Leaf({ value }: { value: null | boolean | number | string }) {
  const [isWhole, setWhole] = useState(false);
  if (typeof value !== "string") return <span className="json-literal">{String(value)}</span>;
  const isCut = value.length > TEXT_SHOWN && !isWhole;
  return (
    <span className="json-text" dir="auto">
      "{isCut ? value.slice(0, TEXT_SHOWN) : value}"
      {isCut && (
        <button type="button" className="load-all" onClick={() => setWhole(true)}>
          {value.length - TEXT_SHOWN} characters more
        </button>
      )}
    </span>
  );
}
