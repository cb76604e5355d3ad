/**
 * The two filters of self-play (PAPER.md §5): difficulty, over a task's verdicts, and validity, over a rollout's form.
 * Pure: both say why they drop what they drop.
 */
import type { Verdict } from "../../core/records.ts";

export interface Band {
  /** Kept only with a solve rate above this. The paper: 0, so that there is something to choose. */
  above: number;
  /** Kept only with a solve rate below this. The paper: 1/2. */
  below: number;
  /** Least decided verdicts: of fewer, the rate is not known. */
  minDecided: number;
}

/** §5: "solved in at least half of eight attempts" is dropped, so is "never solved". The least of decided verdicts is ours. */
export const paperBand: Band = { above: 0, below: 0.5, minDecided: 6 };

export interface SolveRate {
  correct: number;
  /** Verdicts that are not `unknown`. */
  decided: number;
  unknown: number;
}

export function solveRate(verdicts: readonly Verdict["verdict"][]): SolveRate {
  const count = (which: Verdict["verdict"]) => verdicts.filter((verdict) => verdict === which).length;
  const correct = count("correct");
  const unknown = count("unknown");
  return { correct, decided: verdicts.length - unknown, unknown };
}

/** Why a task is dropped for its difficulty, or null. */
export function tooEasyOrHard({ correct, decided, unknown }: SolveRate, band: Band): string | null {
  if (decided < band.minDecided || decided === 0)
    return `${decided} decided verdicts of ${decided + unknown}, fewer than ${band.minDecided}`;
  const rate = correct / decided;
  if (rate <= band.above) return correct === 0 ? "never solved" : `solved at a rate of ${band.above} or less`;
  if (rate >= band.below) return correct === decided ? "always solved" : `solved at a rate of ${band.below} or more`;
  return null;
}

export interface Validity {
  /** `required`: exactly one `<think>…</think>`, with something in it. `none`: the solver writes no thought. */
  thought: "required" | "none";
  /** Unicode scripts that must not occur after the thought: the paper's are Han and Hangul. */
  scripts: readonly string[];
}

export const paperValidity: Validity = { thought: "required", scripts: ["Han", "Hangul"] };

const OPEN = "<think>";
const CLOSE = "</think>";

/** Why a response's form cannot be taught, or null. `extract` finds the answer or the program in a response. */
export function invalidity(
  response: string,
  validity: Validity,
  extract: (response: string) => string | undefined,
): string | null {
  const parted = part(response, validity);
  if ("reason" in parted) return parted.reason;
  if (parted.answer.trim() === "") return "nothing after the thought";
  for (const script of validity.scripts) {
    if (scriptPattern(script).test(parted.answer)) return `${script} characters after the thought`;
  }
  return extract(response) === undefined ? "no answer can be extracted" : null;
}

function part(response: string, { thought }: Validity): { answer: string } | { reason: string } {
  const [opens, closes] = [occurrences(response, OPEN), occurrences(response, CLOSE)];
  if (thought === "none")
    return opens + closes === 0 ? { answer: response } : { reason: "a thought where none belongs" };
  if (opens === 0 && closes === 0) return { reason: "no thought" };
  if (closes === 0) return { reason: "the thought does not end" };
  if (opens !== 1 || closes !== 1) return { reason: `${opens} openings and ${closes} ends of thought, not one each` };
  const [open, close] = [response.indexOf(OPEN), response.indexOf(CLOSE)];
  if (close < open) return { reason: "the thought ends before it begins" };
  if (response.slice(open + OPEN.length, close).trim() === "") return { reason: "an empty thought" };
  return { answer: response.slice(close + CLOSE.length) };
}

function occurrences(text: string, mark: string): number {
  return text.split(mark).length - 1;
}

const patterns = new Map<string, RegExp>();

/** @throws SyntaxError for a script that Unicode does not have: the config's schema asks first */
function scriptPattern(script: string): RegExp {
  const known = patterns.get(script) ?? new RegExp(`\\p{Script=${script}}`, "u");
  patterns.set(script, known);
  return known;
}

/** Whether Unicode has a script of this name. */
export function isScript(name: string): boolean {
  try {
    return scriptPattern(name) !== undefined;
  } catch {
    return false;
  }
}
