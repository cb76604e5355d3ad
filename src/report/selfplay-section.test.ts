import { expect, it } from "vitest";
import type { SelfPlaySummary } from "../recipes/selfplay-summary.ts";
import { selfPlaySection } from "./selfplay-section.ts";

const heldOut = (rates: number[]) => ({
  score: rates.reduce((a, b) => a + b) / rates.length,
  ...{ standardError: 0.1, tasks: rates.length, attempts: 4, truncated: 0, meanTokens: 30, rates },
});
const sides = (chosen: number, rejected: number) => ({ chosen, rejected });

const selfPlay: SelfPlaySummary = {
  notTasks: { "the same text as an earlier one": 3 },
  labels: {
    ...{
      tasks: 10,
      labelled: 6,
      sources: { given: 2, majority: 4, tests: 0 },
      quarantined: { "too small a margin": 4 },
    },
    votes: [0, 0.2, 0.4, 0.6, 0.8].map((from) => ({
      ...{ from, quarantined: from === 0 ? 4 : 0, labelled: from > 0.5 ? 2 : 0 },
      truth: { right: from > 0.5 ? 2 : 0, wrong: 0, onInvalid: 0 },
    })),
    truth: { right: 3, wrong: 1, onInvalid: 0 },
  },
  rounds: [
    { round: 0, heldOut: heldOut([0.5, 0.25]), work: null, detail: null },
    {
      ...{ round: 1, heldOut: heldOut([0.75, 0.5]) },
      work: {
        ...{
          tasks: 6,
          rollouts: 48,
          rolloutTokens: 1440,
          failed: 1,
          truncated: 2,
          correct: 12,
          unknown: 3,
          invalid: 5,
        },
        ...{ kept: 4, right: 9 },
        bias: {
          ...{ pairs: 7, tokens: sides(20.25, 30), thought: sides(0, 0), lines: sides(1, 2), truncated: sides(0, 0) },
          ...{ boxed: sides(1, 0.5), fenced: sides(0, 0), chosenShorter: 0.75 },
          warnings: ["the chosen side is the shorter one in 75 % of the pairs"],
        },
        training: { name: "x", checkpoint: "x", hash: "x", steps: 5, targetTokens: 100, losses: [0.7] },
      },
      detail: {
        difficulty: [
          { correct: 0, decided: 8, dropped: "never solved", tasks: 1 },
          { correct: 3, decided: 8, dropped: null, tasks: 4 },
          { correct: 4, decided: 8, dropped: "solved at a rate of 0.5 or more", tasks: 1 },
        ],
        paired: 4,
        lengths: { bins: ["10–19", "20–29"], chosen: [5, 2], rejected: [1, 6] },
        sinceStart: { mean: 0.25, low: 0.25, high: 0.25 },
      },
    },
  ],
  test: null,
};

it("shows labels, the way from problems to pairs, votes, solve rates, rounds with intervals, and what chosen and rejected differ in", () => {
  const duels = [{ problem: "1 < 2?", answer: "1", chosen: "yes", rejected: "no" }];
  const { html } = selfPlaySection({ summary: { selfPlay }, duels });
  expect(html).toContain("6 of 10 problems have a label: 2 came with the problem, 4 are the majority");
  expect(html).toContain("75.0 % are the true answer");
  for (const chart of ["What was left of the problems", "Votes by margin", "Held-out score by round"])
    expect(html).toContain(`aria-label="${chart}"`);
  for (const chart of ["Solve rates of round 1", "Lengths of the pairs of round 1"])
    expect(html).toContain(`aria-label="${chart}"`);
  expect(html).toContain("Dropped: never solved: 1; solved at a rate of 0.5 or more: 1.");
  expect(html).toMatch(
    /<td>1<\/td><td>62.5 %<\/td><td>\d+\.\d % – \d+\.\d %<\/td><td>\+25\.0 \(\+25\.0 to \+25\.0\)<\/td>/,
  );
  expect(html).toContain("<td>12 (25.0 %)</td><td>3 (6.3 %)</td><td>2</td><td>5</td><td>4</td><td>7</td><td>5</td>");
  const heads = /<thead><tr><th>round<.*?<\/tr>/.exec(html)?.[0] ?? "";
  expect([...heads.matchAll(/<th>(.*?)<\/th>/g)].map(([, head]) => head)).toEqual([
    ...["round", "held-out pass@1", "95 % interval", "less the start, points", "rollouts", "right", "unknown"],
    ...["cut off", "ill-formed", "tasks kept", "pairs", "steps"],
  ]);
  expect(html).toContain("round 1: the chosen side is the shorter one in 75 % of the pairs");
  expect(html).toContain("<td>with a boxed answer</td><td>100.0 %</td><td>50.0 %</td>");
  expect(html).toContain("1 &lt; 2?");
  expect(html).not.toMatch(/NaN|undefined|https?:\/\/(?!www\.w3\.org)/);
});

it("says that the start is the result where no round was better", () => {
  const [start] = selfPlay.rounds;
  const test = { tasks: 10, attempts: 4, before: 0.4, after: 0.4, difference: { mean: 0, low: 0, high: 0 } };
  const { html } = selfPlaySection({
    summary: { selfPlay: { ...selfPlay, rounds: start === undefined ? [] : [start], test } },
    duels: [],
  });
  expect(html).toContain("so the start is the result: <b>40.0 %</b>");
  expect(html).not.toContain("+0.0");
});

it("is empty without self-play, and whole where only labels are there yet", () => {
  expect(selfPlaySection({ summary: { selfPlay: null }, duels: [] }).html).toBe("");
  const { html } = selfPlaySection({ summary: { selfPlay: { ...selfPlay, rounds: [] } }, duels: [] });
  expect(html).toContain("From problems to pairs");
  expect(html).not.toContain("<h3>Rounds</h3>");
});
