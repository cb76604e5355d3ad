import { describe, expect, test } from "vitest";
import { gradeMath } from "../index.ts";
import type { Case } from "./case.ts";
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

test("there are at least 600 cases, positives and negatives in balance", () => {
  const all = Object.values(SUITES).flat();
  const positive = all.filter((c) => c.correct).length;
  expect(all.length).toBeGreaterThanOrEqual(600);
  expect(positive / all.length).toBeGreaterThan(0.4);
  expect(positive / all.length).toBeLessThan(0.7);
});
