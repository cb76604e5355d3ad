/** A post-training run written record by record: what is exported of it, what is told of its rows, and what it measured. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Json, sha256File } from "../core/hash.ts";
import { rng } from "../core/rng.ts";
import type { Need } from "../curate/export/formats.ts";
import { inline } from "../exec/inline.ts";
import { openRun } from "../journal/run.ts";
import { tracesJournal } from "../stages/distill.ts";
import { TrainingRecord } from "../stages/em/records.ts";
import { labelsJournal } from "../stages/selfplay/label.ts";
import { gradedJournal } from "../stages/selfplay/reward.ts";
import { rolloutsJournal } from "../stages/selfplay/rollout.ts";
import { difficultyOfRound, pairsOfRound, selfPlayJournal } from "../stages/selfplay/round.ts";
import { tasksJournal } from "../stages/selfplay/tasks.ts";
import { type JournalKind, journaled, type StageContext } from "../stages/stage.ts";
import { resolveAny } from "./config.ts";
import { openHarvest } from "./corpus.ts";
import { explain } from "./explain.ts";
import { measuredRows } from "./pass-rates.ts";

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-played-"));
  const rows = [
    { id: "t0", problem: "x of t0", concepts: ["gcd", "lcm"], rationale: "z of t0" },
    { id: "t1", problem: "x of t1", concepts: ["gcd"] },
    { id: "t2", problem: "x of t2" },
  ];
  await writeFile(at("problems.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  await fillPlay(await context("play", "math-selfplay"));
  await fillTraces(await context("sft", "math-sft"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A new run folder of the recipe. */
async function context(name: string, recipe: "math-selfplay" | "math-sft"): Promise<StageContext> {
  const file = at("problems.jsonl");
  const written = { recipe, scale: "tiny", model: { from: "models/base" }, problems: { file } };
  const backends = { big: { kind: "openai", url: "http://127.0.0.1:9/v1", model: "big", dialect: "generic" } };
  const pinned = { ...backends.big, weights: { kind: "pinned", version: "big-2026-01-01", provider: "p" } };
  const roles = recipe === "math-sft" ? { teacher: "big" } : { labeller: "big" };
  const config = resolveAny({ ...written, backends: { big: pinned }, roles }, [], "test");
  const inputs = [{ path: file, sha256: await sha256File(file) }];
  const run = await openRun(at(name), { config: config as Json, seed: 1, versions: {}, threads: 1, inputs });
  await run.close();
  return { folder: at(name), rng: rng(1), executor: inline() };
}

const put = <T>(context: StageContext, kind: JournalKind<T>, items: readonly T[]) =>
  journaled(context, { ...kind, items, shardSize: 2, unit: "records", worker: async (shard) => shard.items });

async function fillPlay(context: StageContext): Promise<void> {
  await put(context, tasksJournal, [
    ...["t0", "t1", "t2"].map((id) => ({ kept: true as const, task: { id, problem: `x of ${id}` } })),
    { kept: false, id: "problems.jsonl:4", reason: "problem: missing" },
  ]);
  const ballot = { generations: 8, votes: 6, margin: 0.5, clusters: [{ answer: "7", count: 5 }] };
  await put(context, labelsJournal("selfplay"), [
    { source: "majority", taskId: "t0", gold: { kind: "answer", answer: "7" }, ballot, meanTokens: 1 },
    { source: "given", taskId: "t1", gold: { kind: "answer", answer: "8" } },
    { source: "quarantine", taskId: "t2", reason: "too few votes", ballot },
  ]);
  const rollout = (id: string, taskId: string, index: number) => ({
    ...{ ok: true as const, id, taskId, index, text: `y${index} of ${taskId}`, tokens: 1, truncated: false },
  });
  const name = "selfplay/round-1";
  await put(context, rolloutsJournal(name), [
    ...[rollout("r00", "t0", 0), rollout("r01", "t0", 1), rollout("r10", "t1", 0)],
    { ok: false, id: "r11", taskId: "t1", index: 1, reason: "the server is gone" },
  ]);
  const graded = (rolloutId: string, taskId: string, verdict: "correct" | "wrong" | "unknown") => ({
    ...{ rolloutId, taskId, invalid: null, verdict: { verdict, stage: "compare", reason: "as they say" } },
  });
  await put(context, gradedJournal(name), [
    ...[graded("r00", "t0", "correct"), graded("r01", "t0", "wrong")],
    ...[graded("r10", "t1", "correct"), graded("r11", "t1", "unknown")],
  ]);
  await put(context, difficultyOfRound(name), [
    { taskId: "t0", correct: 1, decided: 2, unknown: 0, dropped: null },
    { taskId: "t1", correct: 1, decided: 1, unknown: 1, dropped: "solved at a rate of 0.5 or more" },
  ]);
  await put(context, pairsOfRound(name), [{ id: "pair-1", taskId: "t0", chosen: "r00", rejected: "r01" }]);
  const training = { name, checkpoint: `checkpoints/${name}`, hash: "h1", steps: 3, targetTokens: 1, losses: [] };
  await put(context, { journal: `training/${name}`, schema: TrainingRecord, version: 1 }, [training]);
  const same = { chosen: 0, rejected: 0 };
  const bias = {
    ...{ pairs: 1, tokens: same, thought: same, lines: same, truncated: same, boxed: same, fenced: same },
    ...{ chosenShorter: 0.5, warnings: [] },
  };
  const counts = {
    tasks: 2,
    rollouts: 4,
    rolloutTokens: 3,
    failed: 1,
    truncated: 0,
    correct: 2,
    unknown: 1,
    invalid: 0,
  };
  const heldOut = { score: 0, standardError: 0, tasks: 0, attempts: 0, truncated: 0, meanTokens: 0, rates: [] };
  await put(context, selfPlayJournal("selfplay"), [
    { round: 0, heldOut, work: null },
    { round: 1, heldOut, work: { ...counts, kept: 1, right: 1, bias, training } },
  ]);
}

async function fillTraces(context: StageContext): Promise<void> {
  await put(context, tasksJournal, [{ kept: true, task: { id: "t0", problem: "x of t0" } }]);
  await put(context, tracesJournal("distill"), [
    { kept: true, id: "trace-a", taskId: "t0", text: "<think>z</think> \\boxed{7}", tokens: 9 },
    { kept: false, id: "trace-b", taskId: "t0", text: "cut", reason: "cut off at the token limit" },
  ]);
}

async function harvest(run: string, needs: Need[]) {
  const opened = await openHarvest(at(run), needs);
  return { ...opened, rows: (await Array.fromAsync(opened.rows())).map(({ row }) => row) };
}

const told = async (run: string, id: string) =>
  Object.fromEntries((await explain(at(run), id)).map(({ name, value }) => [name, value]));

describe("the harvest of a post-training run", () => {
  it("is the user's rows with believed answers and measured pass rates", async () => {
    const { rows, card } = await harvest("play", []);
    expect(rows).toEqual([
      {
        ...{ id: "t0", problem: "x of t0", concepts: ["gcd", "lcm"], rationale: "z of t0" },
        ...{ answer: "7", passRate: 0.5, attempts: 2, round: 1 },
      },
      { id: "t1", problem: "x of t1", concepts: ["gcd"], answer: "8", passRate: 1, attempts: 1, round: 1 },
      { id: "t2", problem: "x of t2" },
    ]);
    expect(card.funnel?.at(-1)).toEqual({
      ...{ step: "fitness", kept: 3, dropped: [{ reason: "problem: missing", count: 1 }] },
    });
    expect(card.decontamination).toBeUndefined();
  });

  it("is its pairs, with a card that tells what became of the problems and who did what", async () => {
    const { rows, card, chart } = await harvest("play", ["chosen", "rejected"]);
    expect(rows).toMatchObject([{ id: "pair-1", task: "t0", answer: "7", chosen: "y0 of t0", rejected: "y1 of t0" }]);
    expect(card.funnel?.map(({ step, kept }) => [step, kept])).toEqual([
      ...[["problems for the solver", 4] as const, ["fitness", 3] as const],
      ...[["labels", 2] as const, ["difficulty", 1] as const],
    ]);
    expect(card.models).toEqual([
      { role: "solves, and is trained", name: "models/base" },
      { role: "labels", name: "big (big-2026-01-01)" },
    ]);
    expect(chart.title).toBe("What became of the problems for the solver");
  });

  it("is a teacher's traces that were kept", async () => {
    const { rows, card } = await harvest("sft", ["response"]);
    expect(rows).toMatchObject([{ id: "trace-a", task: "t0", response: "<think>z</think> \\boxed{7}" }]);
    expect(card.funnel?.[1]).toMatchObject({ kept: 1, dropped: [{ reason: "cut off at the token limit", count: 1 }] });
  });
});

describe("every exported row is explained", () => {
  it.each([
    ["play", ["chosen"]] as const,
    ["play", ["response"]] as const,
    ["play", []] as const,
    ["sft", ["response"]] as const,
  ])("of the run %s for a format that needs %j", async (run, needs) => {
    for (const { id } of (await harvest(run, [...needs])).rows)
      expect(await told(run, String(id))).toMatchObject({ id });
  });

  it("a pair, with both attempts, the label, the model and the row it comes from", async () => {
    expect(await told("play", "pair")).toMatchObject({
      "is a": "preference pair of round 1",
      chosen: { id: "r00", text: "y0 of t0", verdict: "correct (at compare: as they say)" },
      rejected: { id: "r01", verdict: "wrong (at compare: as they say)" },
      "attempted by": "models/base",
      sampling: { count: 8, temperature: 1.2 },
      taught: "checkpoints/selfplay/round-1 (h1), 3 steps",
      task: "t0",
      problem: "x of t0",
      "comes from": `${at("problems.jsonl")}:1`,
      concepts: ["gcd", "lcm"],
      rationale: "z of t0",
      label: { answer: "7", by: "6 votes of 8 generations", answers: "7 (5)" },
      "round 1": "1 of 2 attempts right; kept",
    });
  });

  it("an attempt that failed, a problem in quarantine, a row that was unfit, a trace that was dropped", async () => {
    expect(await told("play", "r11")).toMatchObject({
      failed: "the server is gone",
      "round 1": "1 of 1 attempts right, 1 undecided; dropped: solved at a rate of 0.5 or more",
    });
    expect(await told("play", "t2")).toMatchObject({ label: { quarantine: "too few votes" } });
    expect(await told("play", "problems.jsonl:4")).toMatchObject({ "not attempted": "problem: missing" });
    expect(await told("sft", "trace-b")).toMatchObject({ verdict: "dropped: cut off at the token limit", task: "t0" });
  });

  it("unless its id is unknown, or not unique", async () => {
    await expect(explain(at("play"), "nobody")).rejects.toThrow("no row of");
    await expect(explain(at("play"), "r0")).rejects.toThrow("begin with");
  });
});

describe("what a run has measured", () => {
  it("is told with the concepts of its problems, and is refused where nothing was measured", async () => {
    const rows = await Array.fromAsync(measuredRows(at("play")));
    expect(rows.map(({ row }) => [row.concepts, row.passRate])).toEqual([
      [["gcd", "lcm"], 0.5],
      [["gcd"], 1],
    ]);
    await expect(Array.fromAsync(measuredRows(at("sft")))).rejects.toMatchObject({ code: "no-rates" });
  });

  it("comes without concepts where the file has changed since", async () => {
    await writeFile(at("problems.jsonl"), '{"id": "t0", "problem": "another"}\n');
    const rows = await Array.fromAsync(measuredRows(at("play")));
    expect(rows.map(({ row }) => row.concepts)).toEqual([undefined, undefined]);
    expect((await told("play", "t0"))["comes from"]).toContain("has changed since the run read it");
  });
});
