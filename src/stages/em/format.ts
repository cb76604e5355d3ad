/**
 * How `p` and `q` spell what they read and write, and which tokens count. The only file that knows.
 *
 *     p:  concepts(c) ⟨rationale⟩ | z ⟨problem⟩ | x ⟨end⟩
 *     q:  concepts(c) given(x) ⟨rationale⟩ | z ⟨problem⟩
 *
 * What stands left of the first bar is forced and counts nowhere. `z` and its terminator count in log p(z|c) and in
 * log q(z|c,x); `x` and its terminator in log p(x|z,c). The same tokens carry the loss in training.
 * A tokenizer that has the special tokens is spelt with them; any other with the markers of the released generation
 * model (PAPER.md §4), where the text between rationale and problem is the terminator of `z`.
 */
import type { TokenIds, Tokenizer, TrainRow } from "../../lm/contract.ts";

/** The special tokens that a tokenizer of ours carries; the order is the order of their ids. */
export const specialTokens = [
  "<|pad|>",
  "<|end|>",
  "<|concepts|>",
  "<|level|>",
  "<|given|>",
  "<|rationale|>",
  "<|problem|>",
  "<|solution|>",
] as const;

/** Concepts `c`, with the difficulty level that goes with them. */
export interface Given {
  concepts: readonly string[];
  level?: string | undefined;
}

/** What was found in a model's output: its parts, or why they are not there. */
export type Parsed<Parts> = ({ ok: true } & Parts) | { ok: false; reason: string };

export interface Format {
  readonly spelling: "tokens" | "markers";
  /** What `p` is given: concepts and the mark that a rationale follows. */
  promptOfP(c: Given): number[];
  /** What `q` is given: concepts, problem, and the same mark. */
  promptOfQ(c: Given, x: string): number[];
  /** `z` with its terminator. */
  rationale(z: TokenIds): number[];
  /** `x` with its terminator. */
  problem(x: string): number[];
  /** The row that teaches `p` to write `z` then `x`. */
  rowOfP(id: string, c: Given, z: TokenIds, x: string, weight?: number): TrainRow;
  /** The row that teaches `q` to write `z`. */
  rowOfQ(id: string, c: Given, x: string, z: TokenIds, weight?: number): TrainRow;
  /** Where generation ends: after a rationale (`q`), after a problem (`p`). */
  readonly stopOfQ: { ids?: TokenIds; texts?: readonly string[] };
  readonly stopOfP: { ids?: TokenIds; texts?: readonly string[] };
  /** The rationale's ids, without terminator, from what `q` wrote. */
  parseQ(answer: Answer): Parsed<{ z: number[]; text: string }>;
  /** Rationale and problem from what `p` wrote. */
  parseP(answer: Answer): Parsed<{ rationale: string; problem: string }>;
}

/** The part of a sampler's answer that parsing needs. */
export interface Answer {
  ids?: TokenIds | undefined;
  text: string;
  finish: "stop" | "length";
}

/** The format that fits the tokenizer. */
export function formatFor(tokenizer: Tokenizer): Format {
  const has = specialTokens.every((token) => tokenizer.idOf(token) !== undefined);
  return has ? tokenFormat(tokenizer) : markerFormat(tokenizer);
}

/** Builds the prompts, rows and completions that both spellings share. */
function assemble(
  spelling: Format["spelling"],
  parts: {
    promptOfP: Format["promptOfP"];
    promptOfQ: Format["promptOfQ"];
    endOfRationale: TokenIds;
    problem: Format["problem"];
  },
  rest: Pick<Format, "stopOfP" | "stopOfQ" | "parseP" | "parseQ">,
): Format {
  const rationale = (z: TokenIds) => [...z, ...parts.endOfRationale];
  return {
    spelling,
    promptOfP: parts.promptOfP,
    promptOfQ: parts.promptOfQ,
    rationale,
    problem: parts.problem,
    rowOfP: (id, c, z, x, weight = 1) => row(id, parts.promptOfP(c), [...rationale(z), ...parts.problem(x)], weight),
    rowOfQ: (id, c, x, z, weight = 1) => row(id, parts.promptOfQ(c, x), rationale(z), weight),
    ...rest,
  };
}

/** Prompt tokens do not count; completion tokens all do. */
export function row(id: string, prompt: TokenIds, completion: TokenIds, weight: number): TrainRow {
  const targets = new Uint8Array(prompt.length + completion.length).fill(1, prompt.length);
  return { id, ids: [...prompt, ...completion], targets, weight };
}

function tokenFormat(tokenizer: Tokenizer): Format {
  const id = (token: (typeof specialTokens)[number]) => tokenizer.idOf(token) as number;
  const [end, rationaleMark, problemMark] = [id("<|end|>"), id("<|rationale|>"), id("<|problem|>")];
  const special = new Set(specialTokens.map(id));
  const clean = (ids: TokenIds) => ids.length > 0 && !ids.some((token) => special.has(token));
  const given = (c: Given) => [
    id("<|concepts|>"),
    ...tokenizer.encode(c.concepts.join("; ")),
    ...(c.level === undefined ? [] : [id("<|level|>"), ...tokenizer.encode(c.level)]),
  ];
  return assemble(
    "tokens",
    {
      promptOfP: (c) => [...given(c), rationaleMark],
      promptOfQ: (c, x) => [...given(c), id("<|given|>"), ...tokenizer.encode(x), rationaleMark],
      endOfRationale: [problemMark],
      problem: (x) => [...tokenizer.encode(x), end],
    },
    {
      stopOfQ: { ids: [problemMark, end] },
      stopOfP: { ids: [end] },
      parseQ({ ids, finish }) {
        if (ids === undefined) return { ok: false, reason: "the backend gave no token ids" };
        if (finish === "length") return { ok: false, reason: "rationale not ended within the token limit" };
        const z = ids.slice(0, -1);
        if (ids.at(-1) !== problemMark) return { ok: false, reason: "rationale ended by the wrong token" };
        if (!clean(z)) return { ok: false, reason: z.length === 0 ? "empty rationale" : "special token in rationale" };
        return { ok: true, z, text: tokenizer.decode(z) };
      },
      parseP({ ids, finish }) {
        if (ids === undefined) return { ok: false, reason: "the backend gave no token ids" };
        if (finish === "length") return { ok: false, reason: "problem not ended within the token limit" };
        const at = ids.indexOf(problemMark);
        if (at < 0) return { ok: false, reason: "no problem after the rationale" };
        const [z, x] = [ids.slice(0, at), ids.slice(at + 1, -1)];
        if (!clean(z)) return { ok: false, reason: z.length === 0 ? "empty rationale" : "special token in rationale" };
        if (!clean(x)) return { ok: false, reason: x.length === 0 ? "empty problem" : "special token in problem" };
        return { ok: true, rationale: tokenizer.decode(z), problem: tokenizer.decode(x) };
      },
    },
  );
}

export const BEGIN_RATIONALE = "<!-- BEGIN RATIONALE -->";
export const END_RATIONALE = "<!-- END RATIONALE -->";
export const BEGIN_PROBLEM = "<!-- BEGIN PROBLEM -->";
export const END_PROBLEM = "<!-- END PROBLEM -->";

/** The released model's input (PAPER.md §4), to the letter. */
export function releasedPrompt(c: Given): string {
  const list = c.concepts.map((concept, i) => `${i + 1}. ${concept}`).join("\n");
  return `Given foundational concepts and difficulty level, identify connections and develop a question that integrates these concepts with appropriate complexity.

Foundational Concepts:
${list}

Difficulty Level: ${c.level ?? "HMMT-Feb"}`;
}

function markerFormat(tokenizer: Tokenizer): Format {
  const encode = (text: string) => tokenizer.encode(text);
  const open = `\n\n${BEGIN_RATIONALE}\n`;
  return assemble(
    "markers",
    {
      promptOfP: (c) => encode(`${releasedPrompt(c)}${open}`),
      promptOfQ: (c, x) => encode(`${releasedPrompt(c)}\n\n${BEGIN_PROBLEM}\n${x}\n${END_PROBLEM}${open}`),
      endOfRationale: encode(`\n${END_RATIONALE}\n\n${BEGIN_PROBLEM}\n`),
      problem: (x) => encode(`${x}\n${END_PROBLEM}`),
    },
    {
      stopOfQ: { texts: [END_RATIONALE] },
      stopOfP: { texts: [END_PROBLEM] },
      parseQ({ ids, text, finish }) {
        if (finish === "length") return { ok: false, reason: "rationale not ended within the token limit" };
        const z = text.replace(BEGIN_RATIONALE, "").split(END_RATIONALE)[0]?.trim() ?? "";
        if (z === "") return { ok: false, reason: "empty rationale" };
        return { ok: true, z: sampledIds(tokenizer, ids, z) ?? encode(z), text: z };
      },
      parseP({ text, finish }) {
        const [before, after] = text.split(BEGIN_PROBLEM);
        if (after === undefined) return { ok: false, reason: "no problem after the rationale" };
        if (finish === "length" && !after.includes(END_PROBLEM)) {
          return { ok: false, reason: "problem not ended within the token limit" };
        }
        const rationale = before?.replace(BEGIN_RATIONALE, "").replace(END_RATIONALE, "").trim() ?? "";
        const problem = after.split(END_PROBLEM)[0]?.trim() ?? "";
        if (rationale === "") return { ok: false, reason: "empty rationale" };
        if (problem === "") return { ok: false, reason: "empty problem" };
        return { ok: true, rationale, problem };
      },
    },
  );
}

/** Most tokens that a mark, and the space before it, are spelt with. */
const LONGEST_MARK = 32;

/** The sampled ids that spell exactly `z`, where the mark after it begins with a token of its own; undefined elsewhere. */
function sampledIds(tokenizer: Tokenizer, ids: TokenIds | undefined, z: string): number[] | undefined {
  if (ids === undefined) return undefined;
  for (let end = ids.length; end > 0 && end >= ids.length - LONGEST_MARK; end--) {
    const own = ids.slice(0, end);
    if (tokenizer.decode(own) === z) return own;
  }
  return undefined;
}
