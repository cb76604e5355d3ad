/** What the curation commands share: reading a field of any file, the display and the signals, and the funnel at the end. */
import { z } from "zod";
import { PromptCotError, Stopped } from "../core/errors.ts";
import type { CallOptions, WorkEvent } from "../core/events.ts";
import { parseRows } from "../rows/parse.ts";
import { readRows } from "../rows/read.ts";
import { type Row, textAt, valueAt } from "../rows/row.ts";
import type { TransformResult } from "../rows/transform.ts";
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

/** The texts of a file's field, with the rows; rows without one are passed over (and are reported where the file is written on). */
export async function* textsOf(
  path: string,
  field: string,
  { signal }: CallOptions,
): AsyncGenerator<{ row: Row; text: string; line: number }> {
  const onReject = () => undefined;
  const rows = readRows(path, { signal, onReject });
  for await (const { value, line } of parseRows(rows, rowWithText(field), { signal, onReject })) {
    yield { row: value, text: textAt(value, field) as string, line };
  }
}

/** Runs `work` with a live display, so that Ctrl-C leaves files whole and says how to go on. */
export async function withDisplay<T>(name: string, work: (call: CallOptions) => Promise<T>): Promise<T> {
  const screen = display(process.stderr);
  const interrupt = new AbortController();
  const stop = () =>
    interrupt.abort(
      new Stopped({
        reason: "interrupted",
        message: "interrupted; all finished work is on disk",
        next: "the same command goes on from here",
      }),
    );
  process.on("SIGINT", stop).on("SIGTERM", stop);
  screen.onEvent({ kind: "act-start", act: name });
  try {
    return await work({
      signal: interrupt.signal,
      onEvent: (event: WorkEvent) => screen.onEvent({ kind: "work", act: name, event }),
    });
  } finally {
    screen.end();
    process.off("SIGINT", stop).off("SIGTERM", stop);
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

/** The funnel of a finished transformation; the reasons are read from the rejects, since a resumed run wrote only a part of them. */
export async function reportFunnel(
  written: TransformResult,
  rejects: string,
  field: string,
  call: CallOptions,
  name: (reason: string) => string,
): Promise<void> {
  const reasons = tally();
  for (let i = 0; i < written.unreadable; i++) reasons.add("cannot be read");
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
  const issue = parsed.error.issues[0];
  throw new PromptCotError({
    boundary: "config",
    code: "bad-option",
    message: `--${issue?.path.join(".").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}: ${issue?.message}`,
    next: "run with --help for the options",
  });
}

/** How many threads to compute on beside this one. */
export function workersFrom(threads: string): number {
  return numberOption("--threads", threads, { min: 1, max: 64, integer: true }) - 1;
}
