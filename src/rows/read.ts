/** Streams the rows of a user's JSONL or Parquet file. It checks that they are rows; what is in them is parse.ts's matter. */
import { isUtf8 } from "node:buffer";
import { messageOf, type PromptCotError, throwIfStopped } from "../core/errors.ts";
import type { Json } from "../core/hash.ts";
import { containerOf, countLines, dataError, type Line, linesOf } from "./lines.ts";
import { parquetRowCount, parquetRows } from "./parquet-read.ts";
import { type PlacedRow, REJECT_TEXT, type Reject, type RejectOptions, type Row, reject } from "./row.ts";
import { originOf, sidecarOf } from "./sidecar.ts";

export type ReadRowsOptions = RejectOptions & {
  /** A longer line is rejected, and is never held whole. Default 64 MiB. */
  maxLineBytes?: number;
};

const MAX_LINE_BYTES = 64 * 1024 * 1024;

/**
 * The rows of a file, in order. What it is (JSONL, gzip or zstd of it, Parquet) is told by its first bytes.
 *
 * JSONL: UTF-8, one object a line; blank lines are passed over; a byte-order mark and CRLF are taken. Memory: one line.
 * Parquet: see parquet-read.ts. Memory: one row group.
 * @throws PromptCotError `data`: `empty-file`, `bad-row` (strict), `not-parquet`, `not-utf8`, `damaged-file`; `storage` if it cannot be read
 */
export async function* readRows(path: string, options: ReadRowsOptions): AsyncGenerator<PlacedRow> {
  for await (const item of rowItems(path, options)) {
    if ("reason" in item) reject(item, options);
    else yield item;
  }
}

/** As `readRows`, but bad rows come in their places among the good ones. */
export async function* rowItems(
  path: string,
  options: Pick<ReadRowsOptions, "signal" | "maxLineBytes">,
): AsyncGenerator<PlacedRow | Reject> {
  throwIfStopped(options.signal);
  let seen = 0;
  for await (const item of itemsOf(path, options.maxLineBytes ?? MAX_LINE_BYTES)) {
    throwIfStopped(options.signal);
    seen++;
    yield item;
  }
  if (seen === 0) throw await emptyFile(path);
}

/** An empty file is a mistake, or a command of ours left nothing; what comes next cannot go on with it, but its user can tell which. */
async function emptyFile(path: string): Promise<PromptCotError> {
  const origin = await originOf(path);
  if (origin === undefined) return dataError("empty-file", `${path} has no rows`);
  const { command, inputRows } = origin;
  return dataError(
    "empty-file",
    `${path} has no rows: \`${command}\`, which wrote it, kept none of ${inputRows.toLocaleString("en")}`,
    `look at the reasons in its rejects; ${sidecarOf(path)} has its settings`,
  );
}

/** About how many rows a file has, for telling progress: blank lines count too. */
export async function countRows(path: string): Promise<number> {
  const container = await containerOf(path);
  return container === "parquet" ? parquetRowCount(path) : countLines(path, container);
}

async function* itemsOf(path: string, maxBytes: number): AsyncGenerator<PlacedRow | Reject> {
  const container = await containerOf(path);
  if (container === "parquet") {
    yield* parquetRows(path);
    return;
  }
  for await (const lines of linesOf(path, container, maxBytes)) {
    for (const line of lines) {
      const found = rowOf(line, maxBytes);
      if (found === undefined) continue;
      const place = { file: path, line: line.number };
      yield typeof found === "string"
        ? { ...place, field: "", reason: found, text: beginningOf(line.bytes) }
        : { ...place, row: found };
    }
  }
}

/** The row, a reason why it is none, or undefined for a blank line. */
function rowOf(line: Line, maxBytes: number): Row | string | undefined {
  if (line.kind === "too-long") return `the line is longer than ${maxBytes} bytes`;
  if (!isUtf8(line.bytes)) return `not UTF-8: byte ${firstBadByte(line.bytes) + 1} of the line cannot be read`;
  const text = line.bytes.toString("utf8");
  if (text.trim() === "") return undefined;
  let value: Json;
  try {
    value = parseExactly(text);
  } catch (error) {
    return `not JSON: ${messageOf(error)}`;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Row;
  const hint = Array.isArray(value) || text.startsWith("[") ? " (of a JSON array, make lines with: jq -c '.[]')" : "";
  return `not an object: each line must be one {...}${hint}`;
}

/** Numbers that a double cannot hold (long integers, 1e999) stay as they are spelt, as text. */
function parseExactly(text: string): Json {
  if (!/\d{16}|[eE]\+?\d{3}/.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key: string, value: unknown, context?: { source?: string }) => {
    if (typeof value !== "number" || context?.source === undefined) return value;
    const exact = Number.isFinite(value) && (!/^-?\d+$/.test(context.source) || Number.isSafeInteger(value));
    return exact ? value : context.source;
  });
}

function firstBadByte(bytes: Buffer): number {
  const again = Buffer.from(bytes.toString("utf8"));
  return bytes.findIndex((byte, i) => byte !== again[i]);
}

function beginningOf(bytes: Buffer): string {
  return bytes.toString("utf8", 0, REJECT_TEXT * 4).slice(0, REJECT_TEXT);
}
