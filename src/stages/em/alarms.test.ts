import { describe, expect, it } from "vitest";
import { type AlarmBounds, alarmsOf, containment, type RoundStatistics, roundStatistics } from "./alarms.ts";
import type { GoodCandidate, Pair } from "./records.ts";

const bounds: AlarmBounds = {
  ...{ shortening: 0.15, nllRise: 0.1, shortWinners: 0.6, spread: 0.05, distinct: 0.1 },
  ...{ malformed: 0.2, kept: 0.2, copying: 0.2, leaking: 0.5, certain: 0.001 },
};
const healthy: RoundStatistics = {
  ...{ candidates: 800, malformed: 0.01, kept: 0, tokensAll: 30, tokensChosen: 28, tokensTaught: 28 },
  ...{
    rewardAll: -40,
    rewardChosen: -36,
    rewardSpread: 3,
    distinct: 0.9,
    copying: 0,
    leaking: 0.1,
    xNllPerTokenChosen: 0.05,
  },
};
const steady = { start: { zTokens: 28, xNll: 3 }, now: { zTokens: 27, xNll: 2.8 } };
const kinds = (stats: Partial<RoundStatistics>, course = steady) =>
  alarmsOf({ ...healthy, ...stats }, course, bounds).map(({ kind }) => kind);

describe("alarms", () => {
  it("are silent on a healthy round", () => expect(kinds({})).toEqual([]));

  it("cry collapse when rationales shorten while the NLL of x rises", () => {
    const [alarm] = alarmsOf(healthy, { start: { zTokens: 21, xNll: 5.4 }, now: { zTokens: 7, xNll: 15.5 } }, bounds);
    expect(alarm?.kind).toBe("collapse");
    expect(alarm?.message).toContain("length-controlled");
  });

  it("do not take a shorter rationale for collapse while problems get easier to predict", () => {
    expect(kinds({}, { start: { zTokens: 21, xNll: 5.4 }, now: { zTokens: 12, xNll: 4 } })).toEqual([]);
  });

  it.each([
    ["malformed", { malformed: 0.3 }],
    ["kept", { kept: 0.3 }],
    ["copying", { copying: 0.4 }],
    ["leaking", { leaking: 0.8 }],
    ["certain", { xNllPerTokenChosen: 0.0001 }],
    ["short-winners", { tokensChosen: 12 }],
    ["spread", { rewardSpread: 0.01 }],
    ["distinct", { distinct: 0.05 }],
  ] as const)("cry %s past its bound", (kind, stats) => expect(kinds(stats)).toEqual([kind]));

  it("compare nothing with a mean over nothing", () => {
    expect(kinds({ tokensChosen: null, rewardSpread: null, xNllPerTokenChosen: null, distinct: null })).toEqual([]);
  });
});

describe("statistics of a round", () => {
  const pair: Pair = {
    ...{ id: "a", seedId: "a", split: "train", concepts: ["c"], rationale: "r", annotator: "t", answer: "42" },
    problem: "Find the remainder when 100 is divided by 58.",
  };
  const candidate = (id: string, reward: number, tokens: number, text: string): GoodCandidate => ({
    ...{ ok: true, id, pairId: "a", index: 0, z: [], text, proposal: null },
    prior: { sum: reward / 2, tokens },
    likelihood: { sum: reward / 2, tokens: 10 },
  });
  const own = [candidate("1", -10, 4, "one"), candidate("2", -20, 8, "two"), candidate("3", -30, 12, "two")];
  const stats = (taught: string) =>
    roundStatistics({
      ...{ pairs: [pair], candidates: new Map([["a", own]]), asked: 4 },
      rewardOf: (c) => (c.prior.sum as number) + (c.likelihood.sum as number),
      chosen: [{ candidate: own[0] as GoodCandidate, weight: 1 }],
      taught: [{ pairId: "a", text: taught, tokens: 4, kept: false }],
    });

  it("separates all candidates from the chosen ones", () => {
    expect(stats("plan")).toMatchObject({
      tokensAll: 8,
      tokensChosen: 4,
      rewardAll: -20,
      rewardChosen: -10,
      malformed: 0.25,
    });
    expect(stats("plan").distinct).toBeCloseTo(2 / 3, 12);
    expect(stats("plan").rewardSpread).toBeCloseTo(Math.sqrt(200 / 3), 9);
  });

  it("sees a rationale that copies the problem, and one that states its answer", () => {
    expect(stats(pair.problem).copying).toBe(1);
    expect(stats("use 58 and 100").copying).toBe(0);
    expect(stats("remainder(100, 58) = 42.").leaking).toBe(1);
    expect(stats("remainder 100, 58; not 420").leaking).toBe(0);
  });

  it("measures containment by word 4-grams", () => {
    expect(containment("a b c d e", "x a b c d y")).toBeCloseTo(0.5, 12);
    expect(containment("too short", "too short")).toBe(0);
  });
});
