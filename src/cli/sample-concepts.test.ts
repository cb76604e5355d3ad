/** From what self-play measured to the next concept sets: `sample-concepts --rates RUN`, and over an exported file. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Json, sha256File } from "../core/hash.ts";
import { rng } from "../core/rng.ts";
import { inline } from "../exec/inline.ts";
import { openRun } from "../journal/run.ts";
import { resolveAny } from "../recipes/config.ts";
import { difficultyOfRound } from "../stages/selfplay/round.ts";
import { tasksJournal } from "../stages/selfplay/tasks.ts";
import { journaled } from "../stages/stage.ts";
import { runCommand } from "./command.child.ts";

let folder: string;
const at = (name: string) => join(folder, name);

/** Problems about an easy and a plain concept, and about a hard and a plain one. */
const problems = Array.from({ length: 40 }, (_, i) => ({
  id: `t${i}`,
  problem: `x of t${i}`,
  concepts: [i % 2 === 0 ? `easy ${i % 10}` : `hard ${i % 10}`, `plain ${i % 8}`],
}));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-rates-"));
  const file = at("problems.jsonl");
  await writeFile(file, problems.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const written = { recipe: "math-selfplay", scale: "tiny", model: { from: "models/base" }, problems: { file } };
  const inputs = [{ path: file, sha256: await sha256File(file) }];
  const config = resolveAny(written, [], "test") as Json;
  await (await openRun(at("run"), { config, seed: 1, versions: {}, threads: 1, inputs })).close();
  const context = { folder: at("run"), rng: rng(1), executor: inline() };
  const stage = { shardSize: 64, unit: "records" };
  await journaled(context, {
    ...{ ...tasksJournal, ...stage, items: problems },
    worker: async (shard) => shard.items.map(({ id, problem }) => ({ kept: true as const, task: { id, problem } })),
  });
  await journaled(context, {
    ...{ ...difficultyOfRound("selfplay/round-1"), ...stage, items: problems },
    worker: async (shard) =>
      shard.items.map(({ id }, i) => ({
        ...{ taskId: id, correct: i % 2 === 0 ? 8 : 0, decided: 8, unknown: 0, dropped: null },
      })),
  });
});
afterAll(() => rm(folder, { recursive: true }));

/** How many of the sets that are drawn hold an easy concept, and how many a hard one. */
async function drawn(...rates: string[]): Promise<{ easy: number; hard: number }> {
  const sizes = ["--sets", "20", "--size", "2", "--threads", "1", "--temperature", "1"];
  await runCommand([
    "sample-concepts",
    "--input",
    at("problems.jsonl"),
    "--output",
    at("sets.jsonl"),
    ...sizes,
    ...rates,
  ]);
  const sets = readFileSync(at("sets.jsonl"), "utf8").trim().split("\n");
  const having = (kind: string) => sets.filter((set) => set.includes(kind)).length;
  return { easy: having("easy"), hard: having("hard") };
}

describe("concept sets that aim at a pass rate", () => {
  const aim = ["--width", "0.1", "--prior", "0"];

  it("turn to what a run's self-play often solved, or seldom did", async () => {
    const easy = await drawn("--rates", at("run"), "--target", "1", ...aim);
    expect(easy.easy).toBeGreaterThan(10);
    expect(easy.hard).toBe(0);
    const hard = await drawn("--rates", at("run"), "--target", "0", ...aim);
    expect(hard.hard).toBeGreaterThan(10);
    expect(hard.easy).toBe(0);
  });

  it("are the same over the file that is exported of the run", async () => {
    const split = ["--splits", "all=1", "--threads", "1"];
    await runCommand(["export", at("run"), "--format", "problems", "--output", at("measured"), ...split]);
    const run = await drawn("--rates", at("run"), "--target", "1", ...aim);
    expect(await drawn("--rates", at("measured/all.jsonl"), "--target", "1", ...aim)).toEqual(run);
  });

  it("are refused where nothing was measured", async () => {
    await expect(drawn("--rates", folder)).rejects.toThrow("there is no run in");
  });
});
