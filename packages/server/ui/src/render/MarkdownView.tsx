import { createElement, Fragment, type ReactNode } from "react";
import { safeHref, safeImage, visibleText } from "../model/hygiene";
import { Code } from "./Code";
import { parse, type Tokens } from "./markdownTokens";

/** Markdown from tokens to elements, never by way of HTML: tags outside the list below are text. */
export default function MarkdownView({ text, tokens }: { text: string; tokens?: Tokens }) {
  return (
    <div className="markdown" dir="auto">
      {blocks(tokens ?? parse(text))}
    </div>
  );
}

const TAGS = new Set(
  "p h1 h2 h3 h4 h5 h6 ul ol li blockquote table thead tbody tr th td em strong s code pre hr br".split(" "),
);

interface Open {
  tag: string;
  attrs: Record<string, string>;
  children: ReactNode[];
}

/** Nested tokens to nested elements, on a stack of our own: 5,000 quotes inside each other do not overflow. */
function blocks(tokens: Tokens): ReactNode[] {
  const root: Open = { tag: "", attrs: {}, children: [] };
  const stack = [root];
  for (const token of tokens) {
    const top = stack.at(-1) as Open;
    if (token.nesting === 1) {
      stack.push({ tag: token.hidden ? "" : token.tag, attrs: attrsOf(token), children: [] });
    } else if (token.nesting === -1 && stack.length > 1) {
      const done = stack.pop() as Open;
      (stack.at(-1) as Open).children.push(element(done, (stack.at(-1) as Open).children.length));
    } else {
      top.children.push(leaf(token, top.children.length));
    }
  }
  while (stack.length > 1) {
    const done = stack.pop() as Open;
    (stack.at(-1) as Open).children.push(element(done, (stack.at(-1) as Open).children.length));
  }
  return root.children;
}

const attrOf = (token: Tokens[number], name: string): string =>
  String(token.attrs?.find(([key]) => key === name)?.[1] ?? "");

function attrsOf(token: Tokens[number]): Record<string, string> {
  if (token.type === "link_open") return { href: attrOf(token, "href") };
  if (token.tag === "ol" && attrOf(token, "start")) return { start: attrOf(token, "start") };
  const align = /text-align:(left|right|center)/.exec(attrOf(token, "style"))?.[1];
  return align ? { className: `align-${align}` } : {};
}

function element(open: Open, key: number): ReactNode {
  const { tag, attrs, children } = open;
  if (tag === "a")
    return (
      <SafeLink key={key} href={attrs.href ?? ""}>
        {children}
      </SafeLink>
    );
  if (!tag || !TAGS.has(tag)) return <Fragment key={key}>{children}</Fragment>;
  return createElement(tag, { key, ...attrs }, ...children);
}

function leaf(token: Tokens[number], key: number): ReactNode {
  switch (token.type) {
    case "inline":
      return <Fragment key={key}>{blocks(token.children ?? [])}</Fragment>;
    case "fence":
    case "code_block":
      return <Code key={key} text={token.content} language={token.info.trim().split(/\s/)[0] ?? ""} />;
    case "code_inline":
      return <code key={key}>{visibleText(token.content)}</code>;
    case "softbreak":
      return "\n";
    case "hardbreak":
      return <br key={key} />;
    case "hr":
      return <hr key={key} />;
    case "image":
      return <SafeImage key={key} url={attrOf(token, "src")} alt={token.content} />;
    default:
      return visibleText(token.content);
  }
}

/** A link that says where it goes; what is no plain link is shown as text. */
function SafeLink({ href, children }: { href: string; children: ReactNode[] }) {
  const safe = safeHref(href);
  if (!safe) return <span className="no-link">{children}</span>;
  const leave = (event: React.MouseEvent<HTMLAnchorElement>) => {
    const text = event.currentTarget.textContent ?? "";
    const isOther = /^\s*(https?:\/\/|www\.)/i.test(text) && !safe.startsWith(text.trim());
    if (isOther && !window.confirm(`The text says ${text.trim()}, the link goes to ${safe}. Go there?`))
      event.preventDefault();
  };
  return (
    <a href={safe} title={safe} target="_blank" rel="noopener noreferrer nofollow" onClick={leave}>
      {children}
    </a>
  );
}

/** Inline images are shown; others are never fetched, as fetching tells somebody what is read here. */
export function SafeImage({ url, alt }: { url: string; alt: string }) {
  const safe = safeImage(url);
  if (safe) return <img src={safe} alt={alt || "image"} className="inline-image" loading="lazy" />;
  return (
    <span className="chip" title={url.slice(0, 500)}>
      {/^https?:/i.test(url) ? "Remote image, not loaded" : "Image"}:{" "}
      {visibleText(alt || url.slice(0, 80) || "no address")}
    </span>
  );
}
