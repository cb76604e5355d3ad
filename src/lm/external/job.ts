/**
 * What trainers outside of this process share: the identity of a job, the folder of an unfinished one, and a result folder that is
 * written whole, from the start's config and tokenizer and the trained weights. Trains nothing.
 *
 *   OUT.unfinished/job.json     which job it is; another job's remains are cleared away
 *   OUT.unfinished/…            what the trainer keeps: data, config, log, its own checkpoints
 *   OUT/training.json           what job made the checkpoint, and its losses
 *   OUT/trainer.json            program, versions and settings; not part of the checkpoint's content
 *   OUT/trainer.log             all that the trainer printed
 */
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { PromptCotError, throwIfStopped } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import { canonicalJson, contentId, type Json } from "../../core/hash.ts";
import { exists, writeFileAtomic, writeFolderAtomic, writeStreamAtomic } from "../../journal/files.ts";
import { acquireLock } from "../../journal/lock.ts";
import type { DpoJob, GrpoJob, SftJob, Trained } from "../contract.ts";
import { openCheckpoint } from "../embedded/checkpoint.ts";
import { finishedJob } from "../embedded/train-state.ts";
import { checkWeights, configFor, isWeightFile } from "./weights.ts";

export type Job = SftJob | DpoJob | GrpoJob;

/** What a trainer gives back. */
export interface Outcome {
  /** Folder with `model*.safetensors` of the whole trained model. */
  weights: string;
  /** Folder with the `adapter_*` files of LoRA, relative to the adapter's base; kept in `adapter/`. */
  adapter?: string;
  steps: number;
  losses: readonly number[];
  /** Where the trainer makes its own targets. */
  targetTokens?: number;
  /** For `trainer.json`. */
  about: Json;
}

/** The unfinished job's folder, handed to the trainer. */
export interface Work {
  folder: string;
  /** Where all output goes. */
  log: string;
}

/**
 * Carries out a job that another program trains: finds a finished result, takes up or clears an unfinished one, and writes the
 * result folder at the end.
 * @param identity all that shapes the result
 */
export async function carryOut(
  job: Job,
  identity: string,
  call: CallOptions,
  train: (work: Work) => Promise<Outcome>,
): Promise<Trained> {
  throwIfStopped(call.signal);
  const folder = `${job.out}.unfinished`;
  const finished = await finishedJob(job.out, identity);
  if (finished) {
    await rm(folder, { recursive: true, force: true });
    return finished;
  }
  const lock = await acquireLock(folder);
  try {
    await takeUp(folder, identity);
    const work = { folder, log: join(folder, "trainer.log") };
    const outcome = await train(work);
    throwIfStopped(call.signal);
    const result = {
      steps: outcome.steps,
      targetTokens: outcome.targetTokens ?? targetTokensOf(job),
      losses: [...outcome.losses],
    };
    await writeResult(job, work, outcome, { job: identity, ...result });
    await rm(folder, { recursive: true, force: true });
    return { checkpoint: await openCheckpoint(job.out), ...result };
  } finally {
    await lock.release();
  }
}

const JobFile = z.strictObject({ job: z.string() });

async function takeUp(folder: string, identity: string): Promise<void> {
  const file = join(folder, "job.json");
  const text = (await exists(file)) ? await readFile(file, "utf8") : "null";
  const found = JobFile.safeParse(parsed(text));
  if (found.success && found.data.job === identity) return;
  for (const name of await readdir(folder)) {
    if (!name.startsWith("lock.")) await rm(join(folder, name), { recursive: true, force: true });
  }
  await writeFileAtomic(file, `${JSON.stringify({ job: identity })}\n`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Writes lines to a file that appears whole, a few at a time in memory. */
export async function writeLines(path: string, lines: Iterable<string>): Promise<void> {
  await writeStreamAtomic(path, async (file) => {
    let pending = "";
    for (const line of lines) {
      pending += `${line}\n`;
      if (pending.length < LINES_AT_ONCE) continue;
      await file.writeFile(pending);
      pending = "";
    }
    await file.writeFile(pending);
  });
}

const LINES_AT_ONCE = 1 << 20;

/** Names of ours beside a model that another job's result must not inherit. */
const NOT_INHERITED = new Set(["optimizer.safetensors", "training.json", "trainer.json", "trainer.log"]);

/**
 * Config, tokenizer and whatever else lies beside the start's weights are the start's own, byte for byte: training changes weights
 * only, and trainers rewrite tokenizer files without need, which would make ids of `q` and `p` look different.
 */
async function writeResult(job: Job, work: Work, { weights, adapter, about }: Outcome, training: Json): Promise<void> {
  await checkWeights(job.from.path, weights);
  await writeFolderAtomic(job.out, async (temporary) => {
    for (const entry of await readdir(job.from.path, { withFileTypes: true })) {
      if (!entry.isFile() || isWeightFile(entry.name) || NOT_INHERITED.has(entry.name)) continue;
      await copyFile(join(job.from.path, entry.name), join(temporary, entry.name));
    }
    for (const name of (await readdir(weights)).filter(isWeightFile)) {
      await copyFile(join(weights, name), join(temporary, name));
    }
    const config = await configFor(join(job.from.path, "config.json"), weights);
    if (config !== undefined) await writeFileAtomic(join(temporary, "config.json"), config);
    if (adapter !== undefined) await copyAdapter(adapter, join(temporary, "adapter"));
    await writeFileAtomic(join(temporary, "training.json"), `${JSON.stringify(training)}\n`);
    await writeFileAtomic(join(temporary, "trainer.json"), `${JSON.stringify(about, null, 2)}\n`);
    await copyFile(work.log, join(temporary, "trainer.log"));
  });
}

async function copyAdapter(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of (await readdir(from)).filter((name) => name.startsWith("adapter_"))) {
    await copyFile(join(from, name), join(to, name));
  }
}

/** Target tokens over all epochs. */
function targetTokensOf({ rows, optimization }: Job): number {
  let tokens = 0;
  for (const row of rows) {
    if ("targets" in row) tokens += Array.from(row.targets).filter(Boolean).length;
    else if ("chosen" in row) tokens += row.chosen.length + row.rejected.length;
  }
  return optimization.epochs * tokens;
}

/** Identity of a job under a trainer: `settings` are those of the trainer that shape the result. */
export function identityOf(job: Job, settings: Json): string {
  const { from, optimization, optimizer, seed } = job;
  const hash = createHash("sha256").update(canonicalJson(lossOf(job)));
  for (const row of job.rows) {
    if ("targets" in row) {
      hash.update(Float64Array.of(row.ids.length, row.weight)).update(Int32Array.from(row.ids));
      hash.update(Uint8Array.from(row.targets));
    } else if ("chosen" in row) {
      const { prompt, chosen, rejected, reference, weight } = row;
      const numbers = [prompt.length, chosen.length, rejected.length, reference.chosen, reference.rejected, weight];
      hash.update(Float64Array.from(numbers)).update(Int32Array.from([...prompt, ...chosen, ...rejected]));
    } else {
      hash.update(`${JSON.stringify(row.id)} ${row.prompt.length}`).update(Int32Array.from(row.prompt));
    }
  }
  return contentId({
    ...{ from: from.hash, optimizer, seed, rows: hash.digest("hex"), settings },
    optimization: { ...optimization, schedule: { ...optimization.schedule } },
  });
}

function lossOf(job: Job): Json {
  if ("reward" in job) {
    const { generations, maxTokens, temperature, topP, beta, rewardId } = job;
    return { grpo: { generations, maxTokens, temperature, topP, beta, rewardId } };
  }
  return "nllWeight" in job ? { dpo: { beta: job.beta, nllWeight: job.nllWeight } } : "sft";
}

/**
 * Rows as a program outside can take them: of equal weight (which then cancels out of the mean), within the model's context and
 * within `maxLength`, with something to learn.
 * @throws PromptCotError `no-rows`, `row-weights`, `row-too-long`, `no-targets`
 */
export async function checkRows(
  job: Job,
  trainer: string,
  maxLength: number | undefined,
): Promise<{ longest: number }> {
  const first = job.rows[0];
  if (first === undefined) throw refusal("no-rows", "the job has no rows", "give at least one row");
  const context = await contextLengthOf(job.from.path);
  let longest = 0;
  for (const row of job.rows) {
    if ("weight" in row && "weight" in first && row.weight !== first.weight) {
      const message = `${trainer} has no row weights, and row ${row.id} weighs ${row.weight} where row ${first.id} weighs ${first.weight}`;
      throw refusal(
        "row-weights",
        message,
        "train with the embedded engine, or choose one candidate per pair (em.select)",
      );
    }
    const length = lengthOf(row) + ("reward" in job ? job.maxTokens : 0);
    if (length > context) {
      const answer = "reward" in job ? ", those of an answer included" : "";
      const message = `row ${row.id} has ${length} tokens${answer}; the model's context is ${context}`;
      throw refusal("row-too-long", message, "shorten or leave out such rows, or take a model with a longer context");
    }
    if (maxLength !== undefined && length > maxLength) {
      const message = `row ${row.id} has ${length} tokens, and a maxLength of ${maxLength} would cut it`;
      throw refusal("row-too-long", message, "raise maxLength, or leave it out: it is then that of the longest row");
    }
    longest = Math.max(longest, length);
  }
  return { longest };
}

function lengthOf(row: Job["rows"][number]): number {
  if ("targets" in row) {
    if (row.targets.length !== row.ids.length || row.targets[0])
      throw new Error(`row ${row.id}: targets must be as long as ids, and 0 at position 0`);
    if (!Array.from(row.targets).some(Boolean))
      throw refusal("no-targets", `row ${row.id} has no target token`, "leave it out, or mark what it should teach");
    return row.ids.length;
  }
  if (!("chosen" in row)) {
    if (row.prompt.length === 0) throw refusal("no-targets", `row ${row.id} has an empty prompt`, "leave it out");
    return row.prompt.length;
  }
  const { prompt, chosen, rejected } = row;
  if (prompt.length === 0 || chosen.length === 0 || rejected.length === 0)
    throw refusal("no-targets", `row ${row.id} has an empty prompt or answer`, "leave it out");
  return prompt.length + Math.max(chosen.length, rejected.length);
}

const Context = z.looseObject({ max_position_embeddings: z.int().positive().optional() });

async function contextLengthOf(folder: string): Promise<number> {
  const text = await readFile(join(folder, "config.json"), "utf8");
  return Context.parse(JSON.parse(text)).max_position_embeddings ?? Number.POSITIVE_INFINITY;
}

export function refusal(code: string, message: string, next: string): PromptCotError {
  return new PromptCotError({ boundary: "trainer", code, message, next });
}
