import {
  type CSSProperties,
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useRef,
  useState,
} from "react";
import { remember, remembered } from "./remember";

interface Props {
  name: string; // the width is remembered under it
  left: ReactNode;
  right: ReactNode;
  initial?: number; // share of the left side
}

const LOW = 0.2;
const HIGH = 0.85;

/** Two panes and a handle between them: by mouse, or by the arrow keys while it has the focus. */
export function Split({ name, left, right, initial = 0.6 }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [share, setShare] = useState(() => Number(remembered(`split-${name}`)) || initial);
  const move = (next: number) => {
    const bounded = Math.min(Math.max(next, LOW), HIGH);
    setShare(bounded);
    remember(`split-${name}`, String(bounded));
  };
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId) || !box.current) return;
    const { left: from, width } = box.current.getBoundingClientRect();
    move((event.clientX - from) / width);
  };
  const press = (event: KeyboardEvent) => {
    const to = { ArrowLeft: share - 0.02, ArrowRight: share + 0.02, Home: LOW, End: HIGH }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(to);
  };
  return (
    <div className="split" ref={box} style={{ "--share": share } as CSSProperties}>
      {left}
      <div
        role="separator"
        tabIndex={0}
        aria-label="Width of the panes"
        aria-orientation="vertical"
        aria-valuenow={Math.round(share * 100)}
        aria-valuemin={LOW * 100}
        aria-valuemax={HIGH * 100}
        className="split-handle"
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={drag}
        onDoubleClick={() => move(initial)}
        onKeyDown={press}
      />
      {right}
    </div>
  );
}
