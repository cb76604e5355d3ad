/**
 * How the released generation model is driven (PAPER.md §4): its input to the letter, and its two marked parts read strictly.
 * It is published, not trained here; any sampler of texts or messages will do.
 */
import type { Text } from "../../lm/contract.ts";
import {
  BEGIN_PROBLEM,
  BEGIN_RATIONALE,
  END_PROBLEM,
  END_RATIONALE,
  type Format,
  type Given,
  type Parsed,
  releasedPrompt,
} from "./format.ts";

/** What writes problems from concepts: how it is asked, where it stops, how its output is read. */
export interface Writer {
  prompt(c: Given): Text;
  readonly stop: { ids?: readonly number[]; texts?: readonly string[] };
  parse(answer: Parameters<Format["parseP"]>[0]): Parsed<{ rationale: string; problem: string }>;
}

/** A model of ours, asked by ids. */
export function trainedWriter(format: Format): Writer {
  return {
    prompt: (c) => ({ kind: "ids", ids: format.promptOfP(c) }),
    stop: format.stopOfP,
    parse: (answer) => format.parseP(answer),
  };
}

/** The released model: by messages, where its chat template is the server's matter, or by the bare text. */
export function releasedWriter(by: "chat" | "text"): Writer {
  return {
    prompt(c) {
      const content = releasedPrompt(c);
      return by === "text"
        ? { kind: "text", text: content }
        : { kind: "messages", messages: [{ role: "user", content }] };
    },
    stop: {},
    parse({ text, finish }) {
      const parsed = parseReleased(text);
      if (parsed.ok || finish === "stop") return parsed;
      return { ok: false, reason: `${parsed.reason}: it was cut off at the token limit` };
    },
  };
}

/** Both parts between their marks, each mark once and in its place. Text before, between and after them is passed over. */
function parseReleased(text: string): Parsed<{ rationale: string; problem: string }> {
  const marks = [BEGIN_RATIONALE, END_RATIONALE, BEGIN_PROBLEM, END_PROBLEM];
  const places = marks.map((mark) => text.indexOf(mark));
  for (const [i, mark] of marks.entries()) {
    const place = places[i] as number;
    if (place < 0) return { ok: false, reason: `no ${mark}` };
    if (text.indexOf(mark, place + 1) >= 0) return { ok: false, reason: `more than one ${mark}` };
    if (i > 0 && place < (places[i - 1] as number)) return { ok: false, reason: `${mark} is out of place` };
  }
  const [, endRationale, beginProblem, endProblem] = places as [number, number, number, number];
  const rationale = text.slice((places[0] as number) + BEGIN_RATIONALE.length, endRationale).trim();
  const problem = text.slice(beginProblem + BEGIN_PROBLEM.length, endProblem).trim();
  if (rationale === "") return { ok: false, reason: "empty rationale" };
  if (problem === "") return { ok: false, reason: "empty problem" };
  return { ok: true, rationale, problem };
}
