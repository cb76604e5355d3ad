/** Writes rows to a JSONL or Parquet file that appears whole or not at all. Streams; memory is bounded whatever the number of rows. */
import type { FileHandle } from "node:fs/promises";
import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { PromptCotError, throwIfStopped } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import { storageError, writeStreamAtomic } from "../journal/contract.ts";
import { linesOf } from "./lines.ts";
import { type Columns, own, parquetValue, schemaOf, widenByRow } from "./parquet-schema.ts";
import type { Row } from "./row.ts";

export type Format = "jsonl" | "parquet";
/** Within Parquet. `zstd` packs better and needs Node 22.15; `snappy` is read by everything. */
export type Codec = "snappy" | "zstd" | "gzip" | "none";

export interface WriteRowsOptions extends CallOptions {
  /** Default: by the file's name (.jsonl, .ndjson, either with .gz or .zst; .parquet). */
  format?: Format;
  codec?: Codec;
}

const WRITE_CHARACTERS = 1 << 20;
const GROUP_ROWS = 20_000;
/** Bytes of JSON in a row group. */
const GROUP_BYTES = 64 * 1024 * 1024;

/**
 * Writes all rows to `path`, which is replaced only at the end, by a rename; same rows, same bytes.
 *
 * Parquet: the schema is found from all rows, so they are first spooled to a temporary file beside `path`. Absent members and nulls are
 * the same in Parquet: both come back as null.
 * @returns how many rows were written
 * @throws PromptCotError `config`/`unknown-format`, `data`/`no-columns`, `data`/`unnameable-field`, `environment`/`no-zstd`, boundary `storage`
 */
export async function writeRows(
  path: string,
  rows: AsyncIterable<Row> | Iterable<Row>,
  options: WriteRowsOptions = {},
): Promise<number> {
  const format = options.format ?? formatOf(path);
  if (format === "parquet") return writeParquet(path, rows, options);
  let count = 0;
  await writeStreamAtomic(path, async (file) => {
    count = await writeLines(file, packerOf(path), rows, options, () => undefined);
  });
  return count;
}

/** The format that a file's name asks for. @throws PromptCotError `config`/`unknown-format` */
export function formatOf(path: string): Format {
  if (/\.parquet$/i.test(path)) return "parquet";
  if (/\.(jsonl|ndjson)(\.gz|\.zst)?$/i.test(path)) return "jsonl";
  throw new PromptCotError({
    boundary: "config",
    code: "unknown-format",
    message: `the name ${basename(path)} does not say in which format to write it`,
    next: "end it in .jsonl, .jsonl.gz, .jsonl.zst or .parquet",
  });
}

async function writeLines(
  file: FileHandle,
  packer: Transform | undefined,
  rows: AsyncIterable<Row> | Iterable<Row>,
  options: CallOptions,
  onRow: (row: Row) => void,
): Promise<number> {
  let count = 0;
  async function* pieces(): AsyncGenerator<Buffer> {
    let text = "";
    for await (const row of rows) {
      throwIfStopped(options.signal);
      onRow(row);
      text += `${JSON.stringify(row)}\n`;
      count++;
      if (text.length < WRITE_CHARACTERS) continue;
      yield Buffer.from(text);
      text = "";
    }
    if (text !== "") yield Buffer.from(text);
  }
  const sink = async (source: AsyncIterable<Buffer>) => {
    for await (const piece of source) await file.writeFile(piece);
  };
  if (packer === undefined) await sink(pieces());
  else await pipeline(pieces, packer, sink);
  return count;
}

function packerOf(path: string): Transform | undefined {
  if (/\.gz$/i.test(path)) return zlib.createGzip();
  if (!/\.zst$/i.test(path)) return undefined;
  if (typeof zlib.createZstdCompress !== "function") throw noZstd(path);
  return zlib.createZstdCompress();
}

async function writeParquet(
  path: string,
  rows: AsyncIterable<Row> | Iterable<Row>,
  options: WriteRowsOptions,
): Promise<number> {
  const compressors = compressorsOf(path, options.codec ?? "snappy");
  const spool = join(dirname(path), `.${basename(path)}.rows.tmp`);
  const columns: Columns = new Map();
  let count = 0;
  try {
    await writeStreamAtomic(spool, async (file) => {
      count = await writeLines(file, undefined, rows, options, (row) => widenByRow(columns, row));
    });
    if (count > 0 && columns.size === 0) throw noColumns(path);
    await writeStreamAtomic(path, (file) => writeGroups(file, spool, count, columns, compressors, options));
  } catch (error) {
    throw storageError(error, path, "write");
  } finally {
    await rm(spool, { force: true }).catch(() => undefined);
  }
  return count;
}

async function writeGroups(
  file: FileHandle,
  spool: string,
  count: number,
  columns: Columns,
  compression: Compression,
  options: CallOptions,
): Promise<void> {
  const bytes = new ByteWriter();
  const flush = async () => {
    await file.writeFile(bytes.getBytes());
    bytes.index = 0;
  };
  const writer = new ParquetWriter({
    writer: bytes,
    schema: schemaOf(columns),
    createdBy: "promptcot",
    ...compression,
  });
  let group: Row[] = [];
  let size = 0;
  const writeGroup = async () => {
    const columnData = [...columns].map(([name, type]) => ({
      name,
      data: group.map((row) => parquetValue(type, own(row, name))),
    }));
    await writer.write({ columnData, rowGroupSize: group.length });
    await flush();
    group = [];
    size = 0;
  };
  if (count > 0) {
    for await (const lines of linesOf(spool, "plain", Number.POSITIVE_INFINITY)) {
      throwIfStopped(options.signal);
      for (const { bytes: line } of lines) {
        const row: Row = JSON.parse(line.toString("utf8"));
        group.push(row);
        size += line.length;
        if (group.length >= GROUP_ROWS || size >= GROUP_BYTES) await writeGroup();
      }
    }
    if (group.length > 0) await writeGroup();
  }
  await writer.finish();
  await flush();
}

type Compression = Required<Pick<ConstructorParameters<typeof ParquetWriter>[0], "codec" | "compressors">>;

function compressorsOf(path: string, codec: Codec): Compression {
  switch (codec) {
    case "snappy":
      return { codec: "SNAPPY", compressors: {} };
    case "none":
      return { codec: "UNCOMPRESSED", compressors: {} };
    case "gzip":
      return { codec: "GZIP", compressors: { GZIP: (input: Uint8Array) => zlib.gzipSync(input) } };
    case "zstd":
      if (typeof zlib.zstdCompressSync !== "function") throw noZstd(path);
      return { codec: "ZSTD", compressors: { ZSTD: (input: Uint8Array) => zlib.zstdCompressSync(input) } };
    default:
      return codec satisfies never;
  }
}

function noColumns(path: string): PromptCotError {
  return new PromptCotError({
    boundary: "data",
    code: "no-columns",
    message: `${path}: no row has any member, and Parquet cannot hold rows without columns`,
    next: "write them as .jsonl",
  });
}

function noZstd(path: string): PromptCotError {
  return new PromptCotError({
    boundary: "environment",
    code: "no-zstd",
    message: `Node ${process.versions.node} cannot write zstd, which ${path} asks for`,
    next: "use Node 22.15 or newer, or another compression",
  });
}
