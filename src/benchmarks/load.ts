/**
 * Reads a benchmark's problems from a file, a folder or the Hub, and says by content hash which problems they are. A file with a
 * row that lacks a field is refused whole: part of a benchmark is another benchmark.
 */
import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { PromptCotError } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import { canonicalJson, sha256File } from "../core/hash.ts";
import { parseRows } from "../rows/parse.ts";
import { readRows } from "../rows/read.ts";
import type { Reject } from "../rows/row.ts";
import type { Benchmark, BenchmarkTask } from "./contract.ts";
import { downloadDataset, type HubOptions, parseDataset } from "./hub.ts";

/** Problems that are there, and where they came from. */
export interface Loaded {
  benchmark: Benchmark;
  tasks: BenchmarkTask[];
  /** Hash of all problems with what grades them, in their order: the same whatever the file's format. */
  content: string;
  /** Where these very problems are known from; undefined for any others. */
  pinned: string | undefined;
  /** The file that was read; undefined where the problems were made. */
  file: { path: string; sha256: string; origin: string } | undefined;
}

export interface LoadOptions extends CallOptions, HubOptions {
  /**
   * A file; a folder, in which each benchmark's file is looked for by name; `hub`, each benchmark's data set on the Hub; or one data
   * set, `hf:owner/name[@revision][/file]`.
   */
  data: string | undefined;
}

/** @throws PromptCotError `data` or `config` where there are no such problems, or their rows lack fields */
export async function loadBenchmark(benchmark: Benchmark, options: LoadOptions): Promise<Loaded> {
  const { source } = benchmark;
  if (source.kind === "generated") return loaded(benchmark, source.tasks(), undefined);
  const place = await locate(benchmark, source, options);
  const tasks = await readTasks(benchmark, source, place.path, options);
  return loaded(benchmark, tasks, { ...place, sha256: await sha256File(place.path) });
}

function loaded(benchmark: Benchmark, tasks: BenchmarkTask[], file: Loaded["file"]): Loaded {
  const content = contentOf(tasks);
  const pinned = benchmark.source.pins.find((pin) => pin.content === content)?.origin;
  return { benchmark, tasks, content, pinned, file };
}

/** 32 hexadecimal digits of the SHA-256 over the problems and their golds; ids and ratings are no part of it. */
export function contentOf(tasks: readonly BenchmarkTask[]): string {
  const hash = createHash("sha256");
  for (const { question, gold } of tasks) hash.update(`${canonicalJson({ question, gold })}\n`);
  return hash.digest("hex").slice(0, 32);
}

type RowSource = Extract<Benchmark["source"], { kind: "rows" }>;

const EXTENSIONS = [".jsonl", ".parquet", ".jsonl.gz", ".jsonl.zst"];

async function locate(
  benchmark: Benchmark,
  source: RowSource,
  options: LoadOptions,
): Promise<{ path: string; origin: string }> {
  const { data } = options;
  if (data === undefined) throw noData(benchmark, source);
  if (data === "hub") {
    if (source.dataset === undefined) throw notOnHub(benchmark, source);
    return downloadDataset({ ...source.dataset, revision: "main" }, options);
  }
  if (data.startsWith("hf:")) return downloadDataset(parseDataset(data), options);
  const found = await stat(data).catch(() => undefined);
  if (found === undefined) {
    throw new PromptCotError({
      boundary: "data",
      code: "no-data",
      message: `there is no file or folder ${data}`,
      next: "correct --data",
    });
  }
  if (!found.isDirectory()) return { path: data, origin: data };
  const entries = await readdir(data);
  const name = source.files
    .flatMap((file) => EXTENSIONS.map((ending) => file + ending))
    .find((file) => entries.includes(file));
  if (name === undefined) {
    const wanted = source.files.map((file) => `${file}.jsonl`).join(", ");
    throw new PromptCotError({
      boundary: "data",
      code: "no-data",
      message: `${data} holds no file for ${benchmark.name}: looked for ${wanted} (or .parquet)`,
      next: "name the file itself with --data, or rename it",
    });
  }
  return { path: join(data, name), origin: join(data, name) };
}

async function readTasks(
  benchmark: Benchmark,
  source: RowSource,
  path: string,
  { signal }: CallOptions,
): Promise<BenchmarkTask[]> {
  const tasks: BenchmarkTask[] = [];
  const rejects: Reject[] = [];
  const reading = { signal, onReject: (reject: Reject) => void rejects.push(reject) };
  for await (const { value } of parseRows(readRows(path, reading), source.row, reading)) {
    tasks.push({ ...value, id: value.id ?? `${benchmark.name}/${tasks.length}` });
  }
  const [first] = rejects;
  if (first !== undefined) throw lacking(benchmark, source, path, first, rejects.length, tasks.length);
  const twice = tasks.find(({ id }, i) => tasks.findIndex((task) => task.id === id) < i);
  if (twice !== undefined) {
    throw new PromptCotError({
      boundary: "data",
      code: "double-id",
      message: `${path}: two problems have the id "${twice.id}"`,
      next: "give each problem an id of its own, or leave the field out",
    });
  }
  return tasks;
}

function lacking(
  benchmark: Benchmark,
  source: RowSource,
  path: string,
  first: Reject,
  bad: number,
  good: number,
): PromptCotError {
  const field = first.field === "" ? "" : `${first.field}: `;
  const others = bad > 1 ? `, and so are ${bad - 1} more of ${bad + good} rows` : ` (1 of ${bad + good} rows)`;
  return new PromptCotError({
    boundary: "data",
    code: "fields-missing",
    message: `${basename(path)} cannot be used for ${benchmark.name}: line ${first.line} is refused (${field}${first.reason})${others}`,
    next: `${benchmark.name} needs, in every row: ${source.fields}. docs/design/evaluation.md shows the formats`,
  });
}

function noData(benchmark: Benchmark, source: RowSource): PromptCotError {
  const hub =
    source.dataset === undefined ? "" : `, or --data hub to take ${source.dataset.repo} from the Hugging Face Hub`;
  return new PromptCotError({
    boundary: "config",
    code: "no-data",
    message: `${benchmark.name} needs its problems`,
    next: `give a file or a folder with ${source.files[0]}.jsonl by --data${hub}`,
  });
}

function notOnHub(benchmark: Benchmark, source: RowSource): PromptCotError {
  return new PromptCotError({
    boundary: "config",
    code: "no-data",
    message: `no data set on the Hub is known to hold ${benchmark.name} with its tests`,
    next: `give a file by --data, or a data set of yours as --data hf:owner/name. It needs: ${source.fields}`,
  });
}
