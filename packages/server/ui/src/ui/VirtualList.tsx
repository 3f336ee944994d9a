import { useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import { type ReactNode, type RefObject, useRef } from "react";

interface Props {
  count: number;
  rowPx: number;
  render: (index: number, top: number) => ReactNode; // rows place themselves: position absolute, top
  keyOf?: (index: number) => string | number;
  scroller?: RefObject<HTMLDivElement | null>;
  className?: string;
}

/** Rows of one height, of which only those in sight exist. Bring its scroller, or it makes one. */
export function VirtualList({ count, rowPx, render, keyOf, scroller, className = "" }: Props) {
  const own = useRef<HTMLDivElement>(null);
  const box = scroller ?? own;
  const virtual = useRows(box, count, rowPx, keyOf);
  const body = (
    <div className="virtual-body" role="presentation" style={{ height: virtual.getTotalSize() }}>
      {virtual.getVirtualItems().map((item) => render(item.index, item.start))}
    </div>
  );
  return scroller ? (
    body
  ) : (
    <div className={className} ref={own}>
      {body}
    </div>
  );
}

/** The virtualizer behind it, for pages that also scroll to a row. */
export function useRows(
  scroller: RefObject<HTMLDivElement | null>,
  count: number,
  rowPx: number,
  keyOf?: (index: number) => string | number,
  before = 0, // pixels of head above the first row, inside the scroller
): Virtualizer<HTMLDivElement, Element> {
  return useVirtualizer<HTMLDivElement, Element>({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    overscan: 8,
    scrollPaddingStart: before,
    ...(keyOf && { getItemKey: keyOf }),
  });
}
