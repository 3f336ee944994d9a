/** A span type's letter and colour. A new type is one line here and two colours in tokens.css. */
const KINDS: Record<string, { letter: string; css: string }> = {
  llm: { letter: "L", css: "llm" },
  tool: { letter: "T", css: "tool" },
  retriever: { letter: "R", css: "retriever" },
  embedding: { letter: "E", css: "embedding" },
  agent: { letter: "A", css: "agent" },
  chain: { letter: "C", css: "chain" },
  guardrail: { letter: "G", css: "guardrail" },
  trace: { letter: "◆", css: "trace" },
};

export const kindOf = (type: string) => KINDS[type] ?? { letter: "·", css: "general" };
