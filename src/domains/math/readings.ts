/** Other readings of spellings that mean two things: tried before an answer is called wrong, never before it is called right. */
import type { Budget } from "./budget.ts";
import type { Read } from "./extract/read.ts";
import { parseAnswer } from "./parse/answer.ts";
import { based, basedText, int } from "./parse/literals.ts";
import type { Answer } from "./parse/tree.ts";

/** Readings of spellings that mean two things: `1,22` (a list, or a decimal comma), `100,200` (one number, or two), `1A_{16}`'s digits alone. */
export function* otherReadings(gold: Read, response: Read, budget: Budget): Generator<[Answer, Answer]> {
  const [g, r] = [decimalComma(gold, response, budget), decimalComma(response, gold, budget)];
  if (g !== undefined && response.answer.kind === "scalar") yield [g, response.answer];
  if (r !== undefined && gold.answer.kind === "scalar") yield [gold.answer, r];
  if (g !== undefined && r !== undefined) yield [g, r];
  const several = (a: Answer): boolean => a.kind === "list" || a.kind === "set" || a.kind === "tuple";
  if (several(response.answer)) {
    const list = commaList(gold, budget);
    if (list !== undefined) yield [list, response.answer];
  }
  if (several(gold.answer)) {
    const list = commaList(response, budget);
    if (list !== undefined) yield [gold.answer, list];
  }
  const [h, t] = [tightGroups(gold, budget), tightGroups(response, budget)];
  if (h !== undefined) yield [h, response.answer];
  if (t !== undefined) yield [gold.answer, t];
  if (h !== undefined && t !== undefined) yield [h, t];
  for (const spell of [ungrouped, prefixed]) {
    const [x, y] = [spell(gold, budget), spell(response, budget)];
    if (x !== undefined && response.answer.kind === "scalar") yield [x, response.answer];
    if (y !== undefined && gold.answer.kind === "scalar") yield [gold.answer, y];
  }
  const [u, v] = [singleExponents(gold, budget), singleExponents(response, budget)];
  if (u !== undefined) yield [u, response.answer];
  if (v !== undefined) yield [gold.answer, v];
  const [p, q] = [spokenMixed(gold.answer), spokenMixed(response.answer)];
  if (p !== undefined && response.answer.kind === "scalar") yield [p, response.answer];
  if (q !== undefined && gold.answer.kind === "scalar") yield [gold.answer, q];
  const calm = exclaimed(response, budget);
  if (calm !== undefined) yield [gold.answer, calm];
  const thousands = abbreviated(response);
  if (thousands !== undefined) yield [gold.answer, thousands];
  const lettered = digitsInBase(gold.answer, response.candidate.text.trim());
  if (lettered !== undefined) yield [gold.answer, lettered];
}

/** `a^ma^n` as LaTeX has it: without braces only one letter is raised. */
function singleExponents({ candidate }: Read, budget: Budget): Answer | undefined {
  const text = candidate.text.trim();
  const found = text.length <= 400 && /\^[a-z]{2,3}(?![a-z])/i.test(text);
  return found ? parseAnswer(text.replaceAll(/\^([a-z])(?=[a-z]{1,2}(?![a-z]))/gi, "^{$1}"), true, budget) : undefined;
}

/** "18 and 1/3": a whole number and a proper fraction that "and" joins. */
function spokenMixed(a: Answer): Answer | undefined {
  const [whole, part] = a.kind === "list" && a.joiner === "and" && a.items.length === 2 ? a.items : [];
  if (whole?.kind !== "scalar" || part?.kind !== "scalar" || part.expr.kind !== "div") return undefined;
  const [n, { num, den }] = [whole.expr, part.expr];
  const counts = [n, num, den].every((e) => e.kind === "num" && e.value.d === 1n && e.places < 0);
  const proper = num.kind === "num" && den.kind === "num" && num.value.n < den.value.n;
  return counts && proper
    ? { kind: "scalar", expr: { kind: "add", args: [n, part.expr] }, unit: whole.unit ?? part.unit }
    : undefined;
}

/** "it is 13!": a number that a sentence ends with, said aloud. */
function exclaimed({ candidate }: Read, budget: Budget): Answer | undefined {
  const spoken = !candidate.math && (candidate.how === "number" || candidate.how === "phrase");
  return spoken && /^-?[\d.,]+!$/.test(candidate.text.trim().slice(0, 60))
    ? parseAnswer(candidate.text.trim().slice(0, -1), true, budget)
    : undefined;
}

const ABBREVIATED: ReadonlyMap<string, bigint> = new Map([
  ["k", 1000n],
  ["K", 1000n],
  ["M", 1_000_000n],
  ["B", 1_000_000_000n],
]);

/** "costs $13k": in a sentence, or of money, a number with one letter is a multiple of a thousand, a million or a billion. */
function abbreviated({ answer: a, candidate }: Read): Answer | undefined {
  const spoken = !candidate.math && (candidate.how === "phrase" || candidate.how === "number");
  if (!spoken && !candidate.text.includes("$")) return undefined;
  if (a.kind !== "scalar" || a.expr.kind !== "mul" || a.expr.args.length !== 2) return undefined;
  const [count, letter] = a.expr.args;
  const size = letter?.kind === "sym" ? ABBREVIATED.get(letter.name) : undefined;
  return count?.kind === "num" && size !== undefined
    ? { ...a, expr: { kind: "mul", args: [count, int(size)] } }
    : undefined;
}

/** `2,74` written outside math delimiters, or inside them beside a decimal; `-2,1` is two numbers. */
function decimalComma({ candidate }: Read, other: Read, budget: Budget): Answer | undefined {
  const found = /^([+-]?\d+),(\d+)$/.exec(candidate.text.trim().slice(0, 60));
  if (
    found === null ||
    (candidate.math && !isDecimal(other.answer)) ||
    (found[2]!.length < 2 && !/^[+-]?0$/.test(found[1]!))
  )
    return undefined;
  if (found[2]!.length === 3 && !/^[+-]?0+$/.test(found[1]!)) return undefined;
  return parseAnswer(`${found[1]}.${found[2]}`, true, budget);
}

function isDecimal(a: Answer): boolean {
  return a.kind === "scalar" && a.expr.kind === "num" && a.expr.places > 0;
}

/** `100,200` as two numbers. */
function commaList({ candidate }: Read, budget: Budget): Answer | undefined {
  const text = candidate.text.trim();
  if (text.length > 400 || !/^-?\d{1,3}(?:,-?[1-9]\d{2})+$/.test(text)) return undefined;
  return parseAnswer(text.replaceAll(",", ", "), true, budget);
}

/** `(72,000, 15,708)`: where commas with and without a space after them meet, those without may mark thousands. */
function tightGroups({ candidate }: Read, budget: Budget): Answer | undefined {
  const text = candidate.text.trim();
  if (text.length > 400 || !/,(?: |\\)/.test(text) || !/\d,\d{3}(?!\d)/.test(text)) return undefined;
  return parseAnswer(text.replaceAll(/(?<=(?<!\d)\d{1,3}(?:,\d{3})*),(?=\d{3}(?!\d))/g, ""), true, budget);
}

/** The digits of a number in a base, given without the base. */
function digitsInBase(gold: Answer, text: string): Answer | undefined {
  if (
    gold.kind !== "scalar" ||
    gold.expr.kind !== "based" ||
    text.length > 60 ||
    !/^[\dA-Za-z]*[A-Za-z][\dA-Za-z]*$/.test(text)
  )
    return undefined;
  try {
    return {
      kind: "scalar",
      expr: text.toUpperCase() === gold.expr.digits ? based(text, gold.expr.base) : int(-1),
      unit: undefined,
    };
  } catch {
    return undefined;
  }
}

/** `12,34,567` as one number grouped the Indian way, `1.234,5` as one with the marks of the continent. */
function ungrouped({ candidate }: Read, budget: Budget): Answer | undefined {
  const text = candidate.text.trim().slice(0, 60);
  if (/^[+-]?\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?$/.test(text))
    return parseAnswer(text.replaceAll(",", ""), true, budget);
  if (/^[+-]?\d{1,3}(?:\.\d{3})+,\d+$/.test(text))
    return parseAnswer(text.replaceAll(".", "").replace(",", "."), true, budget);
  return undefined;
}

const PREFIXES: ReadonlyMap<string, number> = new Map([
  ["0b", 2],
  ["0o", 8],
  ["0x", 16],
]);

/** `0b1101`, `0x1A`: a number with its base before it, as programs write it. */
function prefixed({ candidate }: Read): Answer | undefined {
  const text = candidate.text.trim().slice(0, 60);
  const base = /^0[box][\da-fA-F]+$/.test(text) ? PREFIXES.get(text.slice(0, 2)) : undefined;
  const expr = base === undefined ? undefined : basedText(text.slice(2), base);
  return expr && { kind: "scalar", expr, unit: undefined };
}
