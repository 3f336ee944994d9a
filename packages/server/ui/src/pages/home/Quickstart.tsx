import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "../../api/client";
import { serverUrl } from "../../base";
import { CopyButton } from "../../ui/copy";
import { toast } from "../../ui/Toast";

/** Runs as it stands: `project` names where its trace goes, null the default. */
export const quickstart = (project: string | null, url: string | null) => `import trailmark
${
  project || url
    ? `
trailmark.configure(${[url && `url="${url}"`, project && `project_name=${JSON.stringify(project)}`].filter(Boolean).join(", ")})`
    : ""
}

@trailmark.track
def answer(question):
    return question.upper()


answer("Hello")
trailmark.flush()
`;

/** The first thing somebody sees: how to record a trace, and that it is waited for. */
export function Quickstart({ project }: { project: string | null }) {
  const code = quickstart(project, serverUrl);
  const client = useQueryClient();
  const load = async () => {
    try {
      await api.loadSamples(project ?? "Samples");
    } catch (error) {
      return toast(`Not loaded: ${(error as Error).message}`, { isError: true });
    }
    await client.invalidateQueries();
  };
  const meta = useQuery({ queryKey: ["meta"], queryFn: ({ signal }) => api.meta(signal) });
  return (
    <div className="notice quickstart">
      <h1>
        <span className="live-dot" aria-hidden="true" /> Waiting for the first trace
      </h1>
      <p>
        Run this anywhere on this machine. The page opens the trace when it arrives. (
        <code>pip install trailmark</code> if it is not there yet.)
      </p>
      <div className="code-box">
        <CopyButton text={() => code} what="quickstart" />
        <pre className="code" id="quickstart">
          {code}
        </pre>
      </div>
      <p>
        <button type="button" onClick={() => void load()}>
          Load sample traces
        </button>{" "}
        <span className="muted">to look around first; delete them with their project.</span>
      </p>
      <dl className="facts facts-column">
        <div>
          <dt>This server</dt>
          <dd>
            <code>TRAILMARK_URL={serverUrl}</code>
          </dd>
        </div>
        {meta.data?.auth && (
          <div>
            <dt>Its key</dt>
            <dd>
              <code>TRAILMARK_API_KEY=…</code>, as <code>trailmark keys create NAME</code> shows it
            </dd>
          </div>
        )}
        <div>
          <dt>OpenTelemetry</dt>
          <dd>
            <code>OTEL_EXPORTER_OTLP_ENDPOINT={serverUrl}</code>
          </dd>
        </div>
        <div>
          <dt>OpenAI, LangChain, LlamaIndex, FastAPI</dt>
          <dd>
            <code>trailmark_openai.instrument()</code> and its like: one line each
          </dd>
        </div>
      </dl>
    </div>
  );
}
