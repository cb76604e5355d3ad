import { expect, it } from "vitest";
import type { SolverSummary } from "../recipes/solver-summary.ts";
import { solverTable } from "./table.ts";

const heldOut = (rates: number[]) => ({
  score: rates.reduce((a, b) => a + b, 0) / Math.max(1, rates.length),
  ...{ standardError: 0.1, tasks: rates.length, attempts: 4, truncated: 0, meanTokens: 30, rates },
});

function summaryWith(sources: { given: number; majority: number; tests: number }, rates: number[]): SolverSummary {
  const labelled = sources.given + sources.majority + sources.tests;
  return {
    ...{ recipe: "math-selfplay", scale: "small", seed: 1, distillation: null },
    selfPlay: {
      ...{ notTasks: {}, test: null },
      labels: { ...{ tasks: 10, labelled, sources, quarantined: {}, votes: [], truth: null } },
      rounds: [{ round: 0, heldOut: heldOut(rates), work: null, detail: null }],
    },
  };
}

it("says where labels came from, and the score on held-out problems", () => {
  expect(solverTable(summaryWith({ given: 3, majority: 4, tests: 0 }, [0.5, 1]))).toBe(
    "self-play: 7 of 10 problems labelled (3 given, 4 by vote)\nsolver on 2 held-out problems: start 75.0 %",
  );
  expect(solverTable(summaryWith({ given: 0, majority: 4, tests: 0 }, []))).toBe(
    "self-play: 4 of 10 problems labelled by vote",
  );
  expect(solverTable(summaryWith({ given: 0, majority: 0, tests: 2 }, []))).toBe(
    "self-play: 2 of 10 problems labelled by tests",
  );
  expect(solverTable(summaryWith({ given: 2, majority: 0, tests: 0 }, []))).toBe(
    "self-play: 2 of 10 problems labelled, as given",
  );
});
