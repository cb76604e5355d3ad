/** Compares answers as words and letters: options that were chosen, text in parts, formulas that were not understood. Knows no values. */
import { plainText, sameWords } from "../latex/words.ts";
import type { Answer } from "../parse/tree.ts";
import { type Decision, DIFFERENT, EQUAL_TEXT, UNDECIDED } from "./equality.ts";

export function letterOf(a: Answer): string | undefined {
  if (a.kind === "choice") return a.letter;
  if (a.kind === "tuple" && a.items.length === 1) return letterOf(a.items[0]!);
  if (a.kind === "scalar" && a.expr.kind === "sym" && /^[A-Ja-j]$/.test(a.expr.name)) return a.expr.name.toUpperCase();
  if (a.kind === "scalar" && a.expr.kind === "const" && (a.expr.name === "e" || a.expr.name === "i"))
    return a.expr.name.toUpperCase();
  if (a.kind === "text" && /^[A-J]\b/.test(a.text) && /^[A-J][\s.):]*$/.test(a.text.trim())) return a.text.trim()[0];
  return undefined;
}

/** `AC` and `A, C` choose the same options. Undefined unless one is a run of capitals and the other a list of letters. */
export function compareLetters(g: Answer, r: Answer): Decision | undefined {
  const list = g.kind === "list" ? g : r.kind === "list" ? r : undefined;
  const run = list === g ? r : g;
  if (list === undefined || run.kind !== "scalar" || run.expr.kind !== "mul") return undefined;
  const chosen = list.items.map(letterOf);
  const names = run.expr.args.map((a) => (a.kind === "sym" && /^[A-J]$/.test(a.name) ? a.name : undefined));
  if (chosen.includes(undefined) || names.includes(undefined)) return undefined;
  return [...chosen].sort().join() === [...names].sort().join() ? EQUAL_TEXT : DIFFERENT;
}

export function compareUnparsed(g: Answer, r: Answer): Decision {
  if (g.kind === "unparsed" && r.kind === "unparsed") {
    if (plainText(g.text) !== "" && compact(g.text) === compact(r.text)) return EQUAL_TEXT;
  }
  return UNDECIDED;
}

/** A formula's text without spaces, sizes and punctuation at its end. */
function compact(text: string): string {
  let out = "";
  for (const ch of text
    .replaceAll("\\left", "")
    .replaceAll("\\right", "")
    .replaceAll("\\,", "")
    .replaceAll("\\!", "")
    .replaceAll("\\;", "")
    .replaceAll("\\dfrac", "\\frac")
    .replaceAll("\\tfrac", "\\frac")) {
    if (ch !== " " && ch !== "$") out += ch;
  }
  while (out.endsWith(".") || out.endsWith(",")) out = out.slice(0, -1);
  return out;
}

/** `\text{Monday and Friday}` against `Monday, Friday`. Undefined unless both have several parts and one is a text. */
export function partedText(a: Answer, b: Answer): Decision | undefined {
  const [said, listed] = [partsOf(a), partsOf(b)];
  if (said === undefined || listed === undefined) return undefined;
  return said.sort().join() === listed.sort().join() ? EQUAL_TEXT : DIFFERENT;
}

function partsOf(a: Answer): string[] | undefined {
  if (a.kind === "list") return a.items.map((it) => wordsOf(it) ?? "");
  const parts = a.kind === "text" ? a.text.slice(0, 400).split(/,\s*(?:and\s|or\s)?|\s(?:and|or|&)\s/) : [];
  return parts.length < 2 ? undefined : parts.map((part) => plainText(part).replaceAll(" ", ""));
}

/** What an answer says in words: its text, or the letters of a product. */
export function wordsOf(a: Answer): string | undefined {
  if (a.kind === "text") return sameWords(a.text).replaceAll(" ", "");
  if (a.kind !== "scalar") return undefined;
  const letters = a.expr.kind === "mul" ? a.expr.args : [a.expr];
  let out = "";
  for (const x of letters) {
    if (x.kind !== "sym" && x.kind !== "const") return undefined;
    out += x.name;
  }
  return out.toLowerCase();
}
