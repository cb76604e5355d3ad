import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ProblemAttempts, score } from "../analyses/scores.ts";
import { type BenchmarkResult, type EvalResult, writeEval } from "../recipes/eval-file.ts";
import { writeEvalReport } from "./eval-report.ts";
import { evaluationSection } from "./evaluation-section.ts";
import { evaluationsOf, type NamedEval } from "./evaluations.ts";

const SAMPLES = 4;

/** A problem of which so many attempts were right, and so many undecided. */
function problem(id: number, right: number, unknown = 0): ProblemAttempts {
  const attempts = Array.from({ length: SAMPLES }, (_, i) => {
    const verdict = i < right ? ("correct" as const) : i < right + unknown ? ("unknown" as const) : ("wrong" as const);
    return { verdict, truncated: false, tokens: 100, answer: i < right ? 0 : i };
  });
  return { id: `p${id}`, attempts };
}

function evaluation(name: string, problems: ProblemAttempts[], more: Partial<BenchmarkResult> = {}): EvalResult {
  const benchmark: BenchmarkResult = {
    ...{ name: "aime24", title: "AIME <24>", metric: "average", elo: null, failures: [], problems },
    data: { content: "c".repeat(32), pinned: null, origin: null, sha256: null, limit: null },
    settings: { samples: SAMPLES, temperature: 0.6, topP: 0.95, maxTokens: 1000, grader: "math/strict" },
    scores: score(problems, { passes: [1, 2, 4], votes: true }),
    ...more,
  };
  const model = { name: `models/${name}`, checkpoint: name.repeat(8), family: "chat" };
  return { format: 1, promptcot: "0.1.0", model, seed: 1, benchmarks: [benchmark] };
}

const section = (evals: NamedEval[]) => evaluationSection({ evals, unreadable: [] });

const before = evaluation(
  "before",
  [0, 1, 2, 0, 1, 4, 0, 1].map((right, i) => problem(i, right)),
);
const after = evaluation(
  "after",
  [2, 3, 4, 3, 3, 4, 2, 3].map((right, i) => problem(i, right)),
);

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-report-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("shows scores with both errors, how often problems were solved, pass@k, and the paired difference in words", () => {
  const { html } = section([
    { name: "before", result: before },
    { name: "after", result: after },
  ]);
  expect(html).toContain("28.1 % avg@4");
  expect(html).toContain("75.0 % avg@4");
  expect(html).toContain("AIME &lt;24&gt;: after is better than before by 46.9 points");
  expect(html.match(/<svg/g)).toHaveLength(4); // scores, solve rates, pass@k, differences
  expect(html).not.toMatch(/NaN|undefined|https?:\/\/(?!www\.w3\.org)/);
});

it("leaves out the comparison where settings differ, and shows ranges, losses and ratings", () => {
  const problems = [problem(0, 1, 2), problem(1, 3)];
  const unlike = evaluation("unlike", problems, {
    ...{ metric: "elo", failures: [{ reason: "too <hot>", count: 2 }] },
    scores: { ...score(problems, { passes: [1], votes: false }), unanswered: 2 },
    elo: { attempts: 4, problems: { rating: 1499.6, low: 1200.2, high: null, from: 2 }, contests: null },
  });
  const { html } = section([
    { name: "before", result: before },
    { name: "unlike", result: unlike },
  ]);
  expect(html).not.toContain("Differences to");
  expect(html).toContain("50.0 to 75.0 %");
  expect(html).toContain("2 attempts got no answer and count as unknown: 2× too &lt;hot&gt;");
  expect(html).toContain("<td>1500</td><td>1200 – ?</td>");
});

it("says nothing where nothing was evaluated", () => {
  expect(section([]).html).toBe("");
});

it("finds the evaluations of a run in the order in which they were begun", async () => {
  for (const [name, result, at] of [
    ["b", before, "2026-01-01T00:00:00Z"],
    ["a", after, "2026-01-02T00:00:00Z"],
  ] as const) {
    await mkdir(join(folder, "evals", name), { recursive: true });
    await writeEval(join(folder, "evals", name), result);
    await writeFile(join(folder, "evals", name, "times.jsonl"), `{"at":"${at}","event":"created"}\n`);
  }
  await mkdir(join(folder, "evals", "unfinished"));
  await mkdir(join(folder, "evals", "older"));
  await writeFile(join(folder, "evals", "older", "eval.json"), '{"format":0}');
  const found = await evaluationsOf(folder);
  expect(found.evals.map(({ name }) => name)).toEqual(["b", "a"]);
  expect(found.unreadable).toEqual([expect.stringContaining("cannot read an evaluation from")]);
  expect(evaluationSection({ ...found, evals: [] }).html).toContain("cannot read an evaluation from");
  expect(await evaluationsOf(join(folder, "evals"))).toEqual({ evals: [], unreadable: [] });
  expect(await writeEvalReport(join(folder, "evals", "a"), after)).toBe(join(folder, "evals", "a", "report.html"));
});
