/** Trains by a plan: files and commands that a job comes to, whoever made them. Knows no program. */
import { join, resolve } from "node:path";
import { PromptCotError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import type { Json } from "../../core/hash.ts";
import { exists, makeFolder, writeFileAtomic } from "../../journal/files.ts";
import type { DpoJob, SftJob, Trained } from "../contract.ts";
import { readTokenizerFiles } from "../embedded/checkpoint.ts";
import { readTokenizer } from "../embedded/tokenizer.ts";
import { type Split, splitBatch, stepsOf } from "../external/batches.ts";
import { checkSteps, follower, lastCheckpoint } from "../external/follow.ts";
import { carryOut, checkRows, identityOf, type Outcome, refusal, type Work, writeLines } from "../external/job.ts";
import { runProgram } from "../external/program.ts";
import { type RowFormat, rowLines } from "./rows.ts";

/** Where a job's files lie, and how its batches are split. */
export interface Setting extends Split {
  from: string;
  folder: string;
  data: string;
  out: string;
  longest: number;
  steps: number;
}

export interface Plan {
  rows: RowFormat;
  /** By name, in the job's folder. */
  files: Readonly<Record<string, string>>;
  run: readonly (readonly string[])[];
  result: string;
  adapter?: string | undefined;
  expect: readonly string[];
  /** How steps and losses are told: by a pattern in the output, or as transformers' Trainer logs and keeps them in its output folder. */
  progress: { kind: "none" } | { kind: "pattern"; pattern: RegExp } | { kind: "transformers"; output: string };
}

export interface PlannedTrainer {
  name: string;
  processes: number;
  perDeviceBatch?: number | undefined;
  maxLength?: number | undefined;
  env: Readonly<Record<string, string>>;
  /** All that shapes the result besides the job. */
  settings: Json;
}

/** @throws PromptCotError `unfit-job`, those of `checkRows` and `rowLines`, `program-failed`, `missing-file` */
export async function trainByPlan(
  job: SftJob | DpoJob,
  trainer: PlannedTrainer,
  planFor: (setting: Setting) => Plan,
  call: CallOptions,
): Promise<Trained> {
  const split = splitBatch(job.optimization.batchSize, trainer);
  if (typeof split === "string") throw refusal("unfit-job", split, "change batchSize, processes or perDeviceBatch");
  if (job.optimizer === "carry") {
    const message = `${trainer.name} starts AdamW's moments at zero, and the job wants them carried over`;
    throw refusal("unfit-job", message, "set optimizer to fresh");
  }
  return carryOut(job, identityOf(job, trainer.settings), call, async (work) => {
    const { longest } = await checkRows(job, trainer.name, trainer.maxLength);
    const folder = resolve(work.folder);
    const from = resolve(job.from.path);
    const places = { from, folder, data: join(folder, "rows.jsonl"), out: join(folder, "out") };
    const plan = planFor({ ...places, ...split, longest: trainer.maxLength ?? longest, steps: stepsOf(job) });
    await write(job, plan, places);
    const losses = await runAll(job, trainer, plan, folder, work, call);
    return outcome(job, trainer, plan, losses);
  });
}

async function write(
  job: SftJob | DpoJob,
  plan: Plan,
  places: { from: string; data: string; folder: string; out: string },
) {
  const tokenizer = readTokenizer(await readTokenizerFiles(places.from), places.from);
  await writeLines(places.data, rowLines(job, plan.rows, tokenizer));
  await makeFolder(places.out);
  for (const [name, text] of Object.entries(plan.files)) await writeFileAtomic(join(places.folder, name), text);
}

/** Runs the commands; returns the losses that their output told. */
async function runAll(
  job: SftJob | DpoJob,
  trainer: PlannedTrainer,
  plan: Plan,
  folder: string,
  work: Work,
  call: CallOptions,
): Promise<number[]> {
  const { progress } = plan;
  const found = progress.kind === "transformers" ? await lastCheckpoint(progress.output) : undefined;
  const told = new Map<number, number>();
  const total = stepsOf(job);
  const follow = follower({
    ...{ done: found?.step ?? 0, total, epochs: job.optimization.epochs, onEvent: call.onEvent },
  });
  const onLine = (line: string) => {
    if (progress.kind === "transformers") follow(line);
    if (progress.kind !== "pattern") return;
    const groups = progress.pattern.exec(line)?.groups;
    if (groups?.loss === undefined) return;
    const step = groups.step === undefined ? told.size + 1 : Number(groups.step);
    told.set(step, Number(groups.loss));
    call.onEvent?.({ kind: "progress", done: step, total: Math.max(step, total), unit: "steps" });
  };
  const env = { HF_HUB_OFFLINE: "1", PYTHONUNBUFFERED: "1", ...trainer.env };
  for (const [command = "", ...args] of plan.run) {
    await runProgram({ command, args, cwd: folder, env }, { log: work.log, signal: call.signal, onLine });
  }
  return [...told].sort(([a], [b]) => a - b).map(([, loss]) => loss);
}

async function outcome(job: SftJob | DpoJob, trainer: PlannedTrainer, plan: Plan, told: number[]): Promise<Outcome> {
  for (const file of [plan.result, ...(plan.adapter === undefined ? [] : [plan.adapter]), ...plan.expect]) {
    if (await exists(file)) continue;
    throw new PromptCotError({
      boundary: "trainer",
      code: "missing-file",
      message: `${trainer.name} ended well, but ${file} is not there`,
      next: "look at the trainer's log, and correct what the config says of the result",
    });
  }
  const state = plan.progress.kind === "transformers" ? await lastCheckpoint(plan.progress.output) : undefined;
  if (state !== undefined) checkSteps(state, stepsOf(job), job.optimization.epochs);
  return {
    weights: plan.result,
    ...(plan.adapter === undefined ? {} : { adapter: plan.adapter }),
    steps: state?.step ?? stepsOf(job),
    losses: state?.losses ?? told,
    about: { trainer: trainer.name, settings: trainer.settings },
  };
}
