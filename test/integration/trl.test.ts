/** TRL as a trainer: equal, step by step, to the embedded engine; its results read by both engines. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { CallOptions, WorkEvent } from "../../src/core/events.ts";
import type { Checkpoint } from "../../src/lm/contract.ts";
import { type Embedded, embedded } from "../../src/lm/embedded/index.ts";
import { readSafetensors } from "../../src/lm/embedded/safetensors.ts";
import { type TrlOptions, trl } from "../../src/lm/trl/index.ts";
import { dpoLine } from "../../src/lm/trl/rows.ts";
import { pythonPath, pythonScript } from "./python.ts";
import {
  dpoJob,
  greatestDifference,
  pairsOf,
  type Small,
  scores,
  sftJob,
  smallModel,
  transformersScores,
} from "./trl-models.ts";

const SHIM = join(import.meta.dirname, "..", "..", "src", "lm", "trl", "dpo.py");
const cpu: TrlOptions = { python: pythonPath(), cpu: true, perDeviceBatch: 8, saveEvery: 50 };

let folder: string;
let engine: Embedded;
let small: Small;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-trl-"));
  engine = embedded();
  small = await smallModel(folder);
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

describe("sft", () => {
  test("takes the steps that the embedded engine takes, and gives back a model that both engines read alike", async () => {
    const job = sftJob(small, 12);
    const own = await engine.trainer.sft({ ...job, out: join(folder, "sft-own") }, {});
    const events: WorkEvent[] = [];
    const trained = await trl(cpu).sft(
      { ...job, out: join(folder, "sft") },
      { onEvent: (event) => events.push(event) },
    );
    expect(trained.steps).toBe(12);
    expect(trained.targetTokens).toBe(own.targetTokens);
    expectRelative(trained.losses, own.losses, 1e-4);
    expect(events.map((event) => event.kind === "train-step" && `${event.step}/${event.steps}`)).toEqual(
      trained.losses.map((_, i) => `${i + 1}/12`),
    );
    const pairs = pairsOf(job);
    const found = await scores(engine, trained.checkpoint, pairs);
    expect(greatestDifference(found, await transformersScores(folder, trained.checkpoint.path, pairs))).toBeLessThan(
      1e-3,
    );
    expect(greatestDifference(found, await scores(engine, own.checkpoint, pairs))).toBeLessThan(1e-2);
    expect(greatestDifference(found, await scores(engine, small.checkpoint, pairs))).toBeGreaterThan(0.5);
    const model = await engine.open(trained.checkpoint);
    expect(model.tokenizer?.hash).toBe(small.tokenizer.hash);
    await model.close();
    expect(await readdir(folder)).not.toContain("sft.unfinished");
    expect(await trl(cpu).sft({ ...job, out: join(folder, "sft") }, {})).toEqual(trained);
  });

  test("keeps a LoRA adapter for servers, merges it, and adds up the adapters of successive jobs", async () => {
    const trainer = trl({ ...cpu, lora: { rank: 4 } });
    const job = sftJob(small, 12);
    const first = await trainer.sft({ ...job, out: join(folder, "lora-1") }, {});
    const pairs = pairsOf(job);
    const merged = await scores(engine, first.checkpoint, pairs);
    const adapted = (path: string) => transformersScores(folder, small.checkpoint.path, pairs, join(path, "adapter"));
    expect(first.losses.at(-1)).toBeLessThan(first.losses[0]!);
    expect(greatestDifference(merged, await transformersScores(folder, first.checkpoint.path, pairs))).toBeLessThan(
      1e-3,
    );
    expect(greatestDifference(merged, await adapted(first.checkpoint.path))).toBeLessThan(1e-3);
    expect(greatestDifference(merged, await scores(engine, small.checkpoint, pairs))).toBeGreaterThan(0.1);

    const second = await trainer.sft({ ...job, from: first.checkpoint, out: join(folder, "lora-2") }, {});
    const twice = await scores(engine, second.checkpoint, pairs);
    expect(second.losses[0]).toBeCloseTo(-mean(merged.flat()), 3);
    expect(greatestDifference(twice, await adapted(second.checkpoint.path))).toBeLessThan(1e-3);
    const config = JSON.parse(await readFile(join(second.checkpoint.path, "adapter", "adapter_config.json"), "utf8"));
    expect(config).toMatchObject({ r: 8, base_model_name_or_path: small.checkpoint.path });
  });
});

describe("dpo", () => {
  let tuned: Small;
  let reference: { engine: Embedded; checkpoint: Checkpoint };

  beforeAll(async () => {
    const { checkpoint } = await engine.trainer.sft({ ...sftJob(small, 3), out: join(folder, "tuned") }, {});
    tuned = { ...small, checkpoint };
    reference = { engine, checkpoint: small.checkpoint }; // another model than the one that starts
  });

  test("takes the steps that the embedded engine takes, from given references", async () => {
    const job = await dpoJob(tuned, reference, 6, 0);
    const norms: number[] = [];
    const ours = await engine.trainer.dpo({ ...job, out: join(folder, "dpo-own") }, gradNorms(norms));
    const theirs: number[] = [];
    const trained = await trl(cpu).dpo({ ...job, out: join(folder, "dpo") }, gradNorms(theirs));
    expect(ours.losses[0]).not.toBeCloseTo(Math.log(2), 3);
    expectRelative([trained.losses[0]!], [ours.losses[0]!], 1e-5);
    expectRelative(trained.losses, ours.losses, 1e-4);
    expectRelative(theirs.slice(0, 1), norms.slice(0, 1), 5.1e-4); // printed with four digits
    const pairs = job.rows.map(({ prompt, chosen }) => ({ prefix: prompt, completion: chosen }));
    const found = await scores(engine, trained.checkpoint, pairs);
    expect(greatestDifference(found, await transformersScores(folder, trained.checkpoint.path, pairs))).toBeLessThan(
      1e-3,
    );
    expect(greatestDifference(found, await scores(engine, tuned.checkpoint, pairs))).toBeGreaterThan(1e-2);
  });

  // TRL's NLL term is a mean over a micro-batch, so there it gets one row at a time, as the trainer has it.
  test.each([
    { nllWeight: 0, atATime: 16 },
    { nllWeight: 0.5, atATime: 1 },
  ])("has TRL's loss and gradient to 1e-5, with an NLL term of $nllWeight", async ({ nllWeight, atATime }) => {
    const job = await dpoJob(tuned, reference, 1, nllWeight);
    const out = join(folder, `gradient-${nllWeight}`);
    const unclipped = { ...job.optimization, clipNorm: 1e9 };
    const { losses } = await engine.trainer.dpo({ ...job, optimization: unclipped, out }, {});
    const rows = join(folder, `gradient-${nllWeight}.jsonl`);
    await writeFile(rows, job.rows.map((row) => `${dpoLine(row)}\n`).join(""));
    const file = join(folder, `gradient-${nllWeight}.safetensors`);
    const { loss } = z
      .object({ loss: z.number() })
      .parse(
        await pythonScript("dpo-gradient.py", [tuned.checkpoint.path, rows, file, "0.1", nllWeight, atATime, SHIM]),
      );
    expectRelative([losses[0]!], [loss], 1e-5);
    // After one step AdamW's first moment is (1 − beta1) times the gradient.
    const moments = (await readSafetensors(join(out, "optimizer.safetensors"))).tensors;
    const gradient = (await readSafetensors(file)).tensors;
    const ours = [...gradient.keys()].flatMap((name) => [...(moments.get(`exp_avg.${name}`)?.data ?? [])]);
    const theirs = [...gradient.values()].flatMap(({ data }) => [...data]).map((g) => g * (1 - unclipped.beta1));
    const norm = Math.hypot(...theirs);
    expect(norm).toBeGreaterThan(1e-3);
    expect(ours).toHaveLength(theirs.length);
    expect(Math.hypot(...ours.map((value, i) => value - theirs[i]!)) / norm).toBeLessThan(1e-5);
  });
});

function gradNorms(into: number[]): CallOptions {
  return { onEvent: (event) => event.kind === "train-step" && into.push(event.gradNorm) };
}

function expectRelative(found: readonly number[], expected: readonly number[], bound: number): void {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of expected.entries())
    expect(Math.abs(found[i]! - value) / Math.abs(value)).toBeLessThan(bound);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
