/** Checks rows against a schema, and their ids against one another. What it refuses goes to the caller with line, field and reason. */
import type { z } from "zod";
import { idMap, idOfText } from "../journal/contract.ts";
import { type PlacedRow, REJECT_TEXT, type Reject, type RejectOptions, type Row, reject } from "./row.ts";

export interface PlacedValue<T> {
  value: T;
  /** Line (JSONL) or row (Parquet), from 1. */
  line: number;
  file: string;
}

export type ParseRowsOptions<T> = RejectOptions & {
  /** The value's id; a second row with the same id is rejected, naming both lines. About 35 bytes of memory an id. */
  idOf?: (value: T) => string;
};

/**
 * The rows that satisfy `schema`, as its values. A `null` counts as an absent field where the schema asks for that: Parquet and many
 * writers of JSONL have no other way to say "absent".
 * @throws PromptCotError `data`/`bad-row` if `strict`
 */
export async function* parseRows<T>(
  rows: AsyncIterable<PlacedRow> | Iterable<PlacedRow>,
  schema: z.ZodType<T>,
  options: ParseRowsOptions<T>,
): AsyncGenerator<PlacedValue<T>> {
  for await (const item of parsedItems(rows, schema, options.idOf)) {
    if ("reason" in item) reject(item, options);
    else yield item;
  }
}

/** As `parseRows`, but bad rows come in their places among the good ones, those of the reader included. */
export async function* parsedItems<T>(
  rows: AsyncIterable<PlacedRow | Reject> | Iterable<PlacedRow | Reject>,
  schema: z.ZodType<T>,
  idOf: ((value: T) => string) | undefined,
): AsyncGenerator<PlacedValue<T> | Reject> {
  const lines = idMap();
  for await (const item of rows) {
    if ("reason" in item) {
      yield item;
      continue;
    }
    const { row, line, file } = item;
    const refused = (cause: { field: string; reason: string }): Reject => {
      return { file, line, ...cause, text: JSON.stringify(row).slice(0, REJECT_TEXT) };
    };
    const parsed = parseRow(row, schema);
    if (!parsed.success) {
      yield refused(causeOf(parsed.error, row));
      continue;
    }
    const id = idOf?.(parsed.data);
    const first = id === undefined ? undefined : lines.setIfNew(idOfText(id), line);
    if (first === undefined) yield { value: parsed.data, line, file };
    else yield refused({ field: "id", reason: `the id "${id}" is on line ${first} already` });
  }
}

function parseRow<T>(row: Row, schema: z.ZodType<T>): z.ZodSafeParseResult<T> {
  const parsed = schema.safeParse(row);
  if (parsed.success || !Object.values(row).includes(null)) return parsed;
  const without = schema.safeParse(Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)));
  return without.success ? without : parsed;
}

/** Where and why, of the first thing that is wrong; how much else is. */
function causeOf(error: z.ZodError, row: Row): { field: string; reason: string } {
  const [issue, ...others] = error.issues;
  if (issue === undefined) return { field: "", reason: error.message };
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  if (issue.code === "unrecognized_keys") {
    const field = [...issue.path, issue.keys[0] ?? ""].map(String).join(".");
    return { field, reason: `not a known field${more}` };
  }
  const field = issue.path.map(String).join(".");
  const found = at(row, issue.path);
  if (issue.code === "invalid_union" && (found ?? null) === null) {
    return { field, reason: `${found === undefined ? "missing" : "a value is needed, found null"}${more}` };
  }
  if (issue.code !== "invalid_type") return { field, reason: `${issue.message}${more}` };
  if (found === undefined) return { field, reason: `missing; ${issue.expected} is needed${more}` };
  return { field, reason: `${issue.expected} is needed, found ${nameOf(found)}${more}` };
}

function at(row: Row, path: readonly PropertyKey[]): unknown {
  let value: unknown = row;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}
