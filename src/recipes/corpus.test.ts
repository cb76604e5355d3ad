/** A run folder written record by record, and what is exported of it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Json } from "../core/hash.ts";
import { Seed, Split } from "../core/records.ts";
import { rng } from "../core/rng.ts";
import type { Need } from "../curate/export/formats.ts";
import { inline } from "../exec/inline.ts";
import { openRun } from "../journal/run.ts";
import { annotationsJournal } from "../stages/annotate.ts";
import { curationsJournal, screeningsJournal } from "../stages/curate.ts";
import { labelsJournal } from "../stages/selfplay/label.ts";
import { PreferencePair } from "../stages/selfplay/records.ts";
import { gradedJournal } from "../stages/selfplay/reward.ts";
import { rolloutsJournal } from "../stages/selfplay/rollout.ts";
import { selfPlayJournal } from "../stages/selfplay/round.ts";
import { tasksJournal } from "../stages/selfplay/tasks.ts";
import { type JournalKind, journaled, type StageContext } from "../stages/stage.ts";
import { writtenJournal } from "../stages/synthesize.ts";
import { resolveConfig } from "./config.ts";
import { openHarvest } from "./corpus.ts";
import { explain } from "./explain.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-corpus-"));
  const config = resolveConfig({ recipe: "pocket", scale: "tiny" }, [], "test");
  const run = await openRun(folder, { config: config as Json, seed: 1, versions: {}, threads: 1, inputs: [] });
  await run.close();
  await fill({ folder, rng: rng(1), executor: inline() });
});
afterAll(() => rm(folder, { recursive: true }));

const ids = ["p0", "p1", "p2"];

async function fill(context: StageContext): Promise<void> {
  const put = <T>(kind: JournalKind<T>, items: readonly T[]) =>
    journaled(context, { ...kind, items, shardSize: 2, unit: "records", worker: async (shard) => shard.items });
  await put(
    writtenJournal,
    ids.map((id, seed) => ({
      ok: true as const,
      problem: { id, concepts: ["gcd"], rationale: `z of ${id}`, problem: `x of ${id}`, model: "m", seed },
    })),
  );
  const seed = { id: "seed-1", concepts: ["gcd"], problem: "x of the seed" };
  await put({ journal: "seeds", schema: Seed, version: 1 }, [seed]);
  const split = z.strictObject({ seedId: z.string(), split: Split });
  await put({ journal: "split", schema: split, version: 1 }, [{ seedId: "seed-1", split: "train" }]);
  const { id: seedId, ...given } = seed;
  const triple = { id: "triple-1", seedId, annotator: "terse", rationale: "z of the seed", ...given };
  await put(annotationsJournal, [{ ok: true, triple }]);
  const nothing = { filter: null, overlap: null };
  await put(
    screeningsJournal,
    ids.map((problemId) => ({ problemId, ...nothing })),
  );
  await put(
    curationsJournal,
    ids.map((problemId) =>
      problemId === "p1"
        ? { problemId, kept: false, duplicate: { kind: "exact", of: "p0", via: "p0", jaccard: 1, containment: 1 } }
        : { problemId, kept: true, duplicate: null },
    ),
  );
  await put(
    tasksJournal,
    ids.map((id) => ({ kept: true as const, task: { id, problem: `x of ${id}` } })),
  );
  await put(labelsJournal("selfplay"), [
    { source: "given", taskId: "p0", gold: { kind: "answer", answer: "7" } },
    { source: "quarantine", taskId: "p2", reason: "no majority" },
  ]);
  const training = { name: "t", checkpoint: "c", hash: "h", steps: 1, targetTokens: 1, losses: [] };
  const counts = {
    tasks: 2,
    rollouts: 4,
    rolloutTokens: 4,
    failed: 0,
    truncated: 1,
    correct: 2,
    unknown: 0,
    invalid: 0,
  };
  const heldOut = { score: 0, standardError: 0, tasks: 0, attempts: 0, truncated: 0, meanTokens: 0, rates: [] };
  const same = { chosen: 0, rejected: 0 };
  const bias = {
    ...{ pairs: 1, tokens: same, thought: same, lines: same, truncated: same, boxed: same, fenced: same },
    ...{ chosenShorter: 0.5, warnings: [] },
  };
  await put(selfPlayJournal("selfplay"), [
    { round: 0, heldOut, work: null },
    { round: 1, heldOut, work: { ...counts, kept: 2, right: 2, bias, training } },
  ]);
  const rollout = (taskId: string, index: number, truncated = false) => ({
    ...{
      ok: true as const,
      id: `${taskId}/${index}`,
      taskId,
      index,
      text: `y${index} of ${taskId}`,
      tokens: 1,
      truncated,
    },
  });
  await put(rolloutsJournal("selfplay/round-1"), [
    rollout("p2", 0),
    rollout("p2", 1),
    rollout("p0", 0),
    rollout("p0", 1),
    rollout("p0", 2, true),
  ]);
  const graded = (rolloutId: string, verdict: "correct" | "wrong", invalid: string | null = null) => ({
    ...{ rolloutId, taskId: rolloutId.split("/")[0] as string, invalid },
    verdict: { verdict, stage: "test", reason: "" },
  });
  await put(gradedJournal("selfplay/round-1"), [
    graded("p2/0", "wrong"),
    graded("p2/1", "correct", "no thought"),
    graded("p0/0", "correct"),
    graded("p0/1", "wrong"),
    graded("p0/2", "correct"),
  ]);
  await put({ journal: "selfplay/round-1/pairs", schema: PreferencePair, version: 1 }, [
    { id: "pair-1", taskId: "p0", chosen: "p0/0", rejected: "p0/1" },
  ]);
}

async function harvest(needs: Need[]) {
  const opened = await openHarvest(folder, needs);
  const rows = await Array.fromAsync(opened.rows());
  return { ...opened, rows: rows.map(({ row }) => row) };
}

describe("a row of a run", () => {
  const told = async (id: string) =>
    Object.fromEntries((await explain(folder, id)).map(({ name, value }) => [name, value]));

  it("tells every verdict on a problem, and what a solver's label says of it", async () => {
    expect(await told("p0")).toMatchObject({
      ...{ id: "p0", rationale: "z of p0", checkpoint: "m", filters: "passed oracle", verdict: "kept" },
      label: { answer: "7", by: "the problem's row" },
    });
    expect(await told("p1")).toMatchObject({ "duplicate check": { kind: "exact", of: "p0" }, verdict: "dropped" });
    await expect(explain(folder, "p")).rejects.toThrow("rows of");
  });

  it("tells a seed's split and the triples made of it, and a triple", async () => {
    expect(await told("seed-1")).toMatchObject({ "is a": "seed", split: "train", triples: ["triple-1 by terse"] });
    expect(await told("triple-1")).toMatchObject({ seedId: "seed-1", rationale: "z of the seed" });
  });
});

describe("the harvest of a run", () => {
  it("is its curated problems, with the answers that are believed", async () => {
    const { harvest: kind, rows } = await harvest(["answer"]);
    expect(kind).toBe("problems");
    expect(rows).toEqual([
      { id: "p0", problem: "x of p0", concepts: ["gcd"], rationale: "z of p0", model: "m", seed: 0, answer: "7" },
      { id: "p2", problem: "x of p2", concepts: ["gcd"], rationale: "z of p2", model: "m", seed: 2 },
    ]);
  });

  it("is the pairs of self-play, both texts in place", async () => {
    const { rows } = await harvest(["chosen", "rejected"]);
    expect(rows).toEqual([
      {
        ...{ id: "pair-1", task: "p0", round: "selfplay/round-1", problem: "x of p0", answer: "7" },
        ...{ chosen: "y0 of p0", rejected: "y1 of p0" },
      },
    ]);
  });

  it("is right, whole and valid solutions", async () => {
    const { rows } = await harvest(["response"]);
    expect(rows).toMatchObject([{ id: "p0/0", task: "p0", response: "y0 of p0" }]);
  });

  it("tells the card what was dropped, and draws it", async () => {
    const { card, chart } = await harvest([]);
    expect(card.funnel?.at(-1)).toMatchObject({ step: "deduplication", kept: 2 });
    expect(card.seeds).toEqual([{ name: "generated by promptcot's pocket domain", licence: "MIT", rows: 30 }]);
    expect(card.decontamination).toEqual({ ngram: 13, benchmarks: [], dropped: 0 });
    expect(chart.title).toBe("What became of the problems asked for");
    expect(chart.svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  });

  it("is refused where another version wrote the config, which is no bug", async () => {
    const old = await mkdtemp(join(folder, "old-"));
    const run = await openRun(old, {
      config: { recipe: "pocket" },
      seed: 1,
      versions: { promptcot: "0.0.9" },
      threads: 1,
      inputs: [],
    });
    await run.close();
    await expect(openHarvest(old, [])).rejects.toMatchObject({
      code: "other-version",
      message: expect.stringContaining("0.0.9"),
    });
  });

  it("is refused where there is no run", async () => {
    await expect(openHarvest(join(folder, "nowhere"), [])).rejects.toThrow("there is no run in");
  });
});
