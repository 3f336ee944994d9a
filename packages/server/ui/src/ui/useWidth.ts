import { useEffect, useRef, useState } from "react";

/** The width of a box, followed as it changes. */
export function useWidth(): [number, (element: HTMLElement | null) => void] {
  const [width, setWidth] = useState(0);
  const observer = useRef<ResizeObserver | null>(null);
  useEffect(() => () => observer.current?.disconnect(), []);
  const box = (element: HTMLElement | null): void => {
    if (!element || observer.current) return;
    observer.current = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width));
    observer.current.observe(element);
  };
  return [width, box];
}
