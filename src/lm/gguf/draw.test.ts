import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { draw, type Head, logprobAt } from "./draw.ts";

/** The whole distribution of the logits, and only its first `shown` tokens. */
function heads(values: readonly number[], shown: number): { whole: Head; head: Head } {
  const order = values.map((logit, id) => ({ id, logit })).sort((a, b) => b.logit - a.logit || a.id - b.id);
  const [ids, logits] = [order.map(({ id }) => id), order.map(({ logit }) => logit)];
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - logits[0]!), 0);
  const whole = { ids, logits, total, vocabSize: values.length };
  return { whole, head: { ...whole, ids: ids.slice(0, shown), logits: logits.slice(0, shown) } };
}

const logit = fc.double({ min: -20, max: 20, noNaN: true });
const temperature = fc.constantFrom(0.1, 0.6, 0.9, 1, 1.3, 2);
const topP = fc.constantFrom(1, 0.95, 0.5, 0.01);
const uniform = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("draw", () => {
  it("gives from a head what it gives from the whole, or says that it cannot tell", () => {
    let told = 0;
    fc.assert(
      fc.property(
        fc.array(logit, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 60 }),
        temperature,
        topP,
        uniform,
        (values, shown, t, p, u) => {
          const { whole, head } = heads(values, shown);
          const place = draw(whole, t, p, u);
          expect(place).toBeDefined();
          const seen = draw(head, t, p, u);
          if (seen !== undefined) told++;
          expect([place, undefined]).toContain(seen);
        },
      ),
      { numRuns: 2000 },
    );
    expect(told).toBeGreaterThan(1000);
  });

  it("draws each token as often as its tempered probability says", () => {
    const values = [2, 1, 0, -1];
    const { whole } = heads(values, 4);
    const weights = values.map((value) => Math.exp(value / 0.7));
    const sum = weights.reduce((a, b) => a + b);
    const counts = values.map(() => 0);
    const draws = 10_000;
    for (let i = 0; i < draws; i++) counts[whole.ids[draw(whole, 0.7, 1, (i + 0.5) / draws)!]!]!++;
    for (const [id, count] of counts.entries()) expect(Math.abs(count / draws - weights[id]! / sum)).toBeLessThan(2e-4);
  });

  it("keeps the smallest set of the likeliest that reaches topP, tempered", () => {
    // Probabilities 0.5, 0.3, 0.2; at temperature 2 they are 0.415, 0.322, 0.263.
    const { whole } = heads([0.5, 0.3, 0.2].map(Math.log), 3);
    const last = (t: number, p: number) => draw(whole, t, p, 0.999999);
    expect([last(1, 0.5), last(1, 0.51), last(1, 0.79), last(1, 0.81)]).toEqual([0, 1, 1, 2]);
    expect([last(2, 0.5), last(2, 0.7), last(2, 0.75)]).toEqual([1, 1, 2]);
    expect(draw(whole, 1, 0.79, 0.62)).toBe(0);
    expect(draw(whole, 1, 0.79, 0.63)).toBe(1);
  });

  it("takes the likeliest at temperature 0, and gives untempered log-probabilities", () => {
    const { whole, head } = heads([0.2, 0.5, 0.3].map(Math.log), 1);
    expect(draw(head, 0, 1, 0)).toBe(0);
    expect(head.ids).toEqual([1]);
    expect(logprobAt(head, 0)).toBeCloseTo(Math.log(0.5), 12);
    expect(logprobAt(whole, 2)).toBeCloseTo(Math.log(0.2), 12);
  });
});
