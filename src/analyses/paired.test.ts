import { describe, expect, it } from "vitest";
import { rng } from "../core/rng.ts";
import { comparePaired, detectable, holm, verdictSentence } from "./paired.ts";
import { standardError } from "./scores.ts";
import { signFlip } from "./sign-flip.ts";

const names = { first: "A", second: "B" };

describe("the sign-flip test", () => {
  it("gives Fisher's number for Darwin's maize", () => {
    // Fisher, The Design of Experiments (1935), §21: of 32,768 sums 863 are as large as 314 with its sign, so 1,726 either way.
    const maize = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];
    expect(signFlip(maize, 1, rng(1))).toEqual({ p: 1726 / 32768, exact: true });
  });

  it("draws where the differences have no common measure, with about the same answer", () => {
    const maize = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48].map((size) => size / Math.PI);
    const { p, exact } = signFlip(maize, 1, rng(1));
    expect(exact).toBe(false);
    expect(Math.abs(p - 1726 / 32768)).toBeLessThan(0.006);
  });

  it("is a coin's for one problem, and says nothing of none", () => {
    expect(signFlip([1], 16, rng(1)).p).toBe(1);
    expect(signFlip([1, 1, 1, 1, 1, 1], 16, rng(1)).p).toBeCloseTo(2 / 64, 12);
    expect(signFlip([0, 0], 16, rng(1)).p).toBe(1);
  });

  it("finds nothing five times in a hundred where there is nothing", () => {
    let found = 0;
    for (let trial = 0; trial < 400; trial++) {
      const random = rng(trial);
      const differences = Array.from({ length: 25 }, () => (random.int(9) - 4) / 4);
      if (signFlip(differences, 4, random).p < 0.05) found++;
    }
    expect(found / 400).toBeLessThan(0.08);
    expect(found / 400).toBeGreaterThan(0.02);
  });
});

describe("paired comparison", () => {
  it("has the paired error, which is smaller than that of two samples", () => {
    const first = [0, 0.25, 0.5, 0.75, 1, 0.5];
    const second = [0.25, 0.5, 0.5, 1, 1, 0.75];
    const compared = comparePaired(first, second, { rng: rng(1), denominator: 4 });
    expect(compared.difference).toBeCloseTo(1 / 6, 12);
    expect([compared.better, compared.worse]).toEqual([4, 0]);
    // Differences 1/4 four times and 0 twice: variance (4·(1/12)² + 2·(1/6)²)/5 = 1/60
    expect(compared.standardError).toBeCloseTo(Math.sqrt(1 / 60 / 6), 12);
    expect(compared.p).toBeCloseTo(2 / 16, 12);
    expect(compared.exact).toBe(true);
    expect(compared.low).toBeLessThan(compared.difference);
  });

  it("says what so many problems can show: 2.8 standard errors", () => {
    expect(detectable(1)).toBeCloseTo(2.8, 2);
    // With a standard deviation of 0.5 over 12 pairs (a published power table): 0.404374
    expect(detectable(0.5 / Math.sqrt(12))).toBeCloseTo(0.404374, 6);
    // And it does: a true difference of that size is found about four times in five, at ±1.96 errors.
    let found = 0;
    for (let trial = 0; trial < 1000; trial++) {
      const random = rng(trial);
      const differences = Array.from({ length: 60 }, () => detectable(1 / Math.sqrt(60)) + random.normal());
      const mean = differences.reduce((sum, difference) => sum + difference, 0) / 60;
      if (Math.abs(mean) > 1.96 * (standardError(differences) ?? 0)) found++;
    }
    expect(found / 1000).toBeGreaterThan(0.76);
    expect(found / 1000).toBeLessThan(0.84);
  });

  it("says plainly what was found", () => {
    const better = comparePaired(new Array(10).fill(0.25), new Array(10).fill(0.75), { rng: rng(1), denominator: 4 });
    expect(verdictSentence(better, names)).toBe(
      "B is better than A by 50.0 points (second minus first: 95 % interval +50.0 to +50.0, p = 0.002)",
    );
    const same = comparePaired([0, 1], [0, 1], { rng: rng(1), denominator: 1 });
    expect(verdictSentence(same, names)).toContain("no difference: both scored the same on each of 2 problems");
    const first = Array.from({ length: 30 }, (_, i) => (i % 4) / 4);
    const second = first.map((score, i) => (i % 3 === 0 ? 0.75 - score : score));
    const noise = comparePaired(first, second, { rng: rng(1), denominator: 4 });
    expect(verdictSentence(noise, names)).toMatch(
      /^inside the noise: 30 problems cannot show less than ±\d+\.\d points \([+−]\d+\.\d points, 95 % interval [+−]\d+\.\d to [+−]\d+\.\d, p = \d\.\d{3}\)$/,
    );
  });

  it("refuses lists that do not pair", () => {
    expect(() => comparePaired([1], [1, 2], { rng: rng(1), denominator: 1 })).toThrow(RangeError);
  });
});

describe("Holm's adjustment", () => {
  it("gives the worked numbers", () => {
    // Holm (1979): (m − rank) · p, kept from falling.
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
    expect(holm([0.9, 0.8])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });
});
