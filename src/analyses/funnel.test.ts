import { describe, expect, it } from "vitest";
import { funnelTally, reasonKind } from "./funnel.ts";

describe("a funnel", () => {
  it("counts what each step took and what was left", () => {
    const tally = funnelTally(["read", "sift"]);
    for (let i = 0; i < 5; i++) tally.add(undefined);
    for (let i = 0; i < 4; i++)
      tally.add({ step: "sift", reason: `${i} words; "x${i}"`, id: `s${i}`, text: "long ".repeat(500) });
    tally.add({ step: "read", reason: "torn", id: "r", text: "half" });
    const funnel = tally.funnel();
    expect(funnel.asked).toBe(10);
    expect(funnel.steps).toEqual([
      { step: "read", dropped: 1, left: 9 },
      { step: "sift", dropped: 4, left: 5 },
    ]);
    expect(funnel.reasons.map(({ step, reason, count }) => [step, reason, count])).toEqual([
      ["sift", "n words; …", 4],
      ["read", "torn", 1],
    ]);
    expect(funnel.reasons[0]?.examples.map(({ id }) => id)).toEqual(["s0", "s1", "s2"]);
    expect(funnel.reasons[0]?.examples[0]?.text.length).toBe(600);
  });

  it("refuses a step that it does not have", () => {
    expect(() => funnelTally(["a"]).add({ step: "b", reason: "", id: "", text: "" })).toThrow(/no step "b"/);
  });

  it("counts ever new reasons together after a while", () => {
    const tally = funnelTally(["a"]);
    for (let i = 0; i < 26 * 26; i++) {
      const letters = String.fromCharCode(97 + Math.floor(i / 26), 97 + (i % 26));
      tally.add({ step: "a", reason: letters, id: "", text: "" });
    }
    const { reasons } = tally.funnel();
    expect(reasons).toHaveLength(201);
    expect(reasons[0]).toMatchObject({ reason: "other reasons", count: 26 * 26 - 200 });
  });

  it("takes reasons that differ in numbers and quotations for one", () => {
    expect(reasonKind('concept-unused: 1 of 3 used; not "a \\"b\\" c"')).toBe("concept-unused: n of n used; not …");
  });
});
