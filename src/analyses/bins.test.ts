import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countsIn, solveRateBins, wholeBins } from "./bins.ts";

describe("bins of solve rates", () => {
  it("name every count of few attempts", () => {
    const { names, binOf } = solveRateBins(8);
    expect(names).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
    for (let right = 0; right <= 8; right++) expect(names[binOf(right / 8)]).toBe(String(right));
  });

  it("set none and all apart from quarters of many", () => {
    const { names, binOf } = solveRateBins(16);
    const named = [0, 1, 4, 5, 8, 9, 12, 13, 15, 16].map((right) => names[binOf(right / 16)]);
    expect(named).toEqual(["none", "to ¼", "to ¼", "to ½", "to ½", "to ¾", "to ¾", "below all", "below all", "all"]);
  });
});

describe("bins of whole numbers", () => {
  it("hold every value, in no more bins than asked for", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5000), { minLength: 1 }), fc.integer({ min: 1, max: 20 }), (values, most) => {
        const bins = wholeBins(values, most);
        expect(bins.names.length).toBeLessThanOrEqual(most);
        expect(countsIn(bins, values).reduce((a, b) => a + b)).toBe(values.length);
        for (const value of values) {
          const [from = Number.NaN, to = from] = (bins.names[bins.binOf(value)] ?? "").split("–").map(Number);
          expect(value).toBeGreaterThanOrEqual(from);
          expect(value).toBeLessThanOrEqual(to);
        }
      }),
    );
  });

  it("are one where there is nothing", () => {
    expect(countsIn(wholeBins([], 5), [])).toEqual([0]);
  });
});
