import { describe, expect, test } from "vitest";
import { rng } from "../../../core/rng.ts";
import { gradeMath } from "../index.ts";
import { ALL, type Case } from "./case.ts";
import { EXPRESSIONS } from "./expressions.ts";
import { MODELS } from "./models.ts";
import { NUMBERS } from "./numbers.ts";
import { REPORTS } from "./reports.ts";
import { RESPONSES } from "./responses.ts";
import { SHAPES } from "./shapes.ts";
import { SUNDRY } from "./sundry.ts";
import { WORDING } from "./wording.ts";

const SUITES: Record<string, Case[]> = {
  numbers: NUMBERS,
  expressions: EXPRESSIONS,
  shapes: SHAPES,
  responses: RESPONSES,
  sundry: SUNDRY,
  wording: WORDING,
  reports: REPORTS,
  models: MODELS,
};

describe.each(Object.entries(SUITES))("%s", (_, cases) => {
  const rows = cases.flatMap((c) => c.profiles.map((profile) => ({ ...c, profile })));
  test.each(rows)("$profile: $gold | $response → $correct ($why)", ({ gold, response, correct, profile }) => {
    const verdict = gradeMath(response, gold, { profile });
    expect(verdict.verdict === "correct", JSON.stringify(verdict)).toBe(correct);
  });
});

/** Shapes that no single case brings together: every one is well formed, so most pairs are compared to the end. */
test("any text of the cases can be compared with any other", { timeout: 600_000 }, () => {
  const random = rng("pairs of the cases");
  const texts = [
    ...new Set(
      Object.values(SUITES)
        .flat()
        .flatMap(({ gold, response }) => [gold, response]),
    ),
  ];
  for (let k = 0; k < Number(process.env.PROMPTCOT_FUZZ ?? 6000); k++) {
    const [gold, response] = [random.pick(texts), random.pick(texts)];
    const verdict = gradeMath(response, gold, { profile: random.pick(ALL) });
    expect(verdict.stage, JSON.stringify({ response, gold })).not.toBe("error");
  }
});

test("there are at least 600 cases, positives and negatives in balance", () => {
  const all = Object.values(SUITES).flat();
  const positive = all.filter((c) => c.correct).length;
  expect(all.length).toBeGreaterThanOrEqual(600);
  expect(positive / all.length).toBeGreaterThan(0.4);
  expect(positive / all.length).toBeLessThan(0.7);
});
