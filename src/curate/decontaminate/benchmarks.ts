/** Reads benchmark files into problems that a matcher can hold: any JSONL or Parquet file, shared instruction lines stripped. */
import { basename } from "node:path";
import { PromptCotError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import { sha256File } from "../../core/hash.ts";
import { readRows } from "../../rows/read.ts";
import { type Row, textAt, valueAt } from "../../rows/row.ts";
import { sharedLines, stripLines } from "../calibrate/shared-lines.ts";
import type { BenchmarkProblem } from "./matcher.ts";

export interface Benchmarks {
  /** Named `file:id`, or `file:line` where a row has no id. */
  problems: BenchmarkProblem[];
  /** [file] SHA-256 of the content. */
  identity: string[];
}

export interface BenchmarkOptions extends CallOptions {
  /** Field that holds the problems; without one, each file's first of `USUAL_FIELDS`. */
  field?: string | undefined;
  /** Tried before the usual ones. */
  firstField?: string | undefined;
}

export const USUAL_FIELDS = ["problem", "prompt", "question"];

/** @throws PromptCotError `data`/`no-benchmark-field` for a file without any text under those names */
export async function readBenchmarks(paths: readonly string[], options: BenchmarkOptions): Promise<Benchmarks> {
  const benchmarks: Benchmarks = { problems: [], identity: [] };
  for (const path of paths) {
    benchmarks.identity.push(await sha256File(path));
    const rows = await readOne(path, options);
    const shared = new Set(sharedLines(rows.map(({ text }) => text)));
    for (const { id, text } of rows) benchmarks.problems.push({ id, text: stripLines(text, shared) });
  }
  return benchmarks;
}

async function readOne(path: string, options: BenchmarkOptions): Promise<BenchmarkProblem[]> {
  const fields = options.field === undefined ? [options.firstField ?? [], USUAL_FIELDS].flat() : [options.field];
  const problems: BenchmarkProblem[] = [];
  const passedOver: number[] = [];
  let field: string | undefined;
  const { signal } = options;
  for await (const { row, line } of readRows(path, { signal, onReject: ({ line }) => void passedOver.push(line) })) {
    field ??= fields.find((name) => textAt(row, name) !== undefined);
    const text = field === undefined ? undefined : textAt(row, field);
    if (text === undefined) passedOver.push(line);
    else problems.push({ id: nameOf(path, row, line), text });
  }
  if (problems.length === 0) throw noField(path, fields);
  if (passedOver.length > 0) {
    const message = `${path}: ${passedOver.length} rows without a text in "${field}" cannot be looked for (first: line ${passedOver[0]})`;
    options.onEvent?.({ kind: "note", message });
  }
  return problems;
}

function nameOf(path: string, row: Row, line: number): string {
  const id = valueAt(row, "id");
  return `${basename(path)}:${typeof id === "string" || typeof id === "number" ? id : line}`;
}

function noField(path: string, fields: readonly string[]): PromptCotError {
  return new PromptCotError({
    boundary: "data",
    code: "no-benchmark-field",
    message: `${path} has none of the fields ${fields.join(", ")}`,
    next: "name the field that holds its problems with --against-field",
  });
}
