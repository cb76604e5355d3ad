/** Estimates that say how sure they are: a middle, and bounds that the true number should lie within. Pure; measures nothing. */
import { z } from "zod";

export const Estimate = z.strictObject({ low: z.number(), mid: z.number(), high: z.number() });
/** Of a number that is not negative. */
export type Estimate = z.infer<typeof Estimate>;

export function exactly(value: number): Estimate {
  return { low: value, mid: value, high: value };
}

export const NOTHING: Estimate = exactly(0);

export function between(low: number, mid: number, high: number): Estimate {
  return { low: Math.min(low, mid), mid, high: Math.max(high, mid) };
}

/** A product. Both being low together is the widest that it can be. */
export function times(a: Estimate, b: Estimate | number): Estimate {
  const factor = typeof b === "number" ? exactly(b) : b;
  return { low: a.low * factor.low, mid: a.mid * factor.mid, high: a.high * factor.high };
}

/** A sum of terms that may all err in the same direction, as they do where one measurement stands behind them all. */
export function sum(terms: Iterable<Estimate>): Estimate {
  let total = NOTHING;
  for (const { low, mid, high } of terms) {
    total = { low: total.low + low, mid: total.mid + mid, high: total.high + high };
  }
  return total;
}

/** No more than `most`. */
export function capped({ low, mid, high }: Estimate, most: number): Estimate {
  return { low: Math.min(low, most), mid: Math.min(mid, most), high: Math.min(high, most) };
}

export function holds({ low, high }: Estimate, value: number): boolean {
  // Sums of fractions in binary: the bounds themselves are inside.
  return value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9);
}

/**
 * How sure each interval is. A plan shows some ten numbers that were measured, and all of them are to be right in 95 plans of
 * 100 (Bonferroni).
 */
export const SURE = 0.995;

/**
 * The sum over `count` items of which `n` were measured, with a 99.5 % interval: Student's t, and the correction for a sample
 * without replacement from a finite number (Cochran 1977, §2.6); the items measured are known, the rest is guessed. One
 * measured value says nothing of the spread: the interval then is from half to twice.
 */
export function totalFrom({ n, mean, deviation }: Moments, count: number): Estimate {
  if (n === 0) return NOTHING;
  if (n >= count) return exactly(mean * n);
  const mid = mean * count;
  if (n === 1) return between(mid / 2, mid, mid * 2);
  const half = studentT(n - 1) * deviation * Math.sqrt((count * (count - n)) / n);
  return between(Math.max(mean * n, mid - half), mid, mid + half);
}

/** Number, mean and standard deviation (with n − 1) of a sample. */
export interface Moments {
  n: number;
  mean: number;
  deviation: number;
}

export function momentsOf(sample: readonly number[]): Moments {
  const n = sample.length;
  if (n === 0) return { n, mean: 0, deviation: 0 };
  const mean = sample.reduce((a, b) => a + b, 0) / n;
  const squares = sample.reduce((a, x) => a + (x - mean) ** 2, 0);
  return { n, mean, deviation: n === 1 ? 0 : Math.sqrt(squares / (n - 1)) };
}

/** The mean of `part` further items from where the sample came from, with a 99.5 % interval for it. */
export function meanOfPart(sample: readonly number[], part: number): Estimate {
  const { n, mean, deviation } = momentsOf(sample);
  if (n < 2) return between(mean / 2, mean, mean * 2);
  const half = studentT(n - 1) * deviation * Math.sqrt(1 / n + 1 / Math.max(1, part));
  return between(Math.max(0, mean - half), mean, mean + half);
}

/** The 99.75 % quantile of Student's distribution. */
function studentT(degrees: number): number {
  const table = [
    ...[127.321, 14.089, 7.453, 5.598, 4.773, 4.317, 4.029, 3.833, 3.69, 3.581, 3.497, 3.428, 3.372, 3.326, 3.286],
    ...[3.252, 3.222, 3.197, 3.174, 3.153, 3.135, 3.119, 3.104, 3.091, 3.078, 3.067, 3.057, 3.047, 3.038, 3.03],
  ];
  // Beyond the table: Cornish and Fisher's first two terms, right to 0.001.
  return table[degrees - 1] ?? 2.807 + 6.231 / degrees + 12.85 / degrees ** 2;
}

/**
 * A total over `all` items of which `probed` were measured and came to the same, `each`: the next may not. What was not seen in n
 * items still happens to fewer than −ln(0.005)/n of them, 99.5 % sure (with 5 % it would be the rule of three). Such an odd one
 * comes to something between `least` and `most`.
 */
export function unvaried(
  each: number,
  probed: number,
  all: number,
  { least, most }: { least: number; most: number } = { least: each / 2, most: each * 2 },
): Estimate {
  const left = all - probed;
  const odd = Math.min(1, -Math.log(1 - SURE) / probed);
  const bound = (one: number) => each * probed + left * (each + odd * (one - each));
  return between(bound(least), each * all, bound(most));
}
