import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rng } from "../../core/rng.ts";
import { pairBias } from "./bias.ts";
import { byTask, type Judged, type PairRules, pairCap, pairsOfTask, sides } from "./pairs.ts";
import type { GoodLabel, GoodRollout, Graded } from "./records.ts";

const rules: PairRules = {
  majorityCap: { low: 2, high: 4, leastMargin: 0.25 },
  balanceLength: false,
  nearMisses: false,
  truncatedRejected: false,
};
const given: GoodLabel = { source: "given", taskId: "t", gold: { kind: "answer", answer: "7" } };
const majority = (margin: number): GoodLabel => ({
  source: "majority",
  taskId: "t",
  gold: { kind: "answer", answer: "7" },
  ballot: { generations: 8, votes: 8, margin, clusters: [] },
  meanTokens: 0,
});

function judged(
  verdict: Graded["verdict"]["verdict"],
  text: string,
  more: { tokens?: number; truncated?: boolean; invalid?: string } = {},
): Judged {
  const rollout: GoodRollout = {
    ...{ ok: true, id: `${verdict}/${text}`, taskId: "t", index: 0, text, ids: [1, 2] },
    ...{ tokens: more.tokens ?? 10, truncated: more.truncated ?? false },
  };
  const graded = { rolloutId: rollout.id, taskId: "t", verdict: { verdict, stage: "s", reason: "r" } };
  return { rollout, graded: { ...graded, invalid: more.invalid ?? null } };
}
const many = (verdict: Graded["verdict"]["verdict"], count: number) =>
  Array.from({ length: count }, (_, i) => judged(verdict, `${verdict} ${i}`));
const pairs = (all: readonly Judged[], label: GoodLabel = given, more: Partial<PairRules> = {}, seed = 1) =>
  pairsOfTask("t", all, label, { ...rules, ...more }, rng(seed));

describe("pairs", () => {
  it("are as many as the smaller side has", () => {
    expect(pairs([...many("correct", 3), ...many("wrong", 5)])).toHaveLength(3);
    expect(pairs([...many("correct", 7), ...many("wrong", 1)])).toHaveLength(1);
    expect(pairs(many("correct", 8))).toHaveLength(0);
  });

  it("are not made of unknown verdicts", () => {
    expect(pairs(many("unknown", 8))).toHaveLength(0);
    expect(pairs([...many("unknown", 7), ...many("correct", 1)])).toHaveLength(0);
  });

  it("are capped by what speaks for the label", () => {
    const all = [...many("correct", 4), ...many("wrong", 4)];
    expect([0.25, 0.5, 0.625, 1].map((margin) => pairCap(majority(margin), rules))).toEqual([2, 2, 3, 4]);
    expect([0.25, 0.625, 1].map((margin) => pairs(all, majority(margin)).length)).toEqual([2, 3, 4]);
    expect(pairs(all, given)).toHaveLength(4);
  });

  it("never take a rollout twice, nor two of one text", () => {
    const all = [...many("correct", 3), judged("correct", "correct 0"), ...many("wrong", 3)];
    fc.assert(
      fc.property(fc.integer(), fc.boolean(), fc.boolean(), (seed, balanceLength, nearMisses) => {
        const made = pairs(all, given, { balanceLength, nearMisses }, seed);
        expect(made).toHaveLength(3);
        expect(new Set(made.flatMap(({ chosen, rejected }) => [chosen, rejected])).size).toBe(6);
      }),
    );
  });

  it("depend on the seed alone", () => {
    const all = [...many("correct", 5), ...many("wrong", 2)];
    expect(pairs(all)).toEqual(pairs(all));
    const seeds = Array.from({ length: 20 }, (_, seed) => JSON.stringify(pairs(all, given, {}, seed)));
    expect(new Set(seeds).size).toBeGreaterThan(1);
  });

  it("of like length, and of near misses, if asked for", () => {
    const right = judged("correct", "48 / 4 = 12. The answer is 12.", { tokens: 10 });
    const near = judged("wrong", "48 / 4 = 13. The answer is 13.", { tokens: 40 });
    const alike = judged("wrong", "I do not know. The answer is 1", { tokens: 11 });
    const rejected = (more: Partial<PairRules>) => pairs([right, near, alike], given, more)[0]?.rejected;
    expect(rejected({ balanceLength: true })).toBe(alike.rollout.id);
    expect(rejected({ nearMisses: true })).toBe(near.rollout.id);
  });

  it("leave out rollouts of invalid form, and those cut off unless they may be rejected", () => {
    const cut = judged("wrong", "cut", { truncated: true, invalid: "the thought does not end" });
    const bad = judged("wrong", "bad", { invalid: "no thought" });
    const right = judged("correct", "right");
    const wrongs = (truncatedRejected: boolean) =>
      sides([right, cut, bad], { truncatedRejected }).wrong.map(({ text }) => text);
    expect(wrongs(false)).toEqual([]);
    expect(wrongs(true)).toEqual(["cut"]);
    const cutRight = judged("correct", "cut, but right so far", { truncated: true });
    expect(sides([cutRight, judged("correct", "bad", { invalid: "x" })], { truncatedRejected: true }).right).toEqual(
      [],
    );
  });

  it("a rollout without a verdict is a bug", () => {
    const { rollout, graded } = judged("correct", "a");
    expect(byTask([rollout], [graded]).get("t")).toHaveLength(1);
    expect(() => byTask([rollout], [])).toThrow("has no verdict");
  });
});

describe("bias", () => {
  const rollout = (text: string, tokens: number) => ({ ...judged("correct", text).rollout, tokens });
  it("is counted, and told where it is a rule", () => {
    const short = {
      chosen: rollout("<think>abc</think>\\boxed{1}", 5),
      rejected: rollout("<think>abcd</think>x\ny", 9),
    };
    const even = { chosen: rollout("a", 5), rejected: rollout("b", 5) };
    const few = pairBias([short, even]);
    expect(few).toMatchObject({
      ...{ pairs: 2, chosenShorter: 0.75, tokens: { chosen: 5, rejected: 7 }, boxed: { chosen: 0.5, rejected: 0 } },
      ...{ lines: { chosen: 1, rejected: 1.5 }, warnings: [] },
    });
    const all = pairBias(new Array(40).fill(short));
    expect(all.warnings).toHaveLength(2);
    expect(all.warnings[0]).toContain("the chosen side is the shorter one in 100 % of the pairs (5 against 9 tokens)");
    expect(all.warnings[1]).toContain("boxed: 100 % of the chosen, 0 % of the rejected");
    expect(pairBias([]).pairs).toBe(0);
  });
});
