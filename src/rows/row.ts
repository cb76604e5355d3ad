/** What a row of a user's file is, where it stands, and how a row that cannot be used is reported. */
import { PromptCotError } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import type { Json } from "../core/hash.ts";

/** One row: a JSON object. Integers beyond 2^53 are text with all their digits, in JSONL and Parquet alike. */
export type Row = { readonly [key: string]: Json | undefined };

/** The value at a dotted path of a row. */
export function valueAt(row: Row, path: string): Json | undefined {
  let value: Json | undefined = row;
  for (const key of path.split(".")) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    value = (value as Row)[key];
  }
  return value;
}

/** The text at a dotted path; undefined if there is none. */
export function textAt(row: Row, path: string): string | undefined {
  const value = valueAt(row, path);
  return typeof value === "string" ? value : undefined;
}

/** A row and its place: the line in a JSONL file, the row in a Parquet file; both count from 1. */
export interface PlacedRow {
  row: Row;
  line: number;
  file: string;
}

/** A row that was put aside. */
export interface Reject {
  file: string;
  /** Line (JSONL) or row (Parquet), from 1. */
  line: number;
  /** Dotted path of the field at fault; empty where it is the row as a whole. */
  field: string;
  reason: string;
  /** The beginning of the line, or of the row as JSON. */
  text: string;
}

/** Either the first bad row throws, or every bad row is given to somebody: none is dropped quietly. */
export type RejectOptions = CallOptions &
  ({ strict: true; onReject?: (reject: Reject) => void } | { strict?: false; onReject: (reject: Reject) => void });

export const REJECT_TEXT = 200;

/** Hands a reject over, or throws it: PromptCotError `data`/`bad-row`. */
export function reject(found: Reject, options: RejectOptions): void {
  if (!options.strict) {
    options.onReject(found);
    return;
  }
  const field = found.field === "" ? "" : `${found.field}: `;
  throw new PromptCotError({
    boundary: "data",
    code: "bad-row",
    message: `${found.file}:${found.line}: ${field}${found.reason}`,
    next: "correct that row, or run without --strict to put such rows aside",
  });
}
