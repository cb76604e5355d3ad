import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { rng } from "../../core/rng.ts";
import { DEFAULT_DEDUP } from "../dedup/options.ts";
import { createTokenizer } from "../text/tokens.ts";
import { isNumberToken } from "../text/vocabulary.ts";
import { calibrate, DEFAULT_SWEEP, type KnownProblem, settingsOf } from "./calibrate.ts";
import { EDITS, paraphrase } from "./paraphrase.ts";
import { sharedLines, stripLines } from "./shared-lines.ts";

const DATA = join(import.meta.dirname, "../../../../shared/data");
const there = existsSync(DATA);
const Line = z.object({ id: z.string(), problem: z.string().optional(), prompt: z.string().optional() });

function load(name: string): KnownProblem[] {
  const rows = readFileSync(join(DATA, `${name}.jsonl`), "utf8")
    .trim()
    .split("\n")
    .map((line) => Line.parse(JSON.parse(line)));
  const texts = rows.map(({ problem, prompt }) => problem ?? prompt ?? "");
  const shared = new Set(sharedLines(texts));
  return rows.map(({ id }, i) => ({ id, text: stripLines(texts[i] as string, shared) }));
}

describe("paraphrases", () => {
  const text =
    "Janet has 16 ducks and Peter buys 3 of them. Each duck lays two eggs. How many eggs does Janet find if $x + y = 5$?";
  const tokenize = createTokenizer();
  const numbers = (of: string) => {
    const view = tokenize(of);
    return [...view.tokens.subarray(0, view.count)].filter(isNumberToken).sort();
  };

  it.each(EDITS)("by %s change the text, never its numbers", (edit) => {
    for (let seed = 0; seed < 20; seed++) {
      const copy = paraphrase(text, edit, rng(seed));
      expect(copy).not.toBe(text);
      expect(numbers(copy ?? "")).toEqual(numbers(text));
    }
  });

  it("are refused where there is nothing to change", () => {
    expect(paraphrase("12 + 30", "reword", rng(1))).toBeUndefined();
  });
});

describe("shared lines", () => {
  const wrapper = "You will be given a problem and must write a correct program for it.";

  it("are what many texts have word for word", () => {
    const texts = Array.from({ length: 30 }, (_, i) => `${wrapper}\nProblem ${i} is about ${i} apples.\nOutput`);
    expect(sharedLines(texts)).toEqual([wrapper]);
    expect(stripLines(texts[3] as string, new Set([wrapper]))).toBe("Problem 3 is about 3 apples.\nOutput");
  });

  it("are none among a few texts", () => {
    expect(sharedLines([wrapper, wrapper])).toEqual([]);
  });
});

describe.skipIf(!there)(`the defaults${there ? "" : " (skipped: ../shared/data is absent)"}`, () => {
  it("are what the calibrator recommends on ../shared/data, within the bounds", async () => {
    const problems = [
      "aime24",
      "aime25",
      "hmmt-feb-25",
      "codeforces",
      "lcb-v5",
      "lcb-v6",
      "math500",
      "gsm8k-test",
    ].flatMap(load);
    const duplicates = problems.flatMap(({ id, text }) =>
      EDITS.flatMap((kind) => {
        const copy = paraphrase(text, kind, rng(1).fork(id, kind));
        return copy === undefined ? [] : [{ kind, original: text, copy }];
      }),
    );
    // Two of the four shingle lengths, and one of the two rules for letters: the whole sweep is `promptcot calibrate dedup`.
    const found = await calibrate(problems, duplicates, {
      ...DEFAULT_SWEEP,
      shingles: [2, 3],
      letters: ["mask"],
      settings: DEFAULT_DEDUP,
    });
    expect(found.exact).toHaveLength(11);
    expect(found.recommended && settingsOf(found.recommended)).toEqual({
      shingle: DEFAULT_DEDUP.shingle,
      letters: DEFAULT_DEDUP.letters,
      numbers: DEFAULT_DEDUP.numbers,
      threshold: DEFAULT_DEDUP.threshold,
    });
    expect(found.endToEnd?.falsePositives).toBeLessThanOrEqual(0.01);
    for (const recall of Object.values(found.endToEnd?.recall ?? {})) expect(recall).toBeGreaterThanOrEqual(0.95);
    expect(found.called.every(({ sameNumbers }) => sameNumbers)).toBe(true);
  }, 120_000);
});
