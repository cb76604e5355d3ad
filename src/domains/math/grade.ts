/** Grades a response against a gold answer: reads both, compares them, and says what decided. Never throws, never takes unbounded work. */
import type { Verdict } from "../../core/records.ts";
import { type Budget, newBudget, OutOfBudget } from "./budget.ts";
import { compareAnswers } from "./compare/answers.ts";
import type { Decision } from "./compare/equality.ts";
import { saysNothing } from "./compare/realset.ts";
import { inLettersOf } from "./compare/rename.ts";
import { type Read, readAnswer } from "./extract/read.ts";
import { afterThought } from "./extract/thought.ts";
import { plainText, sameWords } from "./latex/words.ts";
import type { Answer } from "./parse/tree.ts";
import { type Policy, type ProfileName, policyOf, type Rules } from "./profiles.ts";
import { otherReadings } from "./readings.ts";

export interface GradeOptions {
  /** Which policy decides where sources disagree; `strict` if not given. */
  profile?: ProfileName;
  /** Rules of the profile that are decided otherwise here. */
  rules?: Partial<Rules>;
}

/** Judges `response` against `gold`. The verdict's `stage` is the step that decided; `unknown` means that neither right nor wrong could be shown. */
export function gradeMath(response: string, gold: string, options: GradeOptions = {}): Verdict {
  const policy = policyOf(options);
  const budget = newBudget();
  let extracted: string | undefined;
  try {
    const expected = readAnswer(String(gold), policy, budget, true);
    const verbatim = expected !== undefined && afterThought(String(response)).trim() === String(gold).trim();
    const given = verbatim ? expected : readAnswer(String(response), policy, budget, false);
    extracted = given?.candidate.text;
    if (expected === undefined) return verdict("unknown", "extract", extracted, "the gold answer is empty");
    if (
      (expected.answer.kind === "text" || /^\p{L}[\p{L} ]+$/u.test(expected.candidate.text.slice(0, 40))) &&
      saysTheSame(response, expected)
    )
      return verdict("correct", "text", expected.candidate.text, "the answers agree by their text");
    if (given === undefined) return verdict("wrong", "extract", undefined, "the response gives no answer");
    return explain(decide(expected, given, policy, budget), extracted);
  } catch (error) {
    return failed(error, extracted);
  }
}

/** The text of the answer that `response` gives, or undefined if it gives none. */
export function extractAnswer(response: string, options: GradeOptions = {}): string | undefined {
  const text = String(response);
  try {
    return readAnswer(text, policyOf(options), newBudget(), false)?.candidate.text.trim();
  } catch {
    return undefined;
  }
}

/** Whether two answers are the same under a profile. `a` counts as gold where the profile's rules are not symmetric. Empty equals nothing. */
export function answersEqual(a: string, b: string, options: GradeOptions = {}): boolean {
  const policy = policyOf(options);
  const budget = newBudget();
  try {
    const [x, y] = [readAnswer(String(a), policy, budget, true), readAnswer(String(b), policy, budget, true)];
    return x !== undefined && y !== undefined && decide(x, y, policy, budget).same === "equal";
  } catch {
    return false;
  }
}

/** Whether the whole response, or its last line, is the gold answer in words. */
function saysTheSame(response: string, gold: Read): boolean {
  const text = afterThought(String(response)).trim();
  const wanted = sameWords(gold.candidate.text);
  if (text.length > 2000 || !/\p{L}/u.test(wanted)) return false;
  const reason = text.search(/,? (?:because|since|as)\b/);
  const last = text.slice(text.lastIndexOf("\n") + 1);
  const said = [text, last, ...(reason > 0 ? [text.slice(0, reason)] : []), ...affirmed(text), ...predicate(last)];
  return said.map(sameWords).some((words) => words === wanted || (saysNothing(words) && saysNothing(wanted)));
}

/** The "yes" or "no" that a response begins with. */
function affirmed(text: string): string[] {
  const word = /^\W{0,4}(yes|no|true|false)\W{0,4}[,.;:!*—–-]/i.exec(text.slice(0, 20))?.[1];
  return word === undefined ? [] : [word];
}

/** What a short closing sentence says of its subject: its last word, or what follows its verb. Nothing where it denies or offers a choice. */
function predicate(line: string): string[] {
  const sentence = line.trim().replace(/[.!*\s]+$/, "");
  const existence =
    /^(?:(?:so|thus|therefore|hence),? )?there (?:is|are|exists?) (.{1,80})$/i.exec(sentence)?.[1] ??
    /\b(?:has|have) (no (?:real )?(?:solutions?|roots?))$/i.exec(sentence)?.[1];
  if (existence !== undefined) return [existence];
  const words = sentence.split(/\s+/);
  if (words.length > 8 || /\b(?:not|no|never|neither|nor|or|either)\b|n't\b/i.test(sentence)) return [];
  const verb = /\b(?:is|are|was|were|be)\s+(?:an?\s|the\s)?(.+)$/i.exec(sentence)?.[1];
  const short = verb !== undefined || words.length <= 2 || CONCLUDES.test(sentence);
  return [...(short && words.length <= 5 ? [words.at(-1)!] : []), ...(verb === undefined ? [] : [verb])];
}

/** How a sentence without a verb of being may begin and still name its answer, be it in a box. */
const CONCLUDES =
  /^[^a-z]{0,3}(?:[a-z]{4,6}\{\\?)*(?:so|thus|therefore|hence|answer|the|it|this|that|these|they|we|i)\b/i;

function verdict(of: Verdict["verdict"], stage: string, extracted: string | undefined, reason: string): Verdict {
  return extracted === undefined
    ? { verdict: of, stage, reason }
    : { verdict: of, stage, extracted: extracted.trim(), reason };
}

function failed(error: unknown, extracted: string | undefined): Verdict {
  if (error instanceof OutOfBudget)
    return verdict("unknown", "budget", extracted, "deciding would take more work than one answer may");
  if (error instanceof RangeError)
    return verdict("unknown", "budget", extracted, "the answer is too large to compute with");
  return verdict(
    "unknown",
    "error",
    extracted,
    `the grader failed: ${error instanceof Error ? error.message : String(error)}`,
  );
}

const REASONS: Record<Decision["stage"], string> = {
  text: "by their text",
  exact: "by exact values",
  fingerprint: "modulo two primes",
  numeric: "by values at fixed points",
  precise: "by 240-bit values",
  magnitude: "by their magnitudes",
  shape: "by their shapes and parts",
  rounding: "as a rounding that the profile allows",
  undecided: "not decided",
};

function explain(decision: Decision, extracted: string | undefined): Verdict {
  const how = REASONS[decision.stage];
  if (decision.same === "equal") return verdict("correct", decision.stage, extracted, `the answers agree ${how}`);
  if (decision.same === "different") return verdict("wrong", decision.stage, extracted, `the answers differ ${how}`);
  return verdict(
    "unknown",
    decision.stage,
    extracted,
    "the answers could not be compared: one of them was not understood, or has no value that can be told",
  );
}

/** Compares two answers that were read; tries other readings of an ambiguous spelling before it says no. */
export function decide(gold: Read, response: Read, policy: Policy, budget: Budget): Decision {
  const [a, b] = [gold.candidate.text.trim(), response.candidate.text.trim()];
  if (!saysSomething(a) || !saysSomething(b)) return { same: "unknown", stage: "undecided" };
  if (a === b && !undefinedValue(gold.answer)) return { same: "equal", stage: "text" };
  const s = { policy, budget };
  const first = compareAnswers(gold.answer, response.answer, s);
  if (first.same === "equal") return first;
  for (const [g, r] of otherReadings(gold, response, budget)) {
    const decision = compareAnswers(g, r, s);
    if (decision.same === "equal") return decision;
  }
  if (policy.lettersFree) {
    const renamed = inLettersOf(gold.answer, response.answer);
    const decision = renamed && compareAnswers(gold.answer, renamed, s);
    if (decision?.same === "equal") return decision;
  }
  if (isWordy(gold.answer) && isWordy(response.answer) && plainText(a) !== "" && plainText(a) === plainText(b))
    return { same: "equal", stage: "text" };
  return first;
}

/** Whether there is a letter, a digit or a command in it. */
function saysSomething(text: string): boolean {
  return /[\p{L}\p{N}\\∅∞]/u.test(text);
}

function isWordy(a: Answer): boolean {
  return a.kind === "text" || (a.kind === "list" && a.items.some((it) => it.kind === "text"));
}

/** A fraction over a literal zero: equal to nothing, not even to itself. */
function undefinedValue(a: Answer): boolean {
  return a.kind === "scalar" && a.expr.kind === "div" && a.expr.den.kind === "num" && a.expr.den.value.n === 0n;
}
