/** The permutation test for paired differences: how often would chance signs give as large a sum? Pure, seeded. */
import type { Rng } from "../core/rng.ts";

export interface SignFlip {
  /** Two-sided: the chance of a sum at least as far from zero, if each difference were as likely to have the other sign. */
  p: number;
  /** Whether all sign assignments were counted, or a sample of them was drawn. */
  exact: boolean;
}

/** Greatest number of additions for an exact count. */
const MOST_WORK = 2e8;
const DRAWS = 20_000;

/**
 * Fisher's randomisation test. Exact where the differences are multiples of 1/`denominator` (with k attempts at each problem by
 * both models: k), by counting the ways to reach each sum; else from 20,000 random assignments, the observed one counted in.
 */
export function signFlip(differences: readonly number[], denominator: number, rng: Rng): SignFlip {
  const units = differences.map((difference) => Math.abs(difference) * denominator).filter((size) => size > 1e-9);
  const whole = units.map(Math.round);
  const reach = whole.reduce((sum, size) => sum + size, 0);
  const isWhole = units.every((size, i) => Math.abs(size - (whole[i] ?? 0)) < 1e-6);
  const observed = Math.abs(differences.reduce((sum, difference) => sum + difference, 0)) * denominator;
  if (units.length === 0) return { p: 1, exact: true };
  if (isWhole && reach * units.length < MOST_WORK)
    return { p: exactTail(whole, reach, Math.round(observed)), exact: true };
  let asFar = 1;
  for (let draw = 0; draw < DRAWS; draw++) {
    const sum = units.reduce((total, size) => total + (rng.uint32() & 1 ? size : -size), 0);
    if (Math.abs(sum) >= observed - 1e-9) asFar++;
  }
  return { p: asFar / (DRAWS + 1), exact: false };
}

/** P(|Σ ± sizes| ≥ observed) with fair signs, from the distribution of the sum of those that are positive. */
function exactTail(sizes: readonly number[], reach: number, observed: number): number {
  // chance[s]: that the sizes with a plus sign sum to s. The signed sum is 2s − reach.
  let chance = new Float64Array(reach + 1);
  chance[0] = 1;
  let top = 0;
  for (const size of sizes) {
    const next = new Float64Array(reach + 1);
    for (let s = 0; s <= top; s++) {
      const half = (chance[s] ?? 0) / 2;
      next[s] = (next[s] ?? 0) + half;
      next[s + size] = (next[s + size] ?? 0) + half;
    }
    top += size;
    chance = next;
  }
  return chance.reduce((sum, each, s) => (Math.abs(2 * s - reach) >= observed ? sum + each : sum), 0);
}
