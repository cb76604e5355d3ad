/**
 * Append-only typed record files, the only medium between stages: a shard's records and its end mark are one commit, and a shard
 * without its end mark does not exist. Never edits, never holds a time of day: same plan, same bytes, whatever the interruptions.
 *
 * On disk, `‹folder›/‹name›/000001.jsonl`, `000002.jsonl`, …: see segment.ts. Flushes: each commit is written and then
 * fdatasync'ed before `commitShard` resolves; a new segment is fsync'ed and so is its folder before the first commit in it.
 */
import { appendFile, type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { z } from "zod";
import { throwIfStopped } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import { aboutToFail, failPoint } from "./fail-point.ts";
import { makeFolder, storageError, syncFolder } from "./files.ts";
import { acquireLock } from "./lock.ts";
import { walkSegments } from "./reader.ts";
import { headerLine, MARK_KEY, markLine, markPrefix, segmentName } from "./segment.ts";

export { hasJournal, type JournalReader, readJournal } from "./reader.ts";

export interface JournalSpec<T> {
  /** Name of the journal and of its folder, for example `candidates`. */
  name: string;
  /** What every record is; checked when written and when read. It must be plain data: no defaults, no transforms. */
  schema: z.ZodType<T>;
  /** Version of that schema: raise it when records change. A journal of another version is refused. */
  version: number;
}

export interface OpenOptions extends CallOptions {
  /** A commit that finds the segment at this size or more starts the next one. Part of the plan: resume with the same. Default 64 MiB. */
  segmentBytes?: number;
}

/** What was cut from a journal's end when it was opened. */
export interface Repair {
  journal: string;
  file: string;
  /** Offset of the cut in that file. */
  at: number;
  /** Bytes that were cut. */
  bytes: number;
  /** `torn`: a commit that was never finished. `corrupt`: a finished commit whose bytes had changed; its bytes are kept in `kept`. */
  reason: "torn" | "corrupt";
  kept?: string;
}

/** A shard's name and all of its records. */
export interface ShardRecords<T> {
  shard: string;
  records: Iterable<T>;
}

export interface JournalWriter<T> {
  /** Shards whose end mark is on disk, those of this process included. */
  readonly finishedShards: ReadonlySet<string>;
  /** What opening had to cut; also in `‹folder›/repairs.jsonl`. */
  readonly repairs: readonly Repair[];
  /**
   * Appends all records of a shard and its end mark as one commit, and resolves when they are flushed. Calls are carried out one
   * after another, in the order in which they were made: make them in plan order.
   * @throws PromptCotError boundary `storage` if the disk refuses; the journal is then as it was before the call
   * @throws Error on a shard that is finished already or a record that the schema refuses (a bug of the caller's)
   */
  commitShard(shard: string, records: Iterable<T>): Promise<void>;
  /**
   * Several commits with one flush, to the same bytes: for shards so small that flushing each would be most of the work. If one is
   * refused, all that were not flushed yet (a new segment flushes) are taken back.
   */
  commitShards(shards: readonly ShardRecords<T>[]): Promise<void>;
  /** Waits for running commits and gives the lock back. */
  close(): Promise<void>;
}

const SEGMENT_BYTES = 64 * 1024 * 1024;
/** Records are gathered into writes of about this many characters. */
const WRITE_CHARACTERS = 1 << 20;

/**
 * Opens a journal for appending; makes it if it is not there. Whole commits stay; a torn or corrupt tail is cut at the last of them,
 * reported through `onEvent` and written to `repairs.jsonl`.
 * @throws PromptCotError `storage`: `locked`, `journal-corrupt` (broken before the tail: nothing is touched), `disk-full`, …
 * @throws PromptCotError `data`/`journal-version` for a journal of another version or name
 */
export async function openJournal<T>(folder: string, spec: JournalSpec<T> & OpenOptions): Promise<JournalWriter<T>> {
  throwIfStopped(spec.signal);
  if (!/^[a-z0-9][a-z0-9-]*$/.test(spec.name))
    throw new Error(`journal name "${spec.name}" is not lower-case-with-dashes`);
  const home = join(folder, spec.name);
  await makeFolder(home);
  const lock = await acquireLock(home);
  try {
    for (const pid of lock.takenOver) {
      const message = `${home}: process ${pid}, which was writing here, has died; its lock was removed`;
      spec.onEvent?.({ kind: "note", message });
    }
    const state = await recover(folder, home, spec);
    return writerOf(home, spec, state, () => lock.release());
  } catch (error) {
    await lock.release();
    throw storageError(error, home, "open the journal");
  }
}

interface State {
  finished: Set<string>;
  repairs: Repair[];
  file: FileHandle;
  segment: number;
  /** Offset behind the last whole commit of that segment. */
  end: number;
}

async function recover<T>(folder: string, home: string, spec: JournalSpec<T> & OpenOptions): Promise<State> {
  const finished = new Set<string>();
  const repairs: Repair[] = [];
  let segment = 1;
  let end = 0;
  for await (const found of walkSegments(home, spec, (commit) => finished.add(commit.shard))) {
    throwIfStopped(spec.signal);
    segment = found.number;
    end = found.end;
    if (found.problem === "none" || found.size === end) continue;
    repairs.push(await cutTail(folder, home, spec.name, found));
  }
  for (const repair of repairs) {
    const why = repair.reason === "torn" ? "an unfinished commit" : `a damaged commit, kept in ${repair.kept}`;
    const message = `${repair.file}: cut ${repair.bytes} bytes at offset ${repair.at} (${why}); its shard is done again`;
    spec.onEvent?.({ kind: "note", message });
  }
  const path = join(home, segmentName(segment));
  const file = await open(path, end === 0 ? "w" : "r+");
  if (end === 0) end = await beginSegment(file, home, spec, segment);
  return { finished, repairs, file, segment, end };
}

async function cutTail(
  folder: string,
  home: string,
  journal: string,
  found: { path: string; number: number; end: number; size: number; problem: "none" | "torn" | "corrupt" },
): Promise<Repair> {
  const { path, end, size } = found;
  const repair: Repair = { journal, file: path, at: end, bytes: size - end, reason: "torn" };
  const file = await open(path, "r+");
  try {
    if (found.problem === "corrupt") {
      // It was committed once, so its bytes may be worth something to somebody: set aside, not lost.
      repair.reason = "corrupt";
      repair.kept = join(home, `${segmentName(found.number)}.cut-at-${end}`);
      const kept = await open(repair.kept, "w");
      try {
        await copyBytes(file, end, size, kept);
        await kept.sync();
      } finally {
        await kept.close();
      }
    }
    // The report is on disk before the cut.
    await appendFile(join(folder, "repairs.jsonl"), `${JSON.stringify(repair)}\n`, { flush: true });
    await file.truncate(end);
    await file.sync();
    await syncFolder(home);
  } finally {
    await file.close();
  }
  return repair;
}

async function copyBytes(from: FileHandle, start: number, stop: number, to: FileHandle): Promise<void> {
  const buffer = Buffer.allocUnsafe(1 << 20);
  for (let at = start; at < stop; ) {
    const { bytesRead } = await from.read(buffer, 0, Math.min(buffer.length, stop - at), at);
    if (bytesRead === 0) return;
    await to.write(buffer, 0, bytesRead);
    at += bytesRead;
  }
}

/** Writes and flushes the header of a new, empty segment. @returns the offset behind it */
async function beginSegment<T>(file: FileHandle, home: string, spec: JournalSpec<T>, segment: number): Promise<number> {
  failPoint("segment");
  const header = Buffer.from(headerLine(spec.name, spec.version, segment));
  await append(file, header, 0);
  await file.sync();
  await syncFolder(home);
  return header.length;
}

function writerOf<T>(
  home: string,
  spec: JournalSpec<T> & OpenOptions,
  state: State,
  release: () => Promise<void>,
): JournalWriter<T> {
  const { finished } = state;
  const limit = spec.segmentBytes ?? SEGMENT_BYTES;
  let { file, segment, end } = state;
  let closed = false;
  let broken: unknown;
  let queue: Promise<unknown> = Promise.resolve();

  async function commit(shards: readonly ShardRecords<T>[]): Promise<void> {
    throwIfStopped(spec.signal);
    if (closed) throw new Error(`journal ${home}: commit after close`);
    if (broken !== undefined) throw broken;
    const written = new Set<string>();
    let flushedEnd = end;
    const flush = async () => {
      await file.datasync();
      flushedEnd = end;
      for (const shard of written) finished.add(shard);
      written.clear();
    };
    try {
      for (const { shard, records } of shards) {
        if (finished.has(shard) || written.has(shard))
          throw new Error(`journal ${home}: shard "${shard}" is finished already`);
        if (end >= limit) {
          if (written.size > 0) await flush();
          await nextSegment();
          flushedEnd = end;
        }
        if (end === 0) flushedEnd = end = await beginSegment(file, home, spec, segment);
        end = await appendShard(file, end, shard, encoded(records, spec, home));
        written.add(shard);
      }
      await flush();
    } catch (error) {
      end = flushedEnd;
      await undo();
      throw storageError(error, join(home, segmentName(segment)), "append to");
    }
    failPoint("committed");
  }

  async function nextSegment(): Promise<void> {
    const next = await open(join(home, segmentName(segment + 1)), "w");
    await file.close();
    file = next;
    segment++;
    end = 0;
  }

  /** Back to the last whole commit. If even that fails, the next opening does it, and this writer takes no more. */
  async function undo(): Promise<void> {
    try {
      await file.truncate(end);
    } catch (error) {
      broken = storageError(error, join(home, segmentName(segment)), "append to");
    }
  }

  function enqueue(shards: readonly ShardRecords<T>[]): Promise<void> {
    const done = queue.then(() => commit(shards));
    queue = done.catch(() => undefined);
    return done;
  }

  return {
    finishedShards: finished,
    repairs: state.repairs,
    commitShard: (shard, records) => enqueue([{ shard, records }]),
    commitShards: enqueue,
    async close() {
      if (closed) return;
      await queue;
      closed = true;
      await file.close();
      await release();
    },
  };
}

/** Writes a commit without flushing it. @returns the offset behind it */
async function appendShard(file: FileHandle, start: number, shard: string, pieces: Iterable<Piece>): Promise<number> {
  let at = start;
  let crc = 0;
  let records = 0;
  for (const piece of pieces) {
    crc = crc32(piece.bytes, crc);
    records += piece.records;
    at = await append(file, piece.bytes, at);
  }
  const prefix = markPrefix(shard, records, at - start);
  at = await append(file, Buffer.from(markLine(prefix, crc32(prefix, crc))), at);
  failPoint("commit");
  return at;
}

interface Piece {
  bytes: Buffer;
  records: number;
}

function* encoded<T>(records: Iterable<T>, spec: JournalSpec<T>, home: string): Generator<Piece> {
  let text = "";
  let count = 0;
  for (const record of records) {
    // The parsed copy is written: its members stand in the schema's order, so the bytes do not depend on how the caller built it.
    const parsed = spec.schema.safeParse(record);
    if (!parsed.success)
      throw new Error(`journal ${home}: a record is not what its schema says: ${parsed.error.message}`);
    const line = JSON.stringify(parsed.data);
    if (line === undefined || line.startsWith(`{"${MARK_KEY}":`))
      throw new Error(`journal ${home}: ${line} cannot be a record`);
    text += `${line}\n`;
    count++;
    if (text.length < WRITE_CHARACTERS) continue;
    yield { bytes: Buffer.from(text), records: count };
    text = "";
    count = 0;
  }
  if (count > 0) yield { bytes: Buffer.from(text), records: count };
}

/** @returns the offset behind `bytes`. A short write (a full disk) is followed by another, which then says why. */
async function append(file: FileHandle, bytes: Buffer, at: number): Promise<number> {
  failPoint("append");
  if (aboutToFail("append-torn")) await file.write(bytes, 0, bytes.length >> 1, at);
  failPoint("append-torn");
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, at + written);
    written += bytesWritten;
  }
  return at + bytes.length;
}
