import { type ReactNode, useEffect, useState } from "react";
import { ApiError } from "../api/client";
import { copyAndSay } from "./copy";

const PATIENCE_MS = 150;

/** A page that has nothing else to show: what is the matter, and what to do. */
export function Notice({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="notice">
      <h1>{title}</h1>
      {children}
    </div>
  );
}

/** Bars where rows will be; only when it takes longer than a blink. */
export function Loading({ rows = 8 }: { rows?: number }) {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="loading" role="status" aria-label="Loading">
      {isLate &&
        Array.from({ length: rows }, (_, n) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: bars are all alike
          <div key={n} className={`loading-bar loading-${n % 4}`} />
        ))}
    </div>
  );
}

/** What failed, and a way on. */
export function Failed({ what, error, onRetry }: { what: string; error: Error; onRetry?: () => void }) {
  const status = error instanceof ApiError && error.status ? `HTTP ${error.status}` : null;
  const details = [what, status, error.message].filter(Boolean).join("\n");
  return (
    <div className="notice" role="alert">
      <h1>{what}</h1>
      <p>
        {error.message} {status && <span className="muted">{status}</span>}
      </p>
      <div className="actions">
        {onRetry && (
          <button type="button" onClick={onRetry}>
            Try again
          </button>
        )}
        <button type="button" onClick={() => copyAndSay(details, "Details")}>
          Copy details
        </button>
      </div>
    </div>
  );
}

/** Over a page that keeps what it had. */
export function Banner({ children }: { children: ReactNode }) {
  return (
    <div className="banner" role="status">
      {children}
    </div>
  );
}

export function Offline() {
  return (
    <Banner>
      The server does not answer. What you see is as it was; it goes on by itself when the server is back.
    </Banner>
  );
}
