import MarkdownIt, { type Token } from "markdown-it";

const parser = new MarkdownIt({ html: false, linkify: false, typographer: false, maxNesting: 40 });

export type Tokens = Pick<
  Token,
  "type" | "tag" | "content" | "nesting" | "info" | "attrs" | "children" | "hidden"
>[];

/** What a Markdown text consists of; raw HTML in it is text. */
export const parse = (text: string): Tokens => parser.parse(text, {});
