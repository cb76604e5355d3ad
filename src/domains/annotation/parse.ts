/** Reads what an annotating model answered: strictly, with a reason for whatever is refused. Repairs nothing. */
import { z } from "zod";
import { conceptKey, tidyConcept } from "./concepts.ts";
import { BEGIN, END } from "./instructions.ts";

export type Parsed<Value> = { ok: true; value: Value } | { ok: false; reason: string };

/** More is a sentence, not the name of a concept. */
const LONGEST_CONCEPT = 120;
/** Less cannot recreate a problem. */
const LEAST_RATIONALE_WORDS = 20;

const Strings = z.array(z.string());

/** A JSON array of exactly `count` different concepts, alone or in one code fence. */
export function parseConcepts(answer: string, count: number): Parsed<string[]> {
  const text = unfenced(answer.trim());
  const parsed = Strings.safeParse(jsonOf(text));
  if (!parsed.success) return refused("it is not a JSON array of strings and nothing else");
  const concepts = parsed.data.map(tidyConcept);
  if (concepts.length !== count) return refused(`it holds ${concepts.length} concepts, not ${count}`);
  if (concepts.some((concept) => !/\p{L}/u.test(concept))) return refused("one of the concepts has no words");
  const long = concepts.find((concept) => concept.length > LONGEST_CONCEPT);
  if (long !== undefined) return refused(`"${long.slice(0, 40)}…" is longer than ${LONGEST_CONCEPT} characters`);
  const seen = new Map<string, string>();
  for (const concept of concepts) {
    const key = conceptKey(concept);
    const before = seen.get(key);
    if (before !== undefined) return refused(`"${before}" and "${concept}" are one concept`);
    seen.set(key, concept);
  }
  return { ok: true, value: concepts };
}

/** The text between one pair of marks, with nothing outside of them. */
export function parseRationale(answer: string): Parsed<string> {
  const parts = answer.trim().split(BEGIN);
  if (parts.length !== 2) return refused(parts.length < 2 ? `there is no ${BEGIN}` : `there is more than one ${BEGIN}`);
  const [before = "", rest = ""] = parts;
  const [inside = "", after, more] = rest.split(END);
  if (after === undefined) return refused(`there is no ${END}`);
  if (more !== undefined) return refused(`there is more than one ${END}`);
  if (before.trim() !== "" || after.trim() !== "") return refused("there is text outside of the marks");
  const rationale = inside.trim();
  const words = rationale.split(/\s+/).filter(Boolean).length;
  if (words < LEAST_RATIONALE_WORDS) return refused(`the account has only ${words} words`);
  // The model that learns from it writes marks of its own.
  if (/<!--|<\|/.test(rationale)) return refused("the account contains a mark such as <!-- or <|");
  return { ok: true, value: rationale };
}

function unfenced(text: string): string {
  return /^```[a-z]*\s*\n([\s\S]*?)\n?```$/.exec(text)?.[1] ?? text;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema then refuses it
  }
}

function refused(reason: string): { ok: false; reason: string } {
  return { ok: false, reason };
}
