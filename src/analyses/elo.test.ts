import { describe, expect, it } from "vitest";
import { rng } from "../core/rng.ts";
import {
  type Contest,
  contestPlace,
  contestRating,
  contestScore,
  expectedPlace,
  meanRating,
  ratingFromProblems,
  winChance,
} from "./elo.ts";

describe("win chance", () => {
  it("gives the numbers of Codeforces' description of its system", () => {
    expect(winChance(1700, 1500)).toBeCloseTo(0.76, 2);
    expect(winChance(1900, 1500)).toBeCloseTo(10 / 11, 12);
    expect(winChance(1500, 1900) + winChance(1900, 1500)).toBeCloseTo(1, 12);
  });
});

describe("rating against problems", () => {
  const equal = (rating: number, solved: number, of: number) =>
    Array.from({ length: of }, (_, i) => ({ rating, solved: i < solved ? 1 : 0 }));

  it("is the closed form where all problems are rated alike", () => {
    // P = s: d = r + 400 log₁₀(s / (1 − s))
    expect(ratingFromProblems(equal(1500, 20, 40)).rating).toBeCloseTo(1500, 4);
    expect(ratingFromProblems(equal(1500, 10, 11)).rating).toBeCloseTo(1900, 4);
    expect(ratingFromProblems([{ rating: 1200, solved: 0.25 }]).rating).toBeCloseTo(1200 - 400 * Math.log10(3), 4);
  });

  it("solves the score equation, and has its interval where the likelihood says", () => {
    const results = [
      [800, 1],
      [1000, 1],
      [1300, 1],
      [1600, 0],
      [1700, 1],
      [2000, 0],
      [2400, 0],
    ].map(([rating = 0, solved = 0]) => ({ rating, solved }));
    const { rating, low, high, from } = ratingFromProblems(results);
    const expected = results.reduce((sum, result) => sum + winChance(rating ?? 0, result.rating), 0);
    expect(expected).toBeCloseTo(4, 6);
    expect(from).toBe(7);
    const likelihood = (d: number) =>
      results.reduce(
        (sum, { rating, solved }) => sum + Math.log(solved ? winChance(d, rating) : 1 - winChance(d, rating)),
        0,
      );
    for (const end of [low, high]) {
      expect(2 * (likelihood(rating ?? 0) - likelihood(end ?? 0))).toBeCloseTo(3.8415, 3);
    }
    expect(low ?? 0).toBeLessThan(rating ?? 0);
  });

  it("covers the truth about as often as it says", () => {
    let covered = 0;
    for (let trial = 0; trial < 300; trial++) {
      const random = rng(trial);
      const results = Array.from({ length: 60 }, () => {
        const rating = 800 + 100 * random.int(20);
        return { rating, solved: random.next() < winChance(1600, rating) ? 1 : 0 };
      });
      const { low, high } = ratingFromProblems(results);
      if ((low ?? -1e9) <= 1600 && 1600 <= (high ?? 1e9)) covered++;
    }
    expect(covered / 300).toBeGreaterThan(0.92);
    expect(covered / 300).toBeLessThan(0.985);
  });

  it("has no end on the side of which nothing is known", () => {
    const none = ratingFromProblems(equal(1500, 0, 10));
    expect([none.rating, none.low]).toEqual([null, null]);
    // (1 − P)^10 = e^{−χ²/2}
    const p = 1 - Math.exp(-3.841458820694124 / 20);
    expect(none.high).toBeCloseTo(1500 + 400 * Math.log10(p / (1 - p)), 3);
    const all = ratingFromProblems(equal(1500, 10, 10));
    expect([all.rating, all.high]).toEqual([null, null]);
    expect(all.low).toBeCloseTo(1500 - 400 * Math.log10(p / (1 - p)), 3);
  });
});

const participant = (rating: number, points: number, penalty = 0) => ({ rating, points, penalty });

describe("rating against standings", () => {
  const contest: Contest = {
    id: "c",
    problems: [
      { index: "A", points: 500 },
      { index: "B", points: 1000 },
      { index: "C", points: 2000 },
    ],
    participants: [participant(2100, 3200), participant(1800, 1450), participant(1500, 1450), participant(1200, 400)],
  };

  it("scores tries as the contest does: 50 points for each wrong one before the accepted, never below 0", () => {
    const tries = new Map([
      ["A", [true]],
      ["B", [false, false, true, true]],
      ["C", [false, false, false, false, false, false, false, false, true]],
    ]);
    expect(contestScore(contest, tries, 8)).toEqual({ points: 500 + 900, penalty: 0 });
    const cheap = { ...contest, problems: [{ index: "A", points: 100 }] };
    expect(contestScore(cheap, new Map([["A", [false, false, false, true]]]), 8).points).toBe(0);
    const icpc = { ...contest, problems: [{ index: "A" }, { index: "B" }] };
    expect(contestScore(icpc, tries, 8)).toEqual({ points: 2, penalty: 20 });
  });

  it("takes the place behind all who scored as much", () => {
    expect(contestPlace(contest, { points: 5000, penalty: 0 })).toBe(1);
    expect(contestPlace(contest, { points: 1450, penalty: 0 })).toBe(4);
    expect(contestPlace(contest, { points: 0, penalty: 0 })).toBe(5);
    const timed = { ...contest, participants: [participant(1500, 3, 100), participant(1400, 3, 130)] };
    expect(contestPlace(timed, { points: 3, penalty: 110 })).toBe(2);
  });

  it("is the closed form where all participants are rated alike", () => {
    // place = 1 + N / (1 + 10^((d − r)/400))
    const equal: Contest = { ...contest, participants: Array.from({ length: 300 }, () => participant(1500, 0)) };
    expect(expectedPlace(equal, 1500)).toBeCloseTo(151, 9);
    expect(contestRating(equal, 201, { script: false })).toBeCloseTo(1500 + 400 * Math.log10(300 / 200 - 1), 4);
    expect(contestRating(equal, 201, { script: true })).toBeCloseTo(1500 + 400 * Math.log10(300 / 199 - 1), 4);
  });

  it("inverts the expected place, and is capped where the first place would ask for infinity", () => {
    const rating = contestRating(contest, 3, { script: false });
    expect(expectedPlace(contest, rating)).toBeCloseTo(3, 6);
    expect(contestRating(contest, 1, { script: false })).toBeCloseTo(2200, 4);
  });

  it("agrees with the published script's integer search", () => {
    const random = rng(3);
    const participants = Array.from({ length: 250 }, () =>
      participant(Math.round(1400 + 350 * random.normal()), random.int(4000)),
    );
    participants.sort((a, b) => b.points - a.points);
    const big: Contest = { ...contest, participants };
    for (const points of [100, 900, 2000, 3500]) {
      const ahead = participants.findIndex((each) => each.points < points);
      let [low, high] = [0, Math.max(...participants.map((each) => each.rating)) + 100];
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        const seed = participants.reduce((sum, each) => sum + 1 / (1 + 10 ** ((middle - each.rating) / 400)), 1);
        if (seed < ahead) high = middle;
        else low = middle;
      }
      const ours = contestRating(big, contestPlace(big, { points, penalty: 0 }), { script: true });
      expect(Math.floor(ours)).toBe(low);
    }
  });

  it("averages over contests, with an interval over contests", () => {
    const { rating, low, high, from } = meanRating([1400, 1500, 1600, 1700], rng(1));
    expect([rating, from]).toEqual([1550, 4]);
    expect(low ?? 0).toBeLessThan(1500);
    expect(high ?? 0).toBeGreaterThan(1600);
    expect(meanRating([1400], rng(1))).toEqual({ rating: 1400, low: null, high: null, from: 1 });
  });
});
