import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rng } from "../core/rng.ts";
import { between, capped, exactly, holds, meanOfPart, momentsOf, sum, times, totalFrom, unvaried } from "./estimate.ts";

describe("estimates", () => {
  it("keep their order through sums, products and caps", () => {
    const estimate = fc
      .tuple(
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.double({ min: 0, max: 1e6, noNaN: true }),
      )
      .map(([a, b, c]) => between(a, b, c));
    fc.assert(
      fc.property(estimate, estimate, fc.double({ min: 0, max: 1e6, noNaN: true }), (a, b, most) => {
        for (const { low, mid, high } of [a, b, sum([a, b]), times(a, b), capped(a, most)]) {
          expect(low).toBeLessThanOrEqual(mid);
          expect(mid).toBeLessThanOrEqual(high);
        }
      }),
    );
  });

  it("of a total are exact once everything is measured, and know what was measured", () => {
    expect(totalFrom(momentsOf([1, 2, 3]), 3)).toEqual(exactly(6));
    expect(totalFrom(momentsOf([10, 1, 1, 1]), 5).low).toBeGreaterThanOrEqual(13);
    expect(totalFrom(momentsOf([5]), 10)).toEqual(between(25, 50, 100));
    expect(totalFrom(momentsOf([]), 10)).toEqual(exactly(0));
  });

  it("hold the true total in some 99.5 % of samples, so that ten are all held in 95 %, and the mean of a further part likewise", () => {
    const random = rng("estimate.test");
    const population = Array.from({ length: 200 }, () =>
      Math.exp(0.5 * (random.next() + random.next() + random.next())),
    );
    const whole = population.reduce((a, b) => a + b, 0);
    const [totals, parts] = [[], []] as [boolean[], boolean[]];
    for (let i = 0; i < 2000; i++) {
      const shuffled = random.shuffle(population);
      const sample = shuffled.slice(0, 8);
      totals.push(holds(totalFrom(momentsOf(sample), population.length), whole));
      const part = momentsOf(shuffled.slice(8, 28)).mean;
      parts.push(holds(meanOfPart(sample, 20), part));
    }
    for (const held of [totals, parts]) {
      const share = held.filter(Boolean).length / held.length;
      expect(share).toBeGreaterThan(0.985);
      expect(share).toBeLessThan(0.999);
    }
  });

  it("of what never varied allow for what was not seen", () => {
    const { low, mid, high } = unvaried(0, 20, 120, { least: 0, most: 10 });
    expect([low, mid]).toEqual([0, 0]);
    // Were more than this share odd, twenty would have shown one in 99.5 % of samples.
    expect(high / 10 / 100).toBeCloseTo(1 - 0.005 ** (1 / 20), 1);
    expect(unvaried(7, 1, 10)).toEqual(between(7 + 9 * 3.5, 70, 7 + 9 * 14));
    expect(unvaried(7, 10, 10)).toEqual(exactly(70));
  });

  it("take their bounds as inside, rounding included", () => {
    expect(holds(between(0.1 + 0.2, 1, 2), 0.3)).toBe(true);
    expect(holds(between(1, 2, 3), 3.01)).toBe(false);
  });
});
