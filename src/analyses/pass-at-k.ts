/** The chance that at least one of k attempts is right, from n attempts of which c were. Pure; knows no problem. */

/**
 * Unbiased estimate 1 − C(n−c, k) / C(n, k) (Chen et al. 2021, eq. 1), as a product of ratios, so that no binomial is ever formed.
 * @throws RangeError unless 0 ≤ c ≤ n and 1 ≤ k ≤ n: from fewer than k attempts there is no such estimate
 */
export function passAtK(n: number, c: number, k: number): number {
  if (!(c >= 0 && c <= n && k >= 1 && k <= n)) {
    throw new RangeError(`passAtK: needs 0 ≤ c ≤ n and 1 ≤ k ≤ n, got n ${n}, c ${c}, k ${k}`);
  }
  // The share of k-subsets without any of the c right ones: each right attempt in turn misses all k places.
  let none = 1;
  for (let i = 0; i < c; i++) none *= Math.max(0, n - k - i) / (n - i);
  return 1 - none;
}
