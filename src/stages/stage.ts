/**
 * What every stage stands on: journal in, journal out. A stage plans all its shards from its input, leaves out those that
 * its journal already holds, and commits the others whole, in plan order; so an interrupted stage, started again, ends with
 * the same bytes.
 */
import { basename, dirname, join, relative } from "node:path";
import type { z } from "zod";
import { PromptCotError } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import type { Rng } from "../core/rng.ts";
import type { Executor, Shard, ShardWorker } from "../exec/contract.ts";
import { hasJournal, type JournalReader, type JournalWriter, openJournal, readJournal } from "../journal/journal.ts";
import type { Backend, Checkpoint, DpoJob, GrpoJob, Model, SftJob, Trained, Trainer } from "../lm/contract.ts";
import { TrainingRecord } from "./em/records.ts";

/** What a stage may know of the run that it is part of. */
export interface StageContext extends CallOptions {
  /** The run folder. */
  folder: string;
  /** The root of all chance in the run. */
  rng: Rng;
  executor: Executor;
}

/** A journal's place within a run, and what its records look like. */
export interface JournalKind<Output> {
  /** The journal's folder within the run: `em/round-1/draws`. */
  journal: string;
  schema: z.ZodType<Output>;
  /** Version of the schema. */
  version: number;
}

/** What a stage works on: a list, or a stream that gives the same items in the same order whenever it is read. */
export type Items<Item> = readonly Item[] | ItemStream<Item>;

export interface ItemStream<Item> extends AsyncIterable<Item> {
  /** How many there are at most, for telling progress. */
  readonly total: number;
}

export interface JournaledStage<Item, Output> extends JournalKind<Output> {
  items: Items<Item>;
  /** Items per commit: what at most is done again after an interruption. */
  shardSize: number;
  worker: ShardWorker<Item, Output>;
  /** What progress counts. */
  unit: string;
}

/** Runs what is missing of a stage and returns its journal, to be read as a stream. */
export async function journaled<Item, Output>(
  context: StageContext,
  stage: JournaledStage<Item, Output>,
): Promise<JournalReader<Output>> {
  const writer = await writerOf(context, stage);
  context.onEvent?.({ kind: "stage", folder: context.folder, journal: stage.journal });
  try {
    let done = 0;
    const total = itemCount(stage.items);
    const sizes = new Map<string, number>(); // of the shards at work
    const report = (part: number) =>
      context.onEvent?.({ kind: "progress", done: Math.min(total, done + part), total, unit: stage.unit });
    async function* missing(): AsyncGenerator<Shard<Item>> {
      for await (const shard of planShards(stage.items, stage.shardSize)) {
        if (writer.finishedShards.has(shard.id)) {
          done += shard.items.length;
          continue;
        }
        sizes.set(shard.id, shard.items.length);
        report(0);
        yield shard;
      }
      report(0);
    }
    const call: CallOptions = {
      signal: context.signal,
      onEvent: (event) => (event.kind === "progress" ? report(event.done) : context.onEvent?.(event)),
    };
    for await (const { shardId, outputs } of context.executor.run(missing(), stage.worker, call)) {
      await writer.commitShard(shardId, outputs);
      done += sizes.get(shardId) ?? 0;
      sizes.delete(shardId);
      report(0);
    }
  } finally {
    await writer.close();
  }
  return recordsOf(context, stage);
}

/** Commits one record under an id, unless the journal holds it already. */
export async function recordOnce<Output>(
  context: StageContext,
  kind: JournalKind<Output>,
  id: string,
  record: Output,
): Promise<void> {
  const writer = await writerOf(context, kind);
  try {
    if (!writer.finishedShards.has(id)) await writer.commitShard(id, [record]);
  } finally {
    await writer.close();
  }
}

/** Reads a journal of the run as a stream. */
export function recordsOf<Output>(context: { folder: string }, kind: JournalKind<Output>): JournalReader<Output> {
  const { folder, spec } = placed(context, kind);
  return readJournal(folder, spec);
}

/** As `recordsOf`, but empty where the run has not come so far. */
export async function* recordsSoFar<Output>(
  context: { folder: string },
  kind: JournalKind<Output>,
): AsyncGenerator<Output> {
  const { folder, spec } = placed(context, kind);
  if (await hasJournal(folder, spec.name)) yield* readJournal(folder, spec);
}

function writerOf<Output>(context: StageContext, kind: JournalKind<Output>): Promise<JournalWriter<Output>> {
  const { folder, spec } = placed(context, kind);
  return openJournal(folder, { ...spec, onEvent: context.onEvent });
}

function placed<Output>(context: { folder: string }, kind: JournalKind<Output>) {
  const { journal, schema, version } = kind;
  return {
    folder: join(context.folder, "journal", dirname(journal)),
    spec: { name: basename(journal), schema, version },
  };
}

/** How many items there are at most. */
export function itemCount(items: Items<unknown>): number {
  return "length" in items ? items.length : items.total;
}

async function* planShards<Item>(items: Items<Item>, size: number): AsyncGenerator<Shard<Item>> {
  let planned = 0;
  let batch: Item[] = [];
  const shard = () => ({ id: String(planned++).padStart(6, "0"), items: batch });
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield shard();
    batch = [];
  }
  if (batch.length > 0) yield shard();
}

/** Opens a model when it is first needed, and closes it at the end if it ever was. */
export async function withModel<T>(
  backend: Backend,
  checkpoint: Checkpoint,
  options: CallOptions,
  use: (model: () => Promise<Model>) => Promise<T>,
): Promise<T> {
  let opened: Promise<Model> | undefined;
  try {
    return await use(() => (opened ??= backend.open(checkpoint, options)));
  } finally {
    if (opened !== undefined) await (await opened).close();
  }
}

export interface TrainingStage {
  /** The job's name within the run, also its checkpoint's folder: `em/round-1/q`. */
  name: string;
  trainer: Trainer;
  job:
    | { kind: "sft"; job: Omit<SftJob, "out"> }
    | { kind: "dpo"; job: Omit<DpoJob, "out"> }
    | { kind: "grpo"; job: Omit<GrpoJob, "out"> };
}

/** Trains unless the run has it already; the trainer itself resumes an unfinished job. */
export async function trained(
  context: StageContext,
  stage: TrainingStage,
): Promise<{ checkpoint: Checkpoint; record: TrainingRecord }> {
  const out = join(context.folder, "checkpoints", stage.name);
  const records = await journaled(context, {
    journal: `training/${stage.name}`,
    schema: TrainingRecord,
    version: 1,
    items: [stage.name],
    shardSize: 1,
    unit: "jobs",
    worker: async (_, call) => {
      const result = await runJob(stage, out, call);
      return [
        {
          name: stage.name,
          checkpoint: relative(context.folder, result.checkpoint.path),
          hash: result.checkpoint.hash,
          steps: result.steps,
          targetTokens: result.targetTokens,
          losses: [...result.losses],
        },
      ];
    },
  });
  const [record] = await Array.fromAsync(records);
  if (record === undefined) throw new Error(`training ${stage.name} left no record`);
  return { checkpoint: { path: join(context.folder, record.checkpoint), hash: record.hash }, record };
}

function runJob({ trainer, job }: TrainingStage, out: string, call: CallOptions): Promise<Trained> {
  switch (job.kind) {
    case "sft":
      return trainer.sft({ ...job.job, out }, call);
    case "dpo":
      if (trainer.dpo === undefined) throw cannot(trainer, "DPO");
      return trainer.dpo({ ...job.job, out }, call);
    case "grpo":
      if (trainer.grpo === undefined) throw cannot(trainer, "GRPO");
      return trainer.grpo({ ...job.job, out }, call);
    default:
      return job satisfies never;
  }
}

function cannot({ name }: Trainer, method: string): PromptCotError {
  return new PromptCotError({
    ...{ boundary: "config", code: "trainer-cannot", message: `the trainer ${name} does not train by ${method}` },
    next: "choose another kind of training, or a trainer that offers it (GRPO: a backend of kind trl)",
  });
}
