import type { ReactNode } from "react";

/** A page that has nothing else to show: what is the matter, and what to do. */
export function Notice({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <main className="notice">
      <h1>{title}</h1>
      {children}
    </main>
  );
}

/** Over the page while the server does not answer. */
export function Offline() {
  return (
    <div className="offline" role="status">
      The server does not answer. What you see is as it was; it goes on by itself when the server is back.
    </div>
  );
}
