/**
 * Codeforces ratings from what a model solved: by maximum likelihood against the ratings of the problems, or by the protocol of
 * CodeElo (Quan et al. 2025, arXiv 2501.01257), which DeepCoder uses too, against the standings of the contests. Pure.
 * The formulas, their sources and the places where the published script differs from its description: docs/design/evaluation.md.
 */
import type { Rng } from "../core/rng.ts";

export interface Rating {
  /** Null where no finite rating is most likely: nothing was solved, or everything. */
  rating: number | null;
  /** 95 % interval; null where it has no end on that side. */
  low: number | null;
  high: number | null;
  /** Problems, or contests, that it rests on. */
  from: number;
}

/** A problem of known rating and how often it was solved. */
export interface RatedResult {
  rating: number;
  /** Chance that it is solved: 0 or 1 for one try, or a share of several (pass@k). */
  solved: number;
}

/** The chance that a participant rated `a` does better than one rated `b`; for a problem rated `b`, that `a` solves it. */
export function winChance(a: number, b: number): number {
  return 1 / (1 + 10 ** ((b - a) / 400));
}

/** 95 % point of χ² with one degree of freedom. */
const CHI2_95 = 3.841458820694124;
/** Where ratings are looked for. Codeforces problems are rated 800 to 3,500. */
const [LEAST, MOST] = [-4000, 9000];

/**
 * The rating d that makes the results most likely under P(solve) = 1 / (1 + 10^((r − d)/400)), with the interval of ratings whose
 * log-likelihood is within χ²/2 of the best. One observation a problem: several tries at it are not independent ones.
 */
export function ratingFromProblems(results: readonly RatedResult[]): Rating {
  if (results.length === 0) throw new RangeError("ratingFromProblems: there are no rated problems");
  const solved = results.reduce((sum, result) => sum + result.solved, 0);
  const excess = (d: number) => results.reduce((sum, { rating }) => sum + winChance(d, rating), 0) - solved;
  const [all, none] = [solved === results.length, solved === 0];
  // The derivative of the log-likelihood falls with d: one root.
  const best = all || none ? null : bisect(excess, LEAST, MOST);
  const top = best === null ? 0 : logLikelihood(results, best);
  const deficit = (d: number) => 2 * (top - logLikelihood(results, d)) - CHI2_95;
  return {
    rating: best,
    low: none ? null : bisect((d) => -deficit(d), LEAST, best ?? MOST),
    high: all ? null : bisect(deficit, best ?? LEAST, MOST),
    from: results.length,
  };
}

function logLikelihood(results: readonly RatedResult[], d: number): number {
  return results.reduce((sum, { rating, solved }) => {
    const x = ((d - rating) / 400) * Math.LN10;
    return sum - solved * softplus(-x) - (1 - solved) * softplus(x);
  }, 0);
}

/** log(1 + e^x) */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** The root of a function that rises from below zero to above it. */
function bisect(rising: (x: number) => number, from: number, to: number): number {
  let [low, high] = [from, to];
  while (high - low > 1e-6) {
    const middle = (low + high) / 2;
    if (rising(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** A contest's official results: who took part with which rating before it, and what they scored. */
export interface Contest {
  id: string;
  /** In order of place. */
  participants: readonly { rating: number; points: number; penalty: number }[];
  /** Points of a problem; without them each is worth 1 and wrong tries cost time (ICPC rules). */
  problems: readonly { index: string; points?: number | undefined }[];
}

/** The tries at each problem of a contest in their order, by the problem's index; true is accepted. */
export type Tries = ReadonlyMap<string, readonly boolean[]>;

/** CodeElo's prices of a wrong try before the accepted one: points, or minutes under ICPC rules. */
const POINTS_PER_FAIL = 50;
const MINUTES_PER_FAIL = 10;

/** Points and penalty after at most `limit` tries a problem (CodeElo: 8). The time that a solution took is not counted. */
export function contestScore({ problems }: Contest, tries: Tries, limit: number): { points: number; penalty: number } {
  let [points, penalty] = [0, 0];
  for (const problem of problems) {
    const fails = (tries.get(problem.index) ?? []).slice(0, limit).indexOf(true);
    if (fails < 0) continue;
    if (problem.points !== undefined) points += Math.max(0, problem.points - POINTS_PER_FAIL * fails);
    else {
      points += 1;
      penalty += MINUTES_PER_FAIL * fails;
    }
  }
  return { points, penalty };
}

/** The place that the score takes among the participants, 1 being the first; who scored the same stands ahead. */
export function contestPlace({ participants }: Contest, score: { points: number; penalty: number }): number {
  const beaten = participants.findIndex(
    ({ points, penalty }) => points < score.points || (points === score.points && penalty > score.penalty),
  );
  return (beaten < 0 ? participants.length : beaten) + 1;
}

/** Place to be expected of a newcomer rated `rating`: 1 + Σ P(a participant does better). */
export function expectedPlace(contest: Contest, rating: number): number {
  return contest.participants.reduce((sum, participant) => sum + winChance(participant.rating, rating), 1);
}

/**
 * The rating whose expected place is the place taken, between 0 and 100 above the best participant's (CodeElo's bounds, which cap
 * a winner's rating). The published script compares the expected place with the number of participants ahead, one less than
 * the place; `script: true` does the same, to compare with published ratings.
 */
export function contestRating(contest: Contest, place: number, { script }: { script: boolean }): number {
  const cap = Math.max(...contest.participants.map(({ rating }) => rating)) + 100;
  const target = script ? place - 1 : place;
  // The expected place falls as the rating rises.
  return bisect((rating) => target - expectedPlace(contest, rating), 0, cap);
}

/** Mean of the contests' ratings, with a percentile interval over contests drawn with replacement. */
export function meanRating(ratings: readonly number[], rng: Rng, replicates = 2000): Rating {
  if (ratings.length === 0) throw new RangeError("meanRating: there are no contests");
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  if (ratings.length === 1) return { rating: mean(ratings), low: null, high: null, from: 1 };
  const means = Array.from({ length: replicates }, () => mean(ratings.map(() => rng.pick(ratings)))).sort(
    (a, b) => a - b,
  );
  const at = (share: number) => means[Math.min(replicates - 1, Math.floor(share * replicates))] ?? Number.NaN;
  return { rating: mean(ratings), low: at(0.025), high: at(0.975), from: ratings.length };
}
