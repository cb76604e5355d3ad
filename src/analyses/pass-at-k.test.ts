import { describe, expect, it } from "vitest";
import { passAtK } from "./pass-at-k.ts";

/** The definition: the share of k-subsets of n attempts, the first c of them right, that hold a right one. */
function bruteForce(n: number, c: number, k: number): number {
  let [hits, all] = [0, 0];
  for (let subset = 0; subset < 1 << n; subset++) {
    const members = Array.from({ length: n }, (_, i) => i).filter((i) => subset & (1 << i));
    if (members.length !== k) continue;
    all++;
    if (members.some((i) => i < c)) hits++;
  }
  return hits / all;
}

describe("pass@k", () => {
  it("is the share of subsets with a right attempt", () => {
    for (let n = 1; n <= 9; n++) {
      for (let c = 0; c <= n; c++)
        for (let k = 1; k <= n; k++) expect(passAtK(n, c, k)).toBeCloseTo(bruteForce(n, c, k), 12);
    }
  });

  it("gives the worked numbers", () => {
    expect(passAtK(5, 2, 3)).toBeCloseTo(0.9, 12);
    expect(passAtK(16, 4, 1)).toBe(0.25);
    expect(passAtK(2, 1, 2)).toBe(1);
    expect(passAtK(10, 0, 10)).toBe(0);
  });

  it("stays exact where binomials overflow", () => {
    // k = 1 is c / n; one right attempt among n is within k of them with chance k / n.
    expect(passAtK(100_000, 12_345, 1)).toBeCloseTo(0.12345, 12);
    expect(passAtK(100_000, 1, 30_000)).toBeCloseTo(0.3, 12);
    expect(passAtK(5000, 2500, 2500)).toBe(1);
  });

  it("is unbiased", () => {
    // E over c ~ Binomial(n, p) is 1 − (1 − p)^k.
    const [n, p, k] = [12, 0.3, 5];
    let expected = 0;
    let weight = (1 - p) ** n;
    for (let c = 0; c <= n; c++) {
      expected += weight * passAtK(n, c, k);
      weight *= ((n - c) / (c + 1)) * (p / (1 - p));
    }
    expect(expected).toBeCloseTo(1 - (1 - p) ** k, 12);
  });

  it("refuses what has no estimate", () => {
    expect(() => passAtK(4, 1, 5)).toThrow(RangeError);
    expect(() => passAtK(4, 5, 1)).toThrow(RangeError);
  });
});
