import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { score } from "../analyses/scores.ts";
import { type BenchmarkResult, type EvalResult, evalSoFar, readEval, writeEval } from "./eval-file.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "eval-file-"));
});
afterAll(() => rm(folder, { recursive: true }));

const problems = [
  { id: "a", attempts: [{ verdict: "correct" as const, truncated: false, tokens: 3, answer: 0 }] },
  { id: "b", attempts: [{ verdict: "unknown" as const, truncated: false, tokens: null, answer: null }] },
];
const benchmark: BenchmarkResult = {
  ...{ name: "aime24", title: "AIME 24", metric: "average", elo: null, problems },
  data: { content: "c", pinned: null, origin: null, sha256: null, limit: null },
  settings: { samples: 1, temperature: 0.6, topP: 0.95, maxTokens: 10, grader: "math/strict" },
  scores: score(problems, { passes: [1], votes: false }),
  failures: [{ reason: "no server", count: 1 }],
};
const head: Omit<EvalResult, "benchmarks"> = {
  ...{ format: 1, promptcot: "0.1.0", seed: 1 },
  model: { name: "m", checkpoint: "abc", family: "chat" },
};

describe("eval.json", () => {
  it("is read as it was written, by its folder or by its name", async () => {
    const result = { ...head, benchmarks: [benchmark] };
    const path = await writeEval(folder, result);
    expect(await readEval(folder)).toEqual(result);
    expect(await readEval(path)).toEqual(result);
  });

  it("is added to by the same model only, worded and seeded alike", async () => {
    expect((await evalSoFar(join(folder, "new"), head)).benchmarks).toEqual([]);
    expect((await evalSoFar(folder, { ...head, promptcot: "0.2.0" })).benchmarks).toEqual([benchmark]);
    const other = { ...head, model: { ...head.model, checkpoint: "def", family: "base" }, seed: 2 };
    await expect(evalSoFar(folder, other)).rejects.toThrow(
      "holds another evaluation: model abc, not def; prompts chat, not base; seed 1, not 2",
    );
  });

  it("is refused if it is something else", async () => {
    await writeFile(join(folder, "other.json"), '{"format": 1}');
    await expect(readEval(join(folder, "other.json"))).rejects.toThrow("cannot read an evaluation from");
    await writeFile(join(folder, "torn.json"), '{"format": 1');
    await expect(readEval(join(folder, "torn.json"))).rejects.toThrow("cannot read an evaluation from");
    await expect(readEval(join(folder, "none.json"))).rejects.toThrow("there is no such file");
  });
});
