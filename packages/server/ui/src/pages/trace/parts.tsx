import { type ReactNode, useMemo, useState } from "react";
import { Link } from "wouter";
import type { Attachment, ErrorInfo, Json, SpanDetail } from "../../api/types";
import { base } from "../../base";
import { callNames, parametersOf } from "../../model/chat";
import { bytes, cost } from "../../model/format";
import { isSecretName, visibleText } from "../../model/hygiene";
import { quoted, tracesPath } from "../../model/paths";
import { Chat } from "../../render/Chat";
import { asText, JsonTree } from "../../render/JsonTree";
import { documentIn, Preview } from "../../render/Preview";
import { Text } from "../../render/Text";
import { Value } from "../../render/Value";
import { CopyButton } from "../../ui/copy";

/** The parts that the panes of a trace and of a span are made of. */

export function Section({ title, copy, children }: { title: string; copy?: Json; children: ReactNode }) {
  return (
    <section className="section">
      <h3>
        {title}
        {copy !== null && copy !== undefined && (
          <CopyButton text={() => asText(copy)} what={title.toLowerCase()} />
        )}
      </h3>
      {children}
    </section>
  );
}

type Told = Pick<SpanDetail, "input" | "output" | "error" | "status"> & {
  truncated?: Record<string, number>;
  trace_id?: string;
  id?: string;
};

interface InputOutputProps {
  of: Told;
  isRaw: boolean;
  onAll?: () => void;
}

export function InputOutput({ of, isRaw, onAll }: InputOutputProps) {
  return (
    <>
      {of.error && <ErrorLine error={of.error} />}
      {(["input", "output"] as const).map((side) => (
        <Section key={side} title={side === "input" ? "Input" : "Output"} copy={of[side]}>
          {of[side] === null || of[side] === undefined ? (
            <p className="muted">
              {side === "output" && of.status === "running" ? "Not yet: it still runs." : "Nothing recorded."}
            </p>
          ) : (
            <Value value={of[side]} label={side} isRaw={isRaw || of.truncated?.[side] !== undefined} />
          )}
          <Cut size={of.truncated?.[side]} onAll={onAll} />
          <SidePreview of={of} side={side} />
        </Section>
      ))}
    </>
  );
}

/** Only a span has an address to look at a document of it. */
function SidePreview({ of, side }: { of: Told; side: "input" | "output" }) {
  const path = of.trace_id && of.id ? documentIn(of[side], side) : null;
  return path && of.trace_id && of.id ? <Preview traceId={of.trace_id} spanId={of.id} path={path} /> : null;
}

function Cut({ size, onAll }: { size: number | undefined; onAll: (() => void) | undefined }) {
  if (size === undefined || !onAll) return null;
  return (
    <button type="button" className="load-all" onClick={onAll}>
      Cut here. Load all ({bytes(size)})
    </button>
  );
}

type Talk = Told & Pick<SpanDetail, "messages" | "params">;

export function ChatTab({ of, isRaw, onAll }: { of: Talk; isRaw: boolean; onAll?: () => void }) {
  const messages = of.messages ?? [];
  return (
    <div className="section">
      {of.error && <ErrorLine error={of.error} />}
      <Chat
        asked={messages.filter((message) => message.side === "input")}
        answered={messages.filter((message) => message.side === "output")}
        names={callNames(messages)}
        {...parametersOf(of.params)}
        isRaw={isRaw}
        isRunning={of.status === "running"}
      />
      <Cut size={of.truncated?.messages} onAll={onAll} />
    </div>
  );
}

export function ErrorLine({ error }: { error: ErrorInfo }) {
  return (
    <div className="error-line" role="note">
      <strong>{visibleText(error.type)}</strong> {visibleText(error.message ?? "")}
    </div>
  );
}

/** The message, and the stack with the app's own frames in the foreground. */
export function ErrorTab({ error }: { error: ErrorInfo }) {
  const [isAll, setAll] = useState(false);
  const text = error.traceback ?? "";
  const frames = framesOf(text);
  const places = frames.filter((frame) => frame.isPlace);
  const own = places.filter((frame) => !frame.isLibrary).length;
  const hasBoth = own > 0 && own < places.length;
  return (
    <div className="section">
      <ErrorLine error={error} />
      {text && (
        <>
          <h3>
            Traceback
            <CopyButton text={() => text} what="traceback" />
            {hasBoth && (
              <button type="button" className="quiet" aria-pressed={isAll} onClick={() => setAll(!isAll)}>
                {isAll ? "Only the app's frames" : `All ${places.length} frames`}
              </button>
            )}
          </h3>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys */}
          <pre className="code traceback" tabIndex={0}>
            {frames
              .filter((frame) => isAll || !hasBoth || !frame.isLibrary)
              .map((frame, n) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a stack's frames are their order
                <span key={n} className={frame.isLibrary ? "frame frame-library" : "frame"}>
                  {visibleText(frame.text)}
                </span>
              ))}
          </pre>
        </>
      )}
    </div>
  );
}

interface StackFrame {
  text: string;
  isPlace: boolean; // a line of a file; not the words before and after
  isLibrary: boolean;
}

function framesOf(traceback: string): StackFrame[] {
  const frames: StackFrame[] = [];
  for (const line of traceback.trimEnd().split("\n")) {
    const isFrame = /^\s+File "/.test(line);
    const last = frames.at(-1);
    if (isFrame || !last || !/^\s/.test(line))
      frames.push({
        text: `${line}\n`,
        isPlace: isFrame,
        isLibrary: isFrame && /site-packages|dist-packages|lib\/python\d|<frozen/.test(line),
      });
    else last.text += `${line}\n`;
  }
  return frames;
}

/** Metadata as a table one can search and filter the list by; what is nested stays a tree. */
export function Metadata({ value, project }: { value: Json; project: string }) {
  const [asked, setAsked] = useState("");
  const isFields = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isFields)
    return value === null ? (
      <p className="pane-note">No metadata.</p>
    ) : (
      <JsonTree value={value} label="metadata" />
    );
  const names = Object.keys(value);
  if (!names.length) return <p className="pane-note">No metadata.</p>;
  const word = asked.toLowerCase();
  const shown = names.filter(
    (name) =>
      !word ||
      name.toLowerCase().includes(word) ||
      asText(value[name] ?? null)
        .toLowerCase()
        .includes(word),
  );
  return (
    <div className="section">
      {names.length > 8 && (
        <input
          type="search"
          aria-label="Search metadata"
          placeholder="Search metadata"
          value={asked}
          onChange={(event) => setAsked(event.target.value)}
        />
      )}
      <table className="plain metadata">
        <tbody>
          {shown.map((name) => (
            <MetadataRow key={name} name={name} value={value[name] ?? null} project={project} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function MetadataRow({ name, value, project }: { name: string; value: Json; project: string }) {
  const [isShown, setShown] = useState(!isSecretName(name));
  const isPlain = typeof value !== "object" || value === null;
  const canFilter = isPlain && value !== null && /^[\w\-.]+$/.test(name) && String(value).length < 200;
  return (
    <tr>
      <th scope="row">{visibleText(name)}</th>
      <td>
        {!isShown ? (
          <button type="button" className="quiet" onClick={() => setShown(true)}>
            •••••• show
          </button>
        ) : isPlain ? (
          <Text text={value === null ? "null" : String(value)} />
        ) : (
          <JsonTree value={value} label={name} openDepth={1} />
        )}
      </td>
      <td className="row-actions">
        {canFilter && isShown && (
          <Link
            href={tracesPath(project, `metadata.${name}:${quoted(String(value))}`)}
            className="button quiet"
            title="Traces with this value"
          >
            Filter
          </Link>
        )}
      </td>
    </tr>
  );
}

const PARTS: Record<string, string> = {
  input: "Input",
  input_cached: "Input, from cache",
  input_cache_write: "Input, written to cache",
  input_audio: "Input, audio",
  output: "Output",
  output_reasoning: "Output, reasoning",
  output_audio: "Output, audio",
};

/** Tokens by part, each with its share, the cost, and what the provider said. */
export function Usage({ span }: { span: SpanDetail }) {
  const parts = Object.entries(span.usage ?? {});
  const total = parts.reduce((sum, [, tokens]) => sum + tokens, 0);
  return (
    <div className="section">
      <table className="plain usage">
        <tbody>
          {parts.map(([part, tokens]) => (
            <tr key={part}>
              <th scope="row">{PARTS[part] ?? part}</th>
              <td className="number">{tokens.toLocaleString("en")}</td>
              <td className="usage-share">
                <span
                  className={part.startsWith("output") ? "share share-out" : "share"}
                  style={{ width: `${(tokens / Math.max(total, 1)) * 100}%` }}
                />
              </td>
            </tr>
          ))}
          <tr className="total">
            <th scope="row">Together</th>
            <td className="number">{total.toLocaleString("en")}</td>
            <td />
          </tr>
          <tr className="total">
            <th scope="row">Cost</th>
            <td className="number">{span.cost === null ? "unpriced" : cost(span.cost)}</td>
            <td className="muted">
              {span.cost === null && span.model ? `No price is known for ${visibleText(span.model)}` : ""}
            </td>
          </tr>
        </tbody>
      </table>
      {span.usage_raw !== null && (
        <Section title="As the provider said it" copy={span.usage_raw}>
          <JsonTree value={span.usage_raw} label="usage" />
        </Section>
      )}
    </div>
  );
}

const SHOWN_TYPES = /^(image\/(png|jpeg|gif|webp|avif|bmp))$/;
const HEARD_TYPES = /^audio\//;

export function Files({ files }: { files: Attachment[] }) {
  return (
    <ul className="files section">
      {files.map((file) => {
        const url = `${base}/api/v1/files/${file.id}`;
        return (
          <li key={file.id}>
            <a href={url} download={file.name}>
              {visibleText(file.name)}
            </a>{" "}
            <span className="muted">
              {file.content_type} · {bytes(file.size)}
            </span>
            {SHOWN_TYPES.test(file.content_type) && (
              <img src={url} alt={file.name} className="inline-image" loading="lazy" />
            )}
            {/* biome-ignore lint/a11y/useMediaCaption: a recording has none */}
            {HEARD_TYPES.test(file.content_type) && <audio controls src={url} />}
          </li>
        );
      })}
    </ul>
  );
}

const RAW_MAX = 1_000_000;

/** Everything as the server says it; a large one is only offered. */
export function Raw({ value, name }: { value: Json; name: string }) {
  const text = useMemo(() => JSON.stringify(value, null, 2), [value]);
  const save = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `${name}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  return (
    <div className="section">
      <h3>
        JSON <span className="muted">{bytes(text.length)}</span>
        <CopyButton text={() => text} what="JSON" />
        <button type="button" className="quiet" onClick={save}>
          Download
        </button>
      </h3>
      {text.length <= RAW_MAX ? (
        <Text text={text} isCode />
      ) : (
        <p className="muted">Too large to show; copy or download it.</p>
      )}
    </div>
  );
}
