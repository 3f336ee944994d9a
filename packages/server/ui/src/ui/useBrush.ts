import { type KeyboardEvent, type PointerEvent, useState } from "react";
import type { Binding } from "./keys";

/** For the help: a chart in focus takes these itself. */
export const CHART_KEYS: Binding[] = [
  { keys: "Shift+ArrowLeft|Shift+ArrowRight", label: "Choose a time on a chart" },
];

interface Brush {
  points: number;
  gutter: number; // px before the first bucket
  at: number | null; // the bucket one is at
  onAt: (bucket: number | null) => void;
  onChoose: ((first: number, last: number) => void) | undefined;
}

/** Buckets of a chart chosen by dragging, or by arrows with Shift and Enter; `chosen` is first and last. */
export function useBrush({ points, gutter, at, onAt, onChoose }: Brush) {
  const [ends, setEnds] = useState<[begun: number, now: number] | null>(null);
  const chosen: [number, number] | null = ends && [Math.min(...ends), Math.max(...ends)];
  const within = (bucket: number) => Math.min(Math.max(bucket, 0), points - 1);
  const bucketAt = (event: PointerEvent<SVGSVGElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    return within(Math.floor(((event.clientX - left - gutter) / Math.max(width - gutter, 1)) * points));
  };
  const apply = (range: [number, number] | null) => {
    setEnds(null);
    if (range) onChoose?.(...range);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const here = within(at ?? points - 1);
    const moves: Record<string, number> = {
      ArrowLeft: here - 1,
      ArrowRight: here + 1,
      Home: 0,
      End: points - 1,
    };
    const to = moves[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || !points) return;
    if (to !== undefined) {
      onAt(within(to));
      setEnds(event.shiftKey ? [ends?.[0] ?? here, within(to)] : null);
    } else if (event.key === "Enter") apply(chosen ?? [here, here]);
    else if (event.key === "Escape" && ends) setEnds(null);
    else return;
    event.preventDefault();
  };
  if (!onChoose) {
    const onPointerMove = (event: PointerEvent<SVGSVGElement>) => onAt(bucketAt(event));
    return { chosen, handlers: { onPointerMove, onPointerLeave: () => onAt(null) } };
  }
  const handlers = {
    onPointerDown: (event: PointerEvent<SVGSVGElement>) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      setEnds([bucketAt(event), bucketAt(event)]);
    },
    onPointerMove: (event: PointerEvent<SVGSVGElement>) => {
      onAt(bucketAt(event));
      if (ends && event.buttons) setEnds([ends[0], bucketAt(event)]);
    },
    onPointerUp: () => apply(chosen),
    onPointerCancel: () => setEnds(null),
    onPointerLeave: () => !ends && onAt(null),
    onKeyDown,
    onBlur: () => {
      setEnds(null);
      onAt(null);
    },
  };
  return { chosen, handlers };
}
