/** Two evaluations, benchmark by benchmark, on the problems that both attempted. Reads no files, prints nothing. */
import { comparePaired, holm, LEVEL, type PairedComparison, verdictSentence } from "../analyses/paired.ts";
import { solveRate } from "../analyses/scores.ts";
import { PromptCotError } from "../core/errors.ts";
import { rng } from "../core/rng.ts";
import type { BenchmarkResult, EvalResult } from "./eval-file.ts";

/** One benchmark's comparison. */
export interface Compared {
  name: string;
  title: string;
  /** Unknown verdicts counted as wrong for both. */
  comparison: PairedComparison;
  /** Where verdicts are unknown: all of them in favour of the first, and of the second. */
  worst: [PairedComparison, PairedComparison] | undefined;
  /** Holm's, over all benchmarks compared. */
  adjustedP: number;
}

/** Differences in this order of settings are told; all must be equal. */
const SETTINGS = ["samples", "temperature", "topP", "maxTokens", "grader"] as const;

/**
 * Every benchmark that both hold.
 * @param names of the two evaluations, for messages
 * @throws PromptCotError `data`/`not-comparable` with all that differs
 */
export function compareEvals(first: EvalResult, second: EvalResult, names: readonly [string, string]): Compared[] {
  const pairs = inCommon(first, second);
  if (pairs.length === 0) throw notComparable(names, ["they have no benchmark in common"]);
  const differences = pairs.flatMap(({ a, b }) => differencesOf(a, b));
  if (differences.length > 0) throw notComparable(names, differences);
  return adjusted(pairs);
}

/** As `compareEvals`, but without the benchmarks that cannot be compared. */
export function comparableParts(first: EvalResult, second: EvalResult): Compared[] {
  return adjusted(inCommon(first, second).filter(({ a, b }) => differencesOf(a, b).length === 0));
}

interface Pair {
  a: BenchmarkResult;
  b: BenchmarkResult;
}

function inCommon(first: EvalResult, second: EvalResult): Pair[] {
  return first.benchmarks.flatMap((a) => {
    const b = second.benchmarks.find(({ name }) => name === a.name);
    return b === undefined ? [] : [{ a, b }];
  });
}

function adjusted(pairs: readonly Pair[]): Compared[] {
  const compared = pairs.map(({ a, b }) => ({ name: a.name, title: a.title, ...compareBenchmark(a, b) }));
  const ps = holm(compared.map(({ comparison }) => comparison.p));
  return compared.map((one, i) => ({ ...one, adjustedP: ps[i] ?? one.comparison.p }));
}

function differencesOf(a: BenchmarkResult, b: BenchmarkResult): string[] {
  const told = (what: string, one: unknown, other: unknown) =>
    one === other ? [] : [`${a.name}: ${what} ${one} and ${other}`];
  return [
    ...told("other problems: content", a.data.content.slice(0, 12), b.data.content.slice(0, 12)),
    ...told("problems attempted", a.problems.length, b.problems.length),
    ...SETTINGS.flatMap((key) => told(key, a.settings[key], b.settings[key])),
  ];
}

function compareBenchmark(
  a: BenchmarkResult,
  b: BenchmarkResult,
): { comparison: PairedComparison; worst: [PairedComparison, PairedComparison] | undefined } {
  const rates = (of: BenchmarkResult, unknown: 0 | 1) => of.problems.map((problem) => solveRate(problem, unknown));
  const compare = (unknownOfA: 0 | 1, unknownOfB: 0 | 1) =>
    comparePaired(rates(a, unknownOfA), rates(b, unknownOfB), {
      rng: rng("compare").fork(a.name),
      denominator: a.settings.samples,
    });
  const unsure = a.scores.unknownRate > 0 || b.scores.unknownRate > 0;
  // All unknown verdicts in favour of the one, then of the other.
  return { comparison: compare(0, 0), worst: unsure ? [compare(1, 0), compare(0, 1)] : undefined };
}

function notComparable([a, b]: readonly [string, string], why: readonly string[]): PromptCotError {
  return new PromptCotError({
    boundary: "data",
    code: "not-comparable",
    message: `${a} and ${b} cannot be compared:\n${why.map((line) => `  ${line}`).join("\n")}`,
    next: "evaluate both models on the same problems with the same settings",
  });
}

/** The comparison in plain words; a second sentence where verdicts are unknown. */
export function comparedSentences(
  { title, comparison, worst, adjustedP }: Compared,
  names: { first: string; second: string },
): string[] {
  const sentence = `${title}: ${verdictSentence(comparison, names, adjustedP)}`;
  if (worst === undefined) return [sentence];
  const [forA, forB] = worst;
  const range = `${signedPoints(forA.difference)} to ${signedPoints(forB.difference)} points`;
  const holds = [forA, forB].every(
    (one) => one.p < LEVEL === adjustedP < LEVEL && Math.sign(one.difference) === Math.sign(comparison.difference),
  );
  return [
    sentence,
    `${title}: some verdicts are unknown; the difference lies between ${range}, and that ${holds ? "changes nothing" : "could change the conclusion"}`,
  ];
}

/** A difference of shares in percentage points, with its sign. */
export function signedPoints(share: number): string {
  const text = (100 * share).toFixed(1);
  return share < 0 ? text.replace("-", "−") : `+${text}`;
}
