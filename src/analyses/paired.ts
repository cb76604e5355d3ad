/**
 * Whether two models differ on the same problems: paired differences, their interval, a permutation test, and what so many problems
 * could have shown at all. Pure, seeded. Problems are the clusters.
 */
import { z } from "zod";
import type { Rng } from "../core/rng.ts";
import { clusteredMean } from "./bootstrap.ts";
import { standardError, Z95 } from "./scores.ts";
import { signFlip } from "./sign-flip.ts";

export const PairedComparison = z.strictObject({
  problems: z.number().int(),
  /** Mean of the first, mean of the second, and second minus first: shares, not percentages. */
  first: z.number(),
  second: z.number(),
  difference: z.number(),
  /** Problems on which the second did better, and worse. */
  better: z.number().int(),
  worse: z.number().int(),
  standardError: z.number().nullable(),
  /** 95 % bootstrap interval of the difference, problems drawn with replacement. */
  low: z.number(),
  high: z.number(),
  /** Of the sign-flip permutation test, two-sided. */
  p: z.number(),
  exact: z.boolean(),
  /** Least true difference that such a comparison would find four times in five at the 5 % level; null where no problem told the models apart. */
  detectable: z.number().nullable(),
});
export type PairedComparison = z.infer<typeof PairedComparison>;

/** 80 % point of the normal distribution: the power for which `detectable` is stated. */
const Z80 = 0.8416212335729143;

/** The level of the test. */
export const LEVEL = 0.05;

/**
 * @param first a score for each problem, such as its solve rate
 * @param second the same problems' scores under the other model, in the same order
 * @param denominator the scores are multiples of 1/denominator (number of attempts), which makes the test exact
 */
export function comparePaired(
  first: readonly number[],
  second: readonly number[],
  { rng, denominator }: { rng: Rng; denominator: number },
): PairedComparison {
  if (first.length !== second.length || first.length === 0) {
    throw new RangeError(`comparePaired: ${first.length} and ${second.length} scores cannot be paired`);
  }
  const differences = second.map((score, i) => score - (first[i] ?? 0));
  const error = standardError(differences);
  const { mean, low, high } = clusteredMean([differences.map((difference) => [difference])], rng.fork("bootstrap"));
  const { p, exact } = signFlip(differences, denominator, rng.fork("sign-flip"));
  return {
    problems: first.length,
    first: average(first),
    second: average(second),
    difference: mean,
    better: differences.filter((difference) => difference > 0).length,
    worse: differences.filter((difference) => difference < 0).length,
    standardError: error,
    ...{ low, high, p, exact },
    detectable: error === null || error === 0 ? null : detectable(error),
  };
}

/** (z₀.₉₇₅ + z₀.₈) · SE: "2.8 standard errors" (Gelman and Hill 2007, §20.2; Miller 2024, §5). */
export function detectable(standardError: number): number {
  return (Z95 + Z80) * standardError;
}

/** Holm's adjusted p-values, in the order given: for several comparisons at once. */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((p, i) => ({ p, i })).sort((a, b) => a.p - b.p);
  const adjusted = new Array<number>(ps.length);
  let running = 0;
  for (const [rank, { p, i }] of order.entries()) {
    running = Math.max(running, Math.min(1, (ps.length - rank) * p));
    adjusted[i] = running;
  }
  return adjusted;
}

/** The comparison in one plain sentence. @param name of the second model @param p the p-value to judge by, if it was adjusted */
export function verdictSentence(
  comparison: PairedComparison,
  names: { first: string; second: string },
  p = comparison.p,
): string {
  const { problems, difference, low, high } = comparison;
  const count = `${problems} problem${problems === 1 ? "" : "s"}`;
  if (comparison.better + comparison.worse === 0) {
    return `no difference: both scored the same on each of ${count}, so nothing can be said of how far apart they are`;
  }
  const interval = `95 % interval ${points(low)} to ${points(high)}, p = ${shownP(p)}`;
  if (p < LEVEL) {
    const [winner, loser] = difference > 0 ? [names.second, names.first] : [names.first, names.second];
    return `${winner} is better than ${loser} by ${points(Math.abs(difference)).slice(1)} points (second minus first: ${interval})`;
  }
  const least = comparison.detectable;
  const limit = least === null ? "" : `: ${count} cannot show less than ±${(100 * least).toFixed(1)} points`;
  return `inside the noise${limit} (${points(difference)} points, ${interval})`;
}

/** In percentage points, with the sign. */
function points(share: number): string {
  const text = (100 * share).toFixed(1);
  return share < 0 ? text.replace("-", "−") : `+${text}`;
}

function shownP(p: number): string {
  return p < 0.001 ? p.toExponential(0).replace("-", "−") : p.toFixed(3);
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
