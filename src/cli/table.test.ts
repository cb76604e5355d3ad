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

it("says of a solver that was tested whether a round rose, and what fresh problems say then", () => {
  const played = (score: number) => {
    const { selfPlay, ...rest } = summaryWith({ given: 0, majority: 4, tests: 0 }, [0.5, 0.5]);
    if (selfPlay === null) throw new Error("no self-play");
    const sides = { chosen: 0, rejected: 0 };
    const bias = {
      ...{ pairs: 7, tokens: sides, thought: sides, lines: sides, truncated: sides, boxed: sides, fenced: sides },
      ...{ chosenShorter: 0.5, warnings: [] },
    };
    const counts = {
      tasks: 4,
      rollouts: 32,
      rolloutTokens: 900,
      failed: 0,
      truncated: 0,
      correct: 12,
      unknown: 0,
      invalid: 0,
    };
    const training = { name: "round-1", checkpoint: "", hash: "", steps: 1, targetTokens: 1, losses: [0.1] };
    const work = { ...counts, kept: 3, bias, right: 9, training };
    const difference = { mean: score - 0.5, low: -0.01, high: 0.2 };
    const test = { tasks: 40, attempts: 4, before: 0.5, after: score, difference };
    const rounds = [...selfPlay.rounds, { round: 1, heldOut: heldOut([score, score]), work, detail: null }];
    return solverTable({ ...rest, selfPlay: { ...selfPlay, rounds, test } });
  };
  expect(played(0.6).split("\n").slice(1)).toEqual([
    "round 1: 32 rollouts, 12 of them right; 9 distinct right ones and 7 pairs for the 3 tasks in the band",
    "  held-out problems: 50.0 % at the start, 60.0 % now",
    "solver on 40 fresh problems: 50.0 % before, 60.0 % after; +10.0 points (95 %: -1.0 to +20.0), inside the noise",
  ]);
  expect(played(0.4)).toContain(
    "no round rose above the start, so the solver stays as it was: 50.0 % right on 40 fresh problems",
  );
});
