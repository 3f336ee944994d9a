import { useState } from "react";
import type { Json, Message, Part } from "../api/types";
import { base } from "../base";
import { sourceOf, toolName, toolValue } from "../model/chat";
import { safeHref, visibleText } from "../model/hygiene";
import { CopyButton, copyAndSay } from "../ui/copy";
import { asText, JsonTree } from "./JsonTree";
import { looksLikeMarkdown, Markdown } from "./Markdown";
import { Text } from "./Text";

const EARLIER = 6; // messages of the request that stay in sight
const FOLDED_CHARS = 320;

interface ChatProps {
  asked: Message[];
  answered: Message[];
  tools: Json[];
  parameters: { [key: string]: Json };
  names: Map<string, string>; // of tools by call id
  isRaw: boolean;
  isRunning: boolean;
}

/** A request and its answer as a conversation. The history before the last messages folds to one line. */
export function Chat({ asked, answered, tools, parameters, names, isRaw, isRunning }: ChatProps) {
  const [isWhole, setWhole] = useState(asked.length <= EARLIER + 2);
  const isLead = (message: Message) => ["system", "developer"].includes(message.role);
  const lead = asked.findIndex((message) => !isLead(message));
  const from = Math.max(lead < 0 ? asked.length : lead, 0);
  const hidden = isWhole ? 0 : Math.max(asked.length - from - EARLIER, 0);
  const shown = asked.map((message, n) => ({ message, n })).filter(({ n }) => n < from || n >= from + hidden);
  const names_ = Object.keys(parameters);
  return (
    <>
      {(names_.length > 0 || tools.length > 0) && (
        <div className="chat-parameters">
          {names_.slice(0, 8).map((name) => (
            <span key={name} className="parameter" title={asText(parameters[name] ?? null).slice(0, 400)}>
              <span className="muted">{name}</span> {short(parameters[name] ?? null)}
            </span>
          ))}
          {tools.length > 0 && <Tools tools={tools} />}
        </div>
      )}
      <ol className="chat">
        {shown.map(({ message, n }) => (
          <li key={n}>
            {n === from + hidden && hidden > 0 && (
              <button type="button" className="earlier" onClick={() => setWhole(true)}>
                {hidden} earlier messages
              </button>
            )}
            <ChatMessage message={message} names={names} isRaw={isRaw} isFolded={isLead(message)} />
          </li>
        ))}
        {answered.map((message, n) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the order of messages is their identity
          <li key={`answer ${n}`} className="answer">
            <ChatMessage message={message} names={names} isRaw={isRaw} isFolded={false} />
          </li>
        ))}
        {isRunning && (
          <li>
            <span className="caret" role="img" aria-label="still running" />
          </li>
        )}
      </ol>
    </>
  );
}

const short = (value: Json): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
};

function Tools({ tools }: { tools: Json[] }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {tools.length} {tools.length === 1 ? "tool" : "tools"} offered
      </button>
      {isOpen && (
        <div className="chat-tools">
          {tools.map((tool, n) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: tools may share a name
            <details key={n}>
              <summary>{visibleText(toolName(tool))}</summary>
              <JsonTree value={tool} label={toolName(tool)} openDepth={3} />
            </details>
          ))}
        </div>
      )}
    </>
  );
}

interface MessageProps {
  message: Message;
  names: Map<string, string>;
  isRaw: boolean;
  isFolded: boolean;
}

function ChatMessage({ message, names, isRaw, isFolded }: MessageProps) {
  const { role, parts } = message;
  const text = () => parts.map(partText).join("\n\n");
  const isLong = isFolded && text().length > FOLDED_CHARS;
  const [isOpen, setOpen] = useState(!isLong);
  return (
    <article className={`message role-${role.replace(/\W/g, "")}`}>
      <header className="message-head">
        <span className="role">{visibleText(role)}</span>
        <span className="message-actions">
          <CopyButton text={text} what={`${role} message`} />
        </span>
      </header>
      {isOpen ? (
        parts.map((part, n) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: parts have no other identity
          <PartView key={n} part={part} names={names} isRaw={isRaw} />
        ))
      ) : (
        <div className="folded">
          <Text text={`${text().slice(0, FOLDED_CHARS)}…`} />
        </div>
      )}
      {isLong && (
        <button type="button" className="quiet fold" onClick={() => setOpen(!isOpen)} aria-expanded={isOpen}>
          {isOpen ? "Fold" : "Show all"}
        </button>
      )}
      {!parts.length && <span className="muted">(empty)</span>}
    </article>
  );
}

function partText(part: Part): string {
  if (part.type === "tool_call") return `${part.name}(${asText(part.args ?? null)})`;
  return part.text ?? asText(part.args ?? part.name ?? "");
}

function PartView({ part, names, isRaw }: { part: Part; names: Map<string, string>; isRaw: boolean }) {
  const text = part.text ?? "";
  switch (part.type) {
    case "text":
      return <Prose text={text} isRaw={isRaw} />;
    case "reasoning":
      return (
        <details className="reasoning">
          <summary>Reasoning · {text.length.toLocaleString("en")} characters</summary>
          <Prose text={text} isRaw={isRaw} />
        </details>
      );
    case "refusal":
      return (
        <div className="refusal">
          <strong>Refused</strong> <Text text={text} />
        </div>
      );
    case "tool_call":
      return <ToolCard title={part.name || "tool"} what="called" value={toolValue(part)} />;
    case "tool_result":
      return (
        <ToolCard
          title={part.name || names.get(part.id ?? "") || "tool"}
          what={part.is_error ? "failed" : "answered"}
          value={toolValue(part)}
          isError={part.is_error ?? false}
        />
      );
    default:
      return <Media part={part} />;
  }
}

function Prose({ text, isRaw }: { text: string; isRaw: boolean }) {
  return !isRaw && looksLikeMarkdown(text) ? <Markdown text={text} /> : <Text text={text} />;
}

function ToolCard({
  title,
  what,
  value,
  isError = false,
}: {
  title: string;
  what: string;
  value: Json;
  isError?: boolean;
}) {
  const isEmpty = value === null || (typeof value === "object" && Object.keys(value).length === 0);
  return (
    <div className={isError ? "tool-card tool-error" : "tool-card"}>
      <div className="tool-head">
        <span className="kind kind-tool">T</span>
        <strong>{visibleText(title)}</strong>
        <span className="muted">{what}</span>
      </div>
      {isEmpty ? null : typeof value === "string" ? (
        <Text text={value} />
      ) : (
        <JsonTree value={value} label={title} />
      )}
    </div>
  );
}

function Media({ part }: { part: Part }) {
  const { type, url } = part;
  const source = sourceOf(part, base);
  const name = visibleText(part.name ?? type);
  if (source && type === "image")
    return <img src={source} alt={name} className="inline-image" loading="lazy" />;
  // biome-ignore lint/a11y/useMediaCaption: a recording has none
  if (source && type === "audio") return <audio controls src={source} />;
  if (part.blob && source) {
    return (
      <a className="chip" href={source} download={part.name ?? true}>
        {name} <span className="muted">{part.mime}</span>
      </a>
    );
  }
  if (!url)
    return part.args ? <JsonTree value={part.args} label={name} /> : <span className="chip">{name}</span>;
  const href = safeHref(url);
  return (
    <span className="chip" title={url.slice(0, 500)}>
      {href ? `Remote ${type}, not loaded` : type}: {visibleText(url.slice(0, 120))}
      {href && (
        <button type="button" className="quiet" onClick={() => void copyAndSay(href, "Address")}>
          Copy address
        </button>
      )}
    </span>
  );
}
