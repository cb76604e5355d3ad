/**
 * Rows in, rows out: streamed, in order, resumable. For commands that grade, filter or deduplicate a user's file batch by batch; what
 * must see all rows before it can say anything of one does not fit here.
 *
 * Beside the first output stand, while it runs, `‹output›.work/` (a journal with one shard per batch) and, for good,
 * `‹output›.transform.json` (hash of the input, options, hashes of the outputs).
 */
import { rename, rm, rmdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { PromptCotError, throwIfStopped } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import { canonicalJson, type Json, sha256File } from "../core/hash.ts";
import { acquireLock, errnoOf, openJournal, readJournal, storageError } from "../journal/contract.ts";
import { type PlacedValue, parsedItems } from "./parse.ts";
import { countRows, rowItems } from "./read.ts";
import { type Reject, type Row, reject } from "./row.ts";
import { type Done, type Settings, sidecarOf, standingOf, writeSidecar } from "./sidecar.ts";
import { type Codec, formatOf, writeRows } from "./write.ts";

/** Rows for each output. */
export type Results<Output extends string> = Readonly<Record<Output, readonly Row[]>>;

export interface TransformSpec<T, Output extends string> extends CallOptions {
  /** A file that `readRows` reads. */
  input: string;
  /** What each row must be; `anyRow` takes all. */
  schema: z.ZodType<T>;
  /** The row's id: a second row with the same id is rejected. */
  idOf?: (value: T) => string;
  /** Output files by name; the format follows the file's name. `rejects` also takes the rows that could not be read. */
  outputs: Readonly<Record<Output | "rejects", string>>;
  /** Everything but the input that shapes the outputs; to resume with other options is refused. */
  options: Json;
  /** Input rows per batch: what is lost by a kill is at most one batch's work. */
  batchSize: number;
  /** Gives each batch's output rows. Same batch and options, same rows: then the outputs are the same bytes, whatever the interruptions. */
  worker: (batch: readonly PlacedValue<T>[], options: CallOptions) => Promise<Results<Output | "rejects">>;
  /**
   * Called, in order, for each batch that an earlier process finished, with what the worker gave: for a worker that remembers earlier
   * rows (an index of duplicates), so that it stands where it stood.
   */
  replay?: (batch: readonly PlacedValue<T>[], results: Results<Output | "rejects">) => void | Promise<void>;
  /** The first row that cannot be read stops the work. */
  strict?: boolean;
  /** Replace outputs, and start over if the input or the options have changed. */
  overwrite?: boolean;
  /** Compression within Parquet outputs. */
  codec?: Codec;
}

export interface TransformResult {
  /** Rows in each output, by its name. */
  rows: Readonly<Record<string, number>>;
  /** Rows of the input, those that could not be read included. */
  inputRows: number;
  /** Of those, how many could not be read. */
  unreadable: number;
  batches: number;
  /** Batches that were not done again; all of them where the outputs were in place already. */
  batchesKept: number;
}

/** Takes any row as it is. */
export const anyRow: z.ZodType<Row> = z.custom<Row>((value) => typeof value === "object" && value !== null);

const Entry = z.strictObject({ output: z.string(), row: anyRow });
type Entry = z.infer<typeof Entry>;
const JOURNAL = { name: "rows", schema: Entry, version: 1 };

/**
 * Carries the transformation out, or goes on with it. After a kill at any moment, the same call gives the same output files; they appear
 * whole, at the end. Where they are in place already and nothing has changed, it does nothing.
 * @throws PromptCotError `data`/`input-changed`, `config`/`options-changed`, `storage`/`exists` or `outputs-changed` unless `overwrite`;
 *   `data`/`bad-row` if `strict`; `data`/`empty-file`; `storage`/`locked`
 */
export async function transformRows<T, Output extends string>(
  spec: TransformSpec<T, Output>,
): Promise<TransformResult> {
  const names = Object.keys(spec.outputs) as (Output | "rejects")[];
  for (const name of names) formatOf(spec.outputs[name]);
  refuseSameFile([spec.input, ...Object.values<string>(spec.outputs)]);
  const first = spec.outputs[names[0] ?? "rejects"];
  const work = `${first}.work`;
  const sidecar = sidecarOf(first);
  const settings = await settingsOf(spec, names);
  const lock = await acquireLock(work);
  try {
    const standing = await standingOf(sidecar, settings, spec.outputs, spec.input, spec.overwrite ?? false);
    if (standing.kind !== "resume") await discard(work);
    if (standing.kind === "done") return { ...countsOf(standing.done), batchesKept: standing.done.batches };
    // The old work has gone first: a kill before this line leaves the old settings with nothing done, never new settings with old work.
    if (standing.kind === "fresh") await writeSidecar(sidecar, settings);
    const { batchesKept, ...counts } = await carryOut(spec, names, work);
    const sha256 = Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await sha256File(spec.outputs[name])] as const)),
    );
    await writeSidecar(sidecar, settings, { ...counts, sha256 });
    await discard(work);
    return { ...counts, batchesKept };
  } finally {
    await lock.release();
    // It stays if it holds work to go on with.
    await rmdir(work).catch(() => undefined);
  }
}

function countsOf({ rows, inputRows, unreadable, batches }: Done): Omit<TransformResult, "batchesKept"> {
  return { rows, inputRows, unreadable, batches };
}

async function settingsOf<T, Output extends string>(
  spec: TransformSpec<T, Output>,
  names: string[],
): Promise<Settings> {
  const input = await sha256File(spec.input).catch((error: unknown) => {
    throw storageError(error, spec.input, "read");
  });
  const options = z.json().parse(JSON.parse(canonicalJson(spec.options)));
  const { batchSize, codec = DEFAULT_CODEC, strict = false } = spec;
  return { input, options, batchSize, outputs: names, codec, strict };
}

function refuseSameFile(paths: string[]): void {
  const twice = paths.find((path, i) => paths.findIndex((other) => resolve(other) === resolve(path)) !== i);
  if (twice === undefined) return;
  throw new PromptCotError({
    boundary: "config",
    code: "same-file",
    message: `${twice} is asked for twice, as input or output`,
    next: "give each output a file of its own",
  });
}

/** Gives the journal up. It is renamed first, so that a kill half way leaves no journal with holes. */
async function discard(work: string): Promise<void> {
  const away = join(work, "discarded");
  await rm(away, { recursive: true, force: true });
  await rename(join(work, JOURNAL.name), away).catch((error: unknown) => {
    if (errnoOf(error) !== "ENOENT") throw storageError(error, work, "empty");
  });
  await rm(away, { recursive: true, force: true });
  await rm(join(work, "repairs.jsonl"), { force: true });
}

async function carryOut<T, Output extends string>(
  spec: TransformSpec<T, Output>,
  names: (Output | "rejects")[],
  work: string,
): Promise<TransformResult> {
  const total = await countRows(spec.input);
  const journal = await openJournal(work, { ...JOURNAL, signal: spec.signal, onEvent: spec.onEvent });
  const earlier = readJournal(work, JOURNAL).byShard()[Symbol.asyncIterator]();
  let [inputRows, unreadable, batches, batchesKept] = [0, 0, 0, 0];
  try {
    for await (const batch of batchesOf(spec)) {
      throwIfStopped(spec.signal);
      const shard = `batch-${batches++}`;
      inputRows += batch.values.length + batch.rejects.length;
      unreadable += batch.rejects.length;
      if (journal.finishedShards.has(shard)) {
        batchesKept++;
        if (spec.replay !== undefined) {
          const entries: Entry[] = (await earlier.next()).value?.records ?? [];
          const given = entries.slice(0, entries.length - batch.rejects.length);
          await spec.replay(batch.values, resultsOf(names, given));
        }
      } else await journal.commitShard(shard, await entriesOf(spec, names, batch));
      spec.onEvent?.({ kind: "progress", done: inputRows, total: Math.max(total, inputRows), unit: "rows" });
    }
  } finally {
    await earlier.return?.();
    await journal.close();
  }
  const rows: Record<string, number> = {};
  for (const name of names) {
    rows[name] = await writeRows(spec.outputs[name], rowsFor(name, work), {
      signal: spec.signal,
      codec: spec.codec ?? DEFAULT_CODEC,
    });
  }
  return { rows, inputRows, unreadable, batches, batchesKept };
}

interface Batch<T> {
  values: PlacedValue<T>[];
  rejects: Reject[];
}

async function* batchesOf<T, Output extends string>(spec: TransformSpec<T, Output>): AsyncGenerator<Batch<T>> {
  let batch: Batch<T> = { values: [], rejects: [] };
  const items = parsedItems(rowItems(spec.input, { signal: spec.signal }), spec.schema, spec.idOf);
  for await (const item of items) {
    if (!("reason" in item)) batch.values.push(item);
    else if (spec.strict) reject(item, { strict: true });
    else batch.rejects.push(item);
    if (batch.values.length + batch.rejects.length < spec.batchSize) continue;
    yield batch;
    batch = { values: [], rejects: [] };
  }
  if (batch.values.length + batch.rejects.length > 0) yield batch;
}

/** What is journaled for a batch: the worker's rows output by output, then the rows that could not be read. */
async function entriesOf<T, Output extends string>(
  spec: TransformSpec<T, Output>,
  names: (Output | "rejects")[],
  batch: Batch<T>,
): Promise<Entry[]> {
  const results =
    batch.values.length === 0
      ? resultsOf(names, [])
      : await spec.worker(batch.values, { signal: spec.signal, onEvent: spec.onEvent });
  const entries = names.flatMap((output) => results[output].map((row): Entry => ({ output, row })));
  return [...entries, ...batch.rejects.map((row): Entry => ({ output: "rejects", row: { ...row } }))];
}

function resultsOf<Name extends string>(names: readonly Name[], entries: readonly Entry[]): Results<Name> {
  const results = {} as Record<Name, Row[]>;
  for (const name of names) results[name] = entries.filter(({ output }) => output === name).map(({ row }) => row);
  return results;
}

async function* rowsFor(name: string, work: string): AsyncGenerator<Row> {
  for await (const { output, row } of readJournal(work, JOURNAL)) if (output === name) yield row;
}

const DEFAULT_CODEC = "snappy";
