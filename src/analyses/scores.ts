/**
 * What a model scored on a set of problems, with errors. Pure: attempts in, numbers out; grades nothing.
 *
 * Two errors stand side by side. `samplingError` is how far the score would move if the same problems were attempted again;
 * `standardError` also counts that other problems of the kind could have been asked: problems are the clusters (Miller 2024,
 * "Adding Error Bars to Evals", §2.2). The second is the one to compare models by.
 */
import { z } from "zod";
import { majorityAtK, type VoteCluster } from "./majority-at-k.ts";
import { passAtK } from "./pass-at-k.ts";

/** One attempt at a problem, as scores count it. */
export const Attempt = z.strictObject({
  verdict: z.enum(["correct", "wrong", "unknown"]),
  /** Cut off by the limit of tokens: wrong, whatever it says, and counted. */
  truncated: z.boolean(),
  /** Generated tokens; null where no answer came. */
  tokens: z.number().int().nonnegative().nullable(),
  /** Which of the problem's distinct answers this one is; null for none. */
  answer: z.number().int().nonnegative().nullable(),
});
export type Attempt = z.infer<typeof Attempt>;

export const ProblemAttempts = z.strictObject({ id: z.string(), attempts: z.array(Attempt).min(1) });
export type ProblemAttempts = z.infer<typeof ProblemAttempts>;

/** A share between 0 and 1. `low` counts every unknown verdict as wrong, `high` as correct; equal where nothing is unknown. */
export const Range = z.strictObject({ low: z.number(), high: z.number() });
export type Range = z.infer<typeof Range>;

export const Scores = z.strictObject({
  problems: z.number().int(),
  /** Attempts at each problem; the smallest number where they differ. */
  samples: z.number().int(),
  /** avg@k: pass@1, averaged over all attempts at a problem, then over problems. */
  average: Range,
  /** Of `average.low`, with problems as clusters; null for a single problem. */
  standardError: z.number().nullable(),
  /** Of `average.low`, for these very problems; null where no problem was attempted twice. */
  samplingError: z.number().nullable(),
  /** 95 % interval for problems of this kind: from the lower end for `average.low` to the upper end for `average.high`. */
  interval: Range,
  /** Unbiased pass@k by k, with its problem-clustered standard error (of `low`). */
  pass: z.array(z.strictObject({ k: z.number().int(), share: Range, standardError: z.number().nullable() })),
  /** Share of problems whose most frequent answer of k is right, ties shared out; null where answers cannot be equal (programs). */
  majority: z.strictObject({ k: z.number().int(), share: Range, standardError: z.number().nullable() }).nullable(),
  meanTokens: z.number().nullable(),
  truncationRate: z.number(),
  /** Share of attempts with the verdict unknown; those without any answer are among them. */
  unknownRate: z.number(),
  /** Attempts that no model answered. */
  unanswered: z.number().int(),
});
export type Scores = z.infer<typeof Scores>;

/** 97.5 % point of the normal distribution. */
export const Z95 = 1.959963984540054;

/**
 * @param passes the ks of pass@k; those above the number of samples are left out
 * @param votes whether answers can be equal, so that a majority makes sense
 */
export function score(
  problems: readonly ProblemAttempts[],
  { passes, votes }: { passes: readonly number[]; votes: boolean },
): Scores {
  if (problems.length === 0) throw new RangeError("score: there are no problems");
  const attempts = problems.flatMap((problem) => problem.attempts);
  const samples = Math.min(...problems.map((problem) => problem.attempts.length));
  const [low, high] = [
    problems.map((problem) => solveRate(problem, 0)),
    problems.map((problem) => solveRate(problem, 1)),
  ];
  const error = standardError(low);
  const answered = attempts.flatMap(({ tokens }) => (tokens === null ? [] : [tokens]));
  const share = (holds: (attempt: Attempt) => boolean) => attempts.filter(holds).length / attempts.length;
  return {
    problems: problems.length,
    samples,
    average: { low: mean(low), high: mean(high) },
    standardError: error,
    samplingError: samplingError(problems),
    interval: {
      low: wilson(mean(low), error, low.length).low,
      high: wilson(mean(high), standardError(high), high.length).high,
    },
    pass: passes.filter((k) => k <= samples).map((k) => ({ k, ...passScore(problems, k) })),
    majority: votes ? { k: samples, ...majorityScore(problems, samples) } : null,
    meanTokens: answered.length === 0 ? null : mean(answered),
    truncationRate: share(({ truncated }) => truncated),
    unknownRate: share(({ verdict }) => verdict === "unknown"),
    unanswered: attempts.length - answered.length,
  };
}

/** Share of a problem's attempts that are right, with each unknown verdict worth `unknown`. */
export function solveRate({ attempts }: ProblemAttempts, unknown: 0 | 1): number {
  return rightOnes(attempts, unknown) / attempts.length;
}

function rightOnes(attempts: readonly Attempt[], unknown: 0 | 1): number {
  return attempts.reduce((sum, attempt) => sum + worth(attempt, unknown), 0);
}

function worth({ verdict }: Attempt, unknown: 0 | 1): number {
  return verdict === "correct" ? 1 : verdict === "unknown" ? unknown : 0;
}

/** Standard error of a mean of one value per cluster: √(Σ(v − v̄)² / (P (P − 1))). Null for a single one. */
export function standardError(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return Math.sqrt(squares / (values.length * (values.length - 1)));
}

/** √(Σ p(1 − p)/(n − 1)) / P over problems with their own p of n attempts: unbiased for the variance within problems. */
function samplingError(problems: readonly ProblemAttempts[]): number | null {
  if (problems.some(({ attempts }) => attempts.length < 2)) return null;
  const variance = problems.reduce((sum, problem) => {
    const p = solveRate(problem, 0);
    return sum + (p * (1 - p)) / (problem.attempts.length - 1);
  }, 0);
  return Math.sqrt(variance) / problems.length;
}

/**
 * Wilson's 95 % interval for a share whose standard error comes from clusters: with the number of independent draws that would
 * give this error. With one attempt a problem it is Wilson's own; unlike mean ± 1.96 errors it stays within 0 and 1, and does
 * not shrink to a point where all or none were solved.
 */
export function wilson(share: number, error: number | null, clusters: number): Range {
  const spread = share * (1 - share);
  const draws =
    error === null || error === 0 || spread === 0 ? clusters : ((spread / error ** 2) * clusters) / (clusters - 1);
  const square = Z95 ** 2 / draws;
  const centre = (share + square / 2) / (1 + square);
  const half = (Z95 / (1 + square)) * Math.sqrt(spread / draws + square / (4 * draws));
  // At the ends centre and half differ by rounding alone.
  return { low: share === 0 ? 0 : Math.max(0, centre - half), high: share === 1 ? 1 : Math.min(1, centre + half) };
}

function passScore(problems: readonly ProblemAttempts[], k: number): { share: Range; standardError: number | null } {
  return ranged((unknown) => problems.map(({ attempts }) => passAtK(attempts.length, rightOnes(attempts, unknown), k)));
}

function majorityScore(
  problems: readonly ProblemAttempts[],
  k: number,
): { share: Range; standardError: number | null } {
  return ranged((unknown) =>
    problems.map(({ attempts }) => majorityAtK(clustersOf(attempts, unknown), attempts.length, k)),
  );
}

/** An answer is worth what its first attempt is. */
function clustersOf(attempts: readonly Attempt[], unknown: 0 | 1): VoteCluster[] {
  const clusters = new Map<number, VoteCluster>();
  for (const attempt of attempts) {
    if (attempt.answer === null || attempt.truncated) continue;
    const cluster = clusters.get(attempt.answer);
    if (cluster === undefined) clusters.set(attempt.answer, { votes: 1, value: worth(attempt, unknown) });
    else cluster.votes++;
  }
  return [...clusters.values()];
}

function ranged(values: (unknown: 0 | 1) => number[]): { share: Range; standardError: number | null } {
  const low = values(0);
  return { share: { low: mean(low), high: mean(values(1)) }, standardError: standardError(low) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
