/**
 * Appends to this process's own segment of the ledger, many lines per write. What `append` resolved for survives the
 * death of the process; a power cut may take the last second (`syncMs`).
 */
import { randomUUID } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { PromptCotError } from "../core/errors.ts";
import { makeFolder, storageError, syncFolder } from "./files.ts";
import {
  type Cursor,
  type IndexRecord,
  type LineKind,
  openSegment,
  RECORD_BYTES,
  readRecords,
  type SegmentFiles,
  writeRecord,
} from "./ledger-segment.ts";
import type { Words } from "./ledger-table.ts";
import { acquireLock, type Lock } from "./lock.ts";

export interface NewLine {
  kind: LineKind;
  key: Words;
  marks: Words;
  text: string;
}

export interface LinePlace {
  offset: number;
  /** Bytes, the newline included. */
  length: number;
}

export interface Writer {
  readonly folder: string;
  /** Resolves with the line's place when the operating system has it, and those of `before` in front of it. */
  append(line: NewLine, before?: readonly NewLine[]): Promise<LinePlace>;
  close(): Promise<void>;
}

interface Pending {
  line: NewLine;
  before: readonly NewLine[];
  resolve: (place: LinePlace) => void;
  reject: (error: unknown) => void;
}

export const WRITER_PREFIX = "w-";

const NEWLINE = 10;

/** Between two writes while more is waiting, in milliseconds. */
const GATHER_MS = 2;

/** Records that go to the index in one write; fewer wait for the next flush of the disk. */
const INDEX_BATCH = 512;

/** Takes over a segment that nobody writes, or begins a new one. `adopted` sees every record that the segment holds. */
export async function openWriter(
  ledger: string,
  syncMs: number,
  adopted: (record: IndexRecord) => void,
): Promise<Writer> {
  const { folder, lock } = await claim(ledger);
  try {
    const files = await openSegment(folder, "write");
    if (files === undefined) throw new Error(`${folder} vanished while it was locked`);
    const cursor: Cursor = { indexed: 0, end: 0 };
    const unindexed: IndexRecord[] = [];
    for await (const { found, ...record } of readRecords(files, cursor)) {
      adopted(record);
      if (found) unindexed.push(record);
    }
    await files.answers.truncate(cursor.end); // a torn line was never acknowledged
    await files.index.truncate(cursor.indexed);
    await files.index.write(encode(unindexed));
    return new SegmentWriter(files, lock, cursor.end, syncMs);
  } catch (error) {
    await lock.release();
    throw storageError(error, folder, "open");
  }
}

async function claim(ledger: string): Promise<{ folder: string; lock: Lock }> {
  await makeFolder(ledger);
  for (;;) {
    for (const name of (await readdir(ledger)).sort()) {
      if (!name.startsWith(WRITER_PREFIX)) continue;
      const lock = await tryLock(join(ledger, name));
      if (lock !== undefined) return { folder: join(ledger, name), lock };
    }
    const folder = join(ledger, `${WRITER_PREFIX}${randomUUID().slice(0, 13)}`);
    const lock = await tryLock(folder);
    if (lock !== undefined) return { folder, lock };
    // Another process saw the new folder and was faster: it may have it.
  }
}

/** The lock of a folder, or undefined if somebody holds it. */
export async function tryLock(folder: string): Promise<Lock | undefined> {
  try {
    return await acquireLock(folder);
  } catch (error) {
    if (error instanceof PromptCotError && error.code === "locked") return undefined;
    throw error;
  }
}

function encode(records: readonly IndexRecord[]): Buffer {
  const buffer = Buffer.alloc(RECORD_BYTES * records.length);
  records.forEach((record, i) => {
    writeRecord(record, buffer, RECORD_BYTES * i);
  });
  return buffer;
}

class SegmentWriter implements Writer {
  readonly #files: SegmentFiles;
  readonly #lock: Lock;
  readonly #syncMs: number;
  #end: number;
  #pending: Pending[] = [];
  #writing: Promise<void> | undefined;
  #broken: unknown;
  #syncTimer: NodeJS.Timeout | undefined;
  /** Index records, one after the other, that are not yet in the index, which may lag: who reads finds the lines themselves. */
  #unindexed: Buffer[] = [];
  #unindexedCount = 0;
  #indexing: Promise<void> = Promise.resolve();

  constructor(files: SegmentFiles, lock: Lock, end: number, syncMs: number) {
    this.#files = files;
    this.#lock = lock;
    this.#end = end;
    this.#syncMs = syncMs;
  }

  get folder(): string {
    return this.#files.folder;
  }

  append(line: NewLine, before: readonly NewLine[] = []): Promise<LinePlace> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#pending.push({ line, before, resolve, reject });
      this.#writing ??= this.#drain();
    });
  }

  async close(): Promise<void> {
    await this.#writing;
    clearTimeout(this.#syncTimer);
    await this.#sync();
    await this.#files.answers.close();
    await this.#files.index.close();
    await this.#lock.release();
  }

  async #drain(): Promise<void> {
    // One turn of the event loop gathers what arrives together.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      try {
        if (this.#broken !== undefined) throw this.#broken;
        await this.#write(batch);
      } catch (error) {
        // Part of the batch may stand in the file: nothing may follow it. The next to open the ledger cuts it off.
        this.#broken ??= storageError(error, this.folder, "append to");
        for (const one of batch) one.reject(this.#broken);
      }
      // Where answers come thick and fast, a moment more makes a write of many of them; who keeps one at a time never waits.
      if (this.#pending.length > 0) await pause(GATHER_MS);
    }
    this.#writing = undefined;
  }

  async #write(batch: readonly Pending[]): Promise<void> {
    const lines = batch.flatMap(({ before, line }) => [...before, line]);
    const bytes = Buffer.allocUnsafe(lines.reduce((sum, { text }) => sum + Buffer.byteLength(text) + 1, 0));
    const records = Buffer.allocUnsafe(RECORD_BYTES * lines.length);
    let end = 0;
    let count = 0;
    const put = ({ kind, key, marks, text }: NewLine): LinePlace => {
      const offset = this.#end + end;
      const length = bytes.write(text, end) + 1;
      end += length;
      bytes[end - 1] = NEWLINE;
      writeRecord({ kind, key, marks, offset, length }, records, RECORD_BYTES * count++);
      return { offset, length };
    };
    const acknowledgements = batch.map(({ before, line, resolve }) => {
      for (const one of before) put(one);
      const place = put(line);
      return () => resolve(place);
    });
    await writeAll(this.#files.answers, bytes);
    this.#end += end;
    this.#unindexed.push(records);
    this.#unindexedCount += count;
    if (this.#unindexedCount >= INDEX_BATCH) await this.#writeIndex();
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined;
      this.#sync().catch((error: unknown) => {
        this.#broken ??= storageError(error, this.folder, "flush");
      });
    }, this.#syncMs).unref();
    for (const acknowledge of acknowledgements) acknowledge();
  }

  /** One write after the other: the index is in the order of the lines. */
  #writeIndex(): Promise<void> {
    this.#indexing = this.#indexing.then(() => {
      this.#unindexedCount = 0;
      return writeAll(this.#files.index, Buffer.concat(this.#unindexed.splice(0)));
    });
    return this.#indexing;
  }

  async #sync(): Promise<void> {
    await this.#writeIndex();
    await this.#files.answers.datasync();
    await this.#files.index.datasync();
    await syncFolder(this.folder);
  }
}

async function writeAll(file: SegmentFiles["answers"], bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done);
    done += bytesWritten;
  }
}
