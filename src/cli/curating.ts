/** What the curation commands share: reading a field of any file, the display and the signals, and the funnel at the end. */
import { z } from "zod";
import { PromptCotError } from "../core/errors.ts";
import type { CallOptions, WorkEvent } from "../core/events.ts";
import { needed } from "../core/needed.ts";
import { USUAL_FIELDS } from "../curate/decontaminate/benchmarks.ts";
import { parseRows } from "../rows/parse.ts";
import { readRows } from "../rows/read.ts";
import { type Reject, type Row, textAt, valueAt } from "../rows/row.ts";
import type { TransformResult } from "../rows/transform.ts";
import { onInterrupt } from "./interrupt.ts";
import { display } from "./progress.ts";
import { aligned } from "./table.ts";

/** Rows with a text in `field`; others are refused with the field's name, and what was found there. */
export function rowWithText(field: string): z.ZodType<Row> {
  return z
    .custom<Row>((value) => typeof value === "object" && value !== null)
    .superRefine((row, context) => {
      const value = valueAt(row, field);
      if (typeof value === "string") return;
      const found =
        value === undefined
          ? "missing"
          : `not a text (${value === null ? "null" : Array.isArray(value) ? "array" : typeof value})`;
      context.addIssue({ code: "custom", path: field.split("."), message: found });
    });
}

/** The texts of a file's field, with the rows; rows without one are passed over, and told to `onReject`. */
export async function* textsOf(
  path: string,
  field: string,
  { signal }: CallOptions,
  onReject: (reject: Reject) => void = () => undefined,
): AsyncGenerator<{ row: Row; text: string; line: number }> {
  const rows = readRows(path, { signal, onReject });
  for await (const { value, line } of parseRows(rows, rowWithText(field), { signal, onReject })) {
    yield { row: value, text: textAt(value, field) as string, line };
  }
}

/** Rows that are looked at before a field counts as absent. */
const LOOKED_AT = 100;

/**
 * The field that holds a file's problems: the one named, or the first usual one that a row has a text in.
 * @throws PromptCotError `data`/`no-such-field` if the first rows have no text there; it names the fields that have
 */
export async function problemField(path: string, named: string | undefined, { signal }: CallOptions): Promise<string> {
  const wanted = named === undefined ? USUAL_FIELDS : [named];
  const found = new Set<string>();
  let seen = 0;
  const bad: Reject[] = [];
  for await (const { row } of readRows(path, { signal, onReject: (reject) => void (bad[0] ??= reject) })) {
    const field = wanted.find((name) => textAt(row, name) !== undefined);
    if (field !== undefined) return field;
    for (const [name, value] of Object.entries(row)) if (typeof value === "string") found.add(name);
    if (++seen === LOOKED_AT) break;
  }
  if (seen === 0 && bad[0] !== undefined) {
    throw new PromptCotError({
      boundary: "data",
      code: "no-rows",
      message: `${path}: no line can be read as a row; the first: ${path}:${bad[0].line}: ${bad[0].reason}`,
      next: "name a JSONL file (one {...} a line, also as .gz or .zst) or a Parquet file",
    });
  }
  throw new PromptCotError({
    boundary: "data",
    code: "no-such-field",
    message: `${path}: the first ${seen === 1 ? "row has" : `${seen} rows have`} no text in ${wanted.map((name) => `"${name}"`).join(", ")}`,
    next:
      found.size === 0
        ? "name the field that holds the problem with --field; dots reach into objects"
        : `name the field that holds the problem with --field; there are: ${[...found].join(", ")}`,
  });
}

/** What an earlier command did of the work, in words; undefined where there was none. */
export function doneBefore({ batches, batchesKept }: TransformResult): string | undefined {
  if (batchesKept === 0) return undefined;
  if (batchesKept === batches) return "nothing was left to do: an earlier command had finished this";
  return `went on with an earlier command's work: ${batchesKept} of ${batches} batches were done`;
}

/** Says where the rows of a finished transformation are, and of the first that could not be used why. */
export async function printOutputs(
  outputs: { kept: string; rejects: string },
  written: TransformResult,
  { signal }: CallOptions,
): Promise<void> {
  const { rows, unreadable } = written;
  const dropped = rows.rejects ?? 0;
  const before = doneBefore(written);
  if (before !== undefined) process.stdout.write(`${before}\n`);
  process.stdout.write(`kept rows → ${outputs.kept}\n`);
  if (rows.kept === 0) process.stdout.write("no row is left: a command that reads this file stops with exit code 3\n");
  if (dropped === 0) return;
  process.stdout.write(`dropped rows, each with its reason → ${outputs.rejects}\n`);
  if (unreadable > 0) process.stdout.write(`${await tellUnusable(unreadable, outputs.rejects, signal)}\n`);
}

const Unusable = z.object({ file: z.string(), line: z.number(), field: z.string(), reason: z.string() });
type Unusable = z.infer<typeof Unusable>;

/** `5 rows cannot be used as they are; the first: a.jsonl:6: not JSON: …`, from the rejects that say so. */
export async function tellUnusable(count: number, rejects: string, signal: CallOptions["signal"]): Promise<string> {
  return unusable(count, await firstUnusable(rejects, signal));
}

/** The first reject that is no row of the input, but says why one could not be used. */
async function firstUnusable(rejects: string, signal: CallOptions["signal"]): Promise<Unusable | undefined> {
  for await (const { row } of readRows(rejects, { signal, onReject: () => undefined })) {
    if (row.rejected !== undefined && row.rejected !== null) continue;
    const found = Unusable.safeParse(row);
    if (found.success) return found.data;
  }
  return undefined;
}

/** `5 rows cannot be used as they are; the first: a.jsonl:6: not JSON: …` */
function unusable(count: number, first: Unusable | undefined): string {
  const many =
    count === 1 ? "1 row cannot be used as it is" : `${count.toLocaleString("en")} rows cannot be used as they are`;
  if (first === undefined) return many;
  const { file, line, field, reason } = first;
  return `${many}; the first: ${file}:${line}: ${field === "" ? "" : `${field}: `}${reason}`;
}

/** Rows that a command passes over, for those that write no rejects: counted, and told of at the end. */
export interface PassedOver {
  add(reject: Unusable): void;
  /** One line on standard error, if there are any. */
  tell(): void;
}

export function passedOver(): PassedOver {
  let count = 0;
  let first: Unusable | undefined;
  return {
    add({ file, line, field, reason }) {
      count++;
      first ??= { file, line, field, reason };
    },
    tell() {
      if (count > 0) process.stderr.write(`${unusable(count, first)}\n`);
    },
  };
}

/** Runs `work` with a live display, so that Ctrl-C leaves files whole and says how to go on. */
export async function withDisplay<T>(name: string, work: (call: CallOptions) => Promise<T>): Promise<T> {
  const screen = display(process.stderr);
  const interrupt = onInterrupt(screen.note, "the same command goes on from here");
  screen.onEvent({ kind: "act-start", act: name });
  try {
    return await work({
      signal: interrupt.signal,
      onEvent: (event: WorkEvent) => screen.onEvent({ kind: "work", act: name, event }),
    });
  } finally {
    screen.end();
    interrupt.release();
  }
}

/** Counts of reasons, for a funnel. */
export interface Tally {
  add(reason: string): void;
  rows(): [string, number][];
}

export function tally(): Tally {
  const counts = new Map<string, number>();
  return {
    add: (reason) => void counts.set(reason, (counts.get(reason) ?? 0) + 1),
    rows: () => [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)),
  };
}

/** The funnel: what came in, what each reason took, what is left. */
export function printFunnel(read: number, dropped: readonly (readonly [string, number])[], kept: number): void {
  const share = (count: number) => (read === 0 ? "–" : `${((100 * count) / read).toFixed(2)} %`);
  const line = (name: string, count: number) => [name, count.toLocaleString("en"), share(count)];
  const rows = [
    line("rows read", read),
    ...dropped.map(([reason, count]) => line(`  − ${reason}`, count)),
    line("kept", kept),
  ];
  process.stdout.write(`${aligned(rows)}\n`);
}

/** Rows that are no rows, or have no text in the field. */
export const UNUSABLE = "cannot be used as it is";

/** The funnel of a finished transformation; the reasons are read from the rejects, since a resumed run wrote only a part of them. */
export async function reportFunnel(
  written: TransformResult,
  rejects: string,
  field: string,
  call: CallOptions,
  name: (reason: string) => string,
): Promise<void> {
  const reasons = tally();
  for (let i = 0; i < written.unreadable; i++) reasons.add(UNUSABLE);
  if ((written.rows.rejects ?? 0) > written.unreadable) {
    for await (const { text } of textsOf(rejects, field, call)) reasons.add(name(text));
  }
  printFunnel(written.inputRows, reasons.rows(), written.rows.kept ?? 0);
}

/** A number option, checked. */
export function numberOption(
  name: string,
  text: string,
  { min, max, integer = false }: { min: number; max: number; integer?: boolean },
): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= min && value <= max && (!integer || Number.isInteger(value))) return value;
  throw new PromptCotError({
    boundary: "config",
    code: "bad-option",
    message: `${name} is "${text}", but must be ${integer ? "a whole number" : "a number"} from ${min} to ${max}`,
    next: "correct it and run the command again",
  });
}

/** Settings from options, with the schema's complaint in words. */
export function settingsFrom<T>(schema: z.ZodType<T>, values: unknown): T {
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues as [z.core.$ZodIssue];
  const option = `--${issue.path.join(".").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const words = needed(issue);
  throw new PromptCotError({
    boundary: "config",
    code: "bad-option",
    message: words === undefined ? `${option}: ${issue.message}` : `${option} must be ${words}`,
    next: "correct it and run the command again",
  });
}

/** How many threads to compute on beside this one. */
export function workersFrom(threads: string): number {
  return numberOption("--threads", threads, { min: 1, max: 64, integer: true }) - 1;
}
