const CODE = `import trailmark


@trailmark.track
def answer(question):
    return question.upper()


answer("Hello")`;

/** The first thing somebody sees: how to record a trace. */
export function Empty() {
  return (
    <main className="notice">
      <h1>No traces yet</h1>
      <p>Run a program that records one. This page shows it as it happens.</p>
      <pre className="code">{CODE}</pre>
      <p className="muted">
        Programs on this machine record into the same home without any setting. Others send here with{" "}
        <code>TRAILMARK_URL={window.location.origin}</code>.
      </p>
    </main>
  );
}
