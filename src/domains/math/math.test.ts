import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rng } from "../../core/rng.ts";
import { fuzzInput } from "./cases/fuzz.ts";
import { differentPair, samePair } from "./cases/generated.ts";
import { HOSTILE } from "./cases/hostile.ts";
import { answersEqual, extractAnswer, gradeMath, majority, type ProfileName } from "./index.ts";

/** Generated pairs of different answers; `PROMPTCOT_FUZZ` asks for more, as it does of the fuzzing below. */
const RUNS = Math.max(500, Number(process.env.PROMPTCOT_FUZZ ?? 0) / 10);

/** Milliseconds after which a long test is given up: far beyond its need, for machines that do much else. */
const PATIENCE = 600_000;

const PROFILES: readonly ProfileName[] = ["mathverify", "strict", "lenient"];
const DATA = new URL("../../../../shared/data/", import.meta.url).pathname;

interface Row {
  answer: string;
  solution?: string;
}

function rowsOf(name: string): Row[] {
  return readFileSync(`${DATA}${name}.jsonl`, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
}

const present = existsSync(DATA);
if (!present) console.log("math: tests over public answers are skipped: ../shared/data is absent");

describe.skipIf(!present)("public answers", () => {
  test.each(["aime24", "aime25", "hmmt-feb-25", "math500", "gsm8k-test"])(
    "%s: each answer verifies in a box, under every profile",
    (name) => {
      const failures = rowsOf(name).flatMap(({ answer }) =>
        PROFILES.filter(
          (profile) => gradeMath(`So it is $\\boxed{${answer}}$.`, answer, { profile }).verdict !== "correct",
        ).map((p) => `${p}: ${answer}`),
      );
      expect(failures).toEqual([]);
    },
  );

  test("math500: each solution gives its answer", () => {
    const failures = rowsOf("math500").filter(
      ({ answer, solution }) => gradeMath(solution!, answer).verdict !== "correct",
    );
    expect(failures.map((f) => f.answer)).toEqual([]);
  });

  test("gsm8k-test: each solution gives its answer in the set's own form", () => {
    const failures = rowsOf("gsm8k-test").filter(
      ({ answer, solution }) => gradeMath(`${solution}\n#### ${answer}`, answer).verdict !== "correct",
    );
    expect(failures.map((f) => f.answer)).toEqual([]);
  });

  test("an answer is not another row's answer unless the sets say so", () => {
    const rows = rowsOf("math500");
    const wrong: string[] = [];
    for (let k = 0; k < rows.length; k++) {
      const [a, b] = [rows[k]!.answer, rows[(k + 7) % rows.length]!.answer];
      if (a !== b && gradeMath(`\\boxed{${b}}`, a).verdict === "correct") wrong.push(`${a} = ${b}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe("properties", { timeout: PATIENCE }, () => {
  const seeds = fc.integer({ min: 0, max: 2 ** 31 });

  test("an answer equals itself", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const [a] = samePair(rng(seed));
        return PROFILES.every((profile) => answersEqual(a, a, { profile }));
      }),
      { numRuns: 100 },
    );
  });

  test("rewritten expressions are equal, in both directions", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const [a, b] = samePair(rng(seed));
        return answersEqual(a, b) && answersEqual(b, a);
      }),
      { numRuns: 200 },
    );
  });

  test("different expressions are never equal, in both directions", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const [a, b] = differentPair(rng(seed));
        return PROFILES.every((profile) => !answersEqual(a, b, { profile }) && !answersEqual(b, a, { profile }));
      }),
      { numRuns: RUNS },
    );
  });

  test("a verdict depends on its own inputs only", () => {
    const pairs = Array.from({ length: 40 }, (_, k) => differentPair(rng(k)));
    const alone = pairs.map(([a, b]) => gradeMath(b, a));
    const again = [...pairs].reverse().map(([a, b]) => gradeMath(b, a));
    expect(again.reverse()).toEqual(alone);
  });
});

describe("hostile inputs", { timeout: PATIENCE }, () => {
  test.each(Object.entries(HOSTILE))("%s ends within its budget, without an exception", (_, make) => {
    const text = make();
    for (const gold of ["5", "x^2+1", "(1,2)", "north", "x_1=2, x_2=3", text]) {
      for (const profile of PROFILES) {
        const given = gradeMath(text, gold, { profile });
        expect(given.stage).not.toBe("error");
        expect(gradeMath(gold, text, { profile }).stage).not.toBe("error");
        expect(gold === "x^2+1" && given.verdict === "correct").toBe(false);
      }
    }
    expect(() => extractAnswer(text)).not.toThrow();
  });

  test("a hundred thousand digits are compared digit by digit", () => {
    const digits = "7".repeat(100_000);
    expect(gradeMath(`\\boxed{${digits}}`, digits).verdict).toBe("correct");
    expect(gradeMath(`\\boxed{${digits.slice(1)}8}`, digits).verdict).toBe("wrong");
  });

  test("inputs that are no strings do not throw", () => {
    for (const odd of [undefined, null, 5, {}, [], Number.NaN]) {
      expect(gradeMath(odd as unknown as string, "5").stage).not.toBe("error");
      expect(gradeMath("5", odd as unknown as string).stage).not.toBe("error");
    }
    expect(gradeMath(5 as unknown as string, "5").verdict).toBe("correct");
  });
});

test(
  "fuzzing: mutated inputs raise nothing and never leave the budget",
  () => {
    const random = rng("fuzz");
    const count = Number(process.env.PROMPTCOT_FUZZ ?? 2000);
    for (let k = 0; k < count; k++) {
      const [response, gold] = [fuzzInput(random), fuzzInput(random)];
      const verdict = gradeMath(response, gold, { profile: random.pick(PROFILES) });
      expect(verdict.stage, JSON.stringify({ response, gold })).not.toBe("error");
    }
  },
  PATIENCE,
);

describe("extraction", () => {
  test.each([
    ["so $\\boxed{\\frac{1}{2}}$.", "\\frac{1}{2}"],
    ["The answer is 42.", "42"],
    ["<think>\\boxed{1}", undefined],
    ["", undefined],
    ["Nothing to say.", undefined],
    ["we get $x=3$", "x=3"],
    ["**73**", "73"],
  ])("%s", (response, answer) => {
    expect(extractAnswer(response)).toBe(answer);
  });
});

describe("rules", () => {
  test("a rule of a profile may be decided otherwise", () => {
    const [inequality, interval] = ["-2 \\le x \\le 7", "x \\in [-2,7]"];
    const reference = { profile: "mathverify" } as const;
    expect(gradeMath(inequality, interval, reference).verdict).toBe("wrong");
    expect(gradeMath(inequality, interval, { ...reference, rules: { goldSetMeetsInequality: true } }).verdict).toBe(
      "correct",
    );
    expect(answersEqual("1/3", "0.33")).toBe(false);
    expect(answersEqual("1/3", "0.33", { rules: { responsePlaces: 2, responseDigits: 2 } })).toBe(true);
  });

  test("other letters are gold's letters, in their order, where letters are free", () => {
    const rules = { lettersFree: true };
    expect(gradeMath("f(y)", "f(x)").verdict).toBe("wrong");
    expect(gradeMath("f(y)", "f(x)", { rules }).verdict).toBe("correct");
    expect(gradeMath("2a + b", "2p + q", { rules }).verdict).toBe("correct");
    expect(gradeMath("2a + b", "2p + p", { rules }).verdict).toBe("wrong");
  });

  test("the majority follows them too", () => {
    const rules = { responsePlaces: 2, responseDigits: 2 };
    expect(majority(["1/3", "0.33", "1/2"], { rules }).answer).toBe("1/3");
    expect(majority(["1/3", "0.33", "1/2"]).answer).toBeUndefined();
  });
});

describe("verdicts", () => {
  test("what cannot be compared is unknown, not wrong", () => {
    expect(gradeMath("\\int_0^1 e^{x^2}\\,dx", "\\int_0^2 e^{x^2}\\,dx").verdict).toBe("unknown");
    expect(gradeMath("1, 3, 5, \\ldots, 2n-1", "1, 2, \\ldots, n").verdict).toBe("unknown");
    expect(gradeMath("5", "").verdict).toBe("unknown");
  });

  test("a response without an answer is wrong", () => {
    expect(gradeMath("I do not know how to solve this problem.", "5")).toEqual({
      verdict: "wrong",
      stage: "extract",
      reason: "the response gives no answer",
    });
  });

  test("the stage tells what decided", () => {
    expect(gradeMath("\\boxed{1/2}", "0.5")).toMatchObject({ verdict: "correct", stage: "exact", extracted: "1/2" });
    expect(gradeMath("(x+1)^2", "x^2+2x+1").stage).toBe("fingerprint");
    expect(gradeMath("\\sec^2 y", "\\tan^2 y+1").stage).toBe("precise");
    expect(gradeMath("(10^8+1)!", "(10^8)!").stage).toBe("magnitude");
    expect(gradeMath("\\frac{100}{3}", "33.3").stage).toBe("rounding");
  });
});
