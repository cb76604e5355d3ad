import { describe, expect, it } from "vitest";
import { invalidity, isScript, paperBand, paperValidity, solveRate, tooEasyOrHard } from "./filter.ts";

const verdicts = (correct: number, wrong: number, unknown = 0) => [
  ...new Array<"correct">(correct).fill("correct"),
  ...new Array<"wrong">(wrong).fill("wrong"),
  ...new Array<"unknown">(unknown).fill("unknown"),
];
const why = (correct: number, wrong: number, unknown = 0, band = paperBand) =>
  tooEasyOrHard(solveRate(verdicts(correct, wrong, unknown)), band);

describe("the difficulty filter", () => {
  it.each([
    [4, 4, 0, "solved at a rate of 0.5 or more"],
    [3, 5, 0, null],
    [1, 7, 0, null],
    [0, 8, 0, "never solved"],
    [8, 0, 0, "always solved"],
    [0, 0, 8, "0 decided verdicts of 8, fewer than 6"],
    // Six decided are enough, five are not; the rate is over the decided ones.
    [2, 4, 2, null],
    [3, 3, 2, "solved at a rate of 0.5 or more"],
    [2, 3, 3, "5 decided verdicts of 8, fewer than 6"],
  ])("%i right, %i wrong, %i unknown: %s", (correct, wrong, unknown, reason) => {
    expect(why(correct, wrong, unknown)).toBe(reason);
  });

  it("the band is a setting", () => {
    expect(why(4, 4, 0, { above: 0, below: 1, minDecided: 6 })).toBeNull();
    expect(why(8, 0, 0, { above: 0, below: 1, minDecided: 6 })).toBe("always solved");
    expect(why(1, 7, 0, { above: 0.125, below: 1, minDecided: 6 })).toBe("solved at a rate of 0.125 or less");
    expect(why(0, 0, 0, { above: 0, below: 1, minDecided: 0 })).toBe("0 decided verdicts of 0, fewer than 0");
  });
});

describe("the validity filter", () => {
  const boxed = (text: string) => /\\boxed\{([^}]*)\}/.exec(text)?.[1];
  it.each([
    ["<think>so it is 7</think> \\boxed{7}", null],
    ["\\boxed{7}", "no thought"],
    ["<think>a</think><think>b</think> \\boxed{7}", "2 openings and 2 ends of thought, not one each"],
    ["<think>a</think> b </think> \\boxed{7}", "1 openings and 2 ends of thought, not one each"],
    ["<think>never ends \\boxed{7}", "the thought does not end"],
    ["</think>backwards<think> \\boxed{7}", "the thought ends before it begins"],
    ["<think> \n </think> \\boxed{7}", "an empty thought"],
    ["<think>a</think>  \n", "nothing after the thought"],
    ["<think>a</think> 答案 \\boxed{7}", "Han characters after the thought"],
    ["<think>a</think> 답 \\boxed{7}", "Hangul characters after the thought"],
    // Inside the thought any language will do.
    ["<think>答案</think> \\boxed{7}", null],
    ["<think>a</think> it is seven", "no answer can be extracted"],
  ])("%j: %s", (response, reason) => {
    expect(invalidity(response, paperValidity, boxed)).toBe(reason);
  });

  it("languages are a setting, and so is the thought", () => {
    const cyrillic = { thought: "required", scripts: ["Cyrillic"] } as const;
    expect(invalidity("<think>a</think> ответ \\boxed{7}", cyrillic, boxed)).toBe(
      "Cyrillic characters after the thought",
    );
    expect(invalidity("<think>a</think> 答案 \\boxed{7}", cyrillic, boxed)).toBeNull();
    const plain = { thought: "none", scripts: [] } as const;
    expect(invalidity("it is \\boxed{7}", plain, boxed)).toBeNull();
    expect(invalidity("<think>a</think> \\boxed{7}", plain, boxed)).toBe("a thought where none belongs");
    expect([isScript("Hangul"), isScript("Klingon")]).toEqual([true, false]);
  });
});
