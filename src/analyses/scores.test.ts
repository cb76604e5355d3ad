import { describe, expect, it } from "vitest";
import { rng } from "../core/rng.ts";
import { type Attempt, type ProblemAttempts, Scores, score, standardError, wilson } from "./scores.ts";

const attempt = (verdict: Attempt["verdict"], rest: Partial<Attempt> = {}): Attempt => ({
  ...{ verdict, truncated: false, tokens: 10, answer: verdict === "correct" ? 0 : 1 },
  ...rest,
});

/** `"ccw?"`: correct, correct, wrong, unknown. */
const problem = (id: string, letters: string): ProblemAttempts => ({
  id,
  attempts: [...letters].map((letter) => attempt(letter === "c" ? "correct" : letter === "?" ? "unknown" : "wrong")),
});

const settings = { passes: [1, 2, 4], votes: true };

describe("standard errors", () => {
  it("are the textbook's", () => {
    // Student's sleep data (1908), the paired differences: mean 1.58, standard error 0.38896, t = 4.0621.
    const sleep = [1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4];
    const error = standardError(sleep) ?? Number.NaN;
    expect(error).toBeCloseTo(0.38896, 5);
    expect(1.58 / error).toBeCloseTo(4.0621, 4);
    expect(standardError([1])).toBeNull();
  });

  it("rest on problems, not on attempts", () => {
    const solved = Array.from({ length: 15 }, (_, i) => problem(`s${i}`, "c".repeat(16)));
    const unsolved = Array.from({ length: 15 }, (_, i) => problem(`u${i}`, "w".repeat(16)));
    const { average, standardError: error, samplingError } = score([...solved, ...unsolved], settings);
    expect(average).toEqual({ low: 0.5, high: 0.5 });
    // 16 equal attempts say no more than one: √(p(1−p)/(P−1)); and the same problems would score the same again.
    expect(error).toBeCloseTo(Math.sqrt(0.25 / 29), 12);
    expect(samplingError).toBe(0);
  });

  it("of sampling alone are those of independent coins", () => {
    const { samplingError, standardError: error } = score([problem("a", "cw"), problem("b", "cw")], settings);
    // Each p(1−p)/(n−1) = 1/4; √(2/4)/2. The problems do not differ.
    expect(samplingError).toBeCloseTo(Math.sqrt(0.5) / 2, 12);
    expect(error).toBe(0);
    expect(score([problem("a", "c"), problem("b", "w")], settings).samplingError).toBeNull();
  });

  it("cover the truth about as often as they say", () => {
    let [covered, sampling, trials] = [0, 0, 400];
    for (let trial = 0; trial < trials; trial++) {
      const random = rng(trial);
      // Problems with solve rates of their own, uniform in [0, 1]: the mean is 1/2.
      const problems = Array.from({ length: 30 }, (_, i) => {
        const rate = random.next();
        return problem(String(i), Array.from({ length: 8 }, () => (random.next() < rate ? "c" : "w")).join(""));
      });
      const { interval, average, samplingError } = score(problems, settings);
      if (interval.low <= 0.5 && 0.5 <= interval.high) covered++;
      if (Math.abs(average.low - 0.5) < 1.96 * (samplingError ?? 0)) sampling++;
    }
    expect(covered / trials).toBeGreaterThan(0.92);
    // Taking the problems as given is far too sure of itself where others could have been asked.
    expect(sampling / trials).toBeLessThan(0.8);
  });
});

describe("the interval", () => {
  it("is Wilson's for one attempt a problem", () => {
    // Newcombe (1998), table I, method 3: 81/263, 15/148, 0/20, 1/29.
    for (const [r, n, low, high] of [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ] as const) {
      const values = Array.from({ length: n }, (_, i) => (i < r ? 1 : 0));
      const interval = wilson(r / n, standardError(values), n);
      expect(interval.low).toBeCloseTo(low, 4);
      expect(interval.high).toBeCloseTo(high, 4);
    }
  });

  it("does not shrink to a point where nothing or everything is solved", () => {
    const all = score(
      Array.from({ length: 30 }, (_, i) => problem(String(i), "c".repeat(16))),
      settings,
    );
    expect(all.average.low).toBe(1);
    expect(all.interval.low).toBeCloseTo(30 / (30 + 1.959964 ** 2), 6);
    expect(all.interval.high).toBe(1);
  });
});

describe("unknown verdicts", () => {
  it("widen every score to a range", () => {
    const scores = score([problem("a", "cc??"), problem("b", "wwww")], settings);
    expect(scores.average).toEqual({ low: 0.25, high: 0.5 });
    expect(scores.unknownRate).toBe(0.25);
    expect(scores.pass.map(({ k, share }) => [k, share])).toEqual([
      [1, { low: 0.25, high: 0.5 }],
      [2, { low: (1 - 1 / 6) / 2, high: 0.5 }],
      [4, { low: 0.5, high: 0.5 }],
    ]);
    expect(scores.interval.low).toBeLessThan(0.25);
    expect(scores.interval.high).toBeGreaterThan(0.5);
  });

  it("leave a majority whose answer could not be judged between 0 and 1", () => {
    const unsure = {
      id: "a",
      attempts: [attempt("unknown", { answer: 3 }), attempt("unknown", { answer: 3 }), attempt("wrong")],
    };
    expect(score([unsure], settings).majority?.share).toEqual({ low: 0, high: expect.closeTo(1, 12) });
  });
});

describe("scores", () => {
  it("count truncated and missing answers", () => {
    const cut = attempt("wrong", { truncated: true, tokens: 64, answer: 0 });
    const lost = attempt("unknown", { tokens: null, answer: null });
    const scores = score([{ id: "a", attempts: [attempt("correct"), cut, lost, attempt("wrong")] }], settings);
    expect(scores).toMatchObject({ truncationRate: 0.25, unknownRate: 0.25, unanswered: 1, meanTokens: 28 });
    expect(scores.standardError).toBeNull();
    // The truncated attempt's answer does not vote: 0 and 1 tie.
    expect(scores.majority?.share.low).toBeCloseTo(0.5, 12);
    expect(Scores.parse(scores)).toEqual(scores);
  });

  it("leave out what the samples cannot say", () => {
    const scores = score([problem("a", "cw"), problem("b", "cwcw")], { passes: [1, 2, 4], votes: false });
    expect(scores.samples).toBe(2);
    expect(scores.pass.map(({ k }) => k)).toEqual([1, 2]);
    expect(scores.majority).toBeNull();
    expect(() => score([], settings)).toThrow(RangeError);
  });
});
