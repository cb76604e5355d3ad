import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { draw, greedy } from "./draw.ts";

const weights = fc
  .array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 12 })
  .filter((w) => w.some((x) => x > 0));

/** A row with other rows around it, as in a batch. */
function row(probs: readonly number[]): { array: Float32Array; from: number; to: number } {
  return { array: Float32Array.from([0.9, ...probs, 0.9]), from: 1, to: 1 + probs.length };
}

describe("draw", () => {
  it("gives each token its share of uniform numbers", () => {
    fc.assert(
      fc.property(weights, (w) => {
        const total = w.reduce((a, b) => a + b);
        const { array, from, to } = row(w.map((x) => x / total));
        const counts = w.map(() => 0);
        // The midpoint of each part of 1/total falls to the token that owns the part.
        for (let i = 0; i < total; i++) counts[draw(array, from, to, 1, (i + 0.5) / total)]!++;
        expect(counts).toEqual(w);
      }),
    );
  });

  it("keeps the smallest likeliest set that reaches top-p, in proportion", () => {
    const { array, from, to } = row([0.1, 0.4, 0.2, 0.3]);
    const drawn = (topP: number) => {
      const ids = Array.from({ length: 70 }, (_, i) => draw(array, from, to, topP, (i + 0.5) / 70));
      return [0, 1, 2, 3].map((id) => ids.filter((x) => x === id).length);
    };
    expect(drawn(0.69)).toEqual([0, 40, 0, 30]);
    expect(drawn(0.35)).toEqual([0, 70, 0, 0]);
    expect(drawn(0.71)[2]).toBeGreaterThan(0);
    expect(drawn(0.71)[0]).toBe(0);
  });

  it("never draws an impossible token, whatever the number", () => {
    const { array, from, to } = row([0, 0.5, 0, 0.5, 0]);
    for (const uniform of [0, 0.25, 0.5, 0.75, 1 - 2 ** -53])
      for (const topP of [1, 0.99]) expect([1, 3]).toContain(draw(array, from, to, topP, uniform));
  });
});

/** What `draw` promises for topP < 1, word for word: all tokens in order, the first that reach `topP`, the one that passes the share. */
function bySorting(probs: Float32Array, from: number, to: number, topP: number, uniform: number): number {
  const order = Array.from({ length: to - from }, (_, i) => i);
  order.sort((a, b) => probs[from + b]! - probs[from + a]! || a - b);
  let kept = 0;
  let mass = 0;
  while (kept < order.length && mass < topP) mass += probs[from + order[kept++]!]!;
  let sum = 0;
  for (const id of order.slice(0, kept)) {
    sum += probs[from + id]!;
    if (sum > uniform * mass) return id;
  }
  return order[kept - 1]!;
}

describe("top-p", () => {
  const shapes = fc.constantFrom(
    (x: number) => x,
    (x: number) => x ** 8, // a few likely ones
    (x: number) => Math.round(3 * x), // many equals, many impossible
    (x: number) => Math.exp(40 * x), // next to certain
  );
  const share = fc.double({ min: 0.001, max: 1, maxExcluded: true, noNaN: true });
  const rows = fc
    .tuple(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 300 }), shapes)
    .map(([xs, shape]) => xs.map(shape))
    .filter((w) => w.some((x) => x > 1e-30));

  it("draws what sorting the whole vocabulary would draw", () => {
    fc.assert(
      fc.property(rows, share, share, (w, topP, uniform) => {
        const total = w.reduce((a, b) => a + b);
        const { array, from, to } = row(w.map((x) => x / total));
        expect(draw(array, from, to, topP, uniform)).toBe(bySorting(array, from, to, topP, uniform));
      }),
      { numRuns: 2000 },
    );
  });

  it("also where rounding leaves the likely tokens short of top-p", () => {
    const { array, from, to } = row(Array.from({ length: 200 }, (_, i) => (i < 100 ? 0.008 : 0.0004))); // sums to 0.84
    for (const uniform of [0, 0.5, 0.99])
      expect(draw(array, from, to, 0.9, uniform)).toBe(bySorting(array, from, to, 0.9, uniform));
  });
});

describe("greedy", () => {
  it("takes the likeliest, and of equals the lowest id", () => {
    const { array, from, to } = row([-3, -1, -2, -1]);
    expect(greedy(array, from, to)).toBe(1);
  });
});
