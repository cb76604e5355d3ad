/**
 * Every raw model answer that was ever paid for, kept before it is parsed and found again by the request that asked for
 * it. Shared by the runs of a project folder, and by several processes at once: each appends to a segment of its own and
 * reads all. Judges no answer: a reader that finds one unusable says so with `reject`, and the body stays.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { PromptCotError } from "../core/errors.ts";
import { type Json, sha256 } from "../core/hash.ts";
import { errnoOf, storageError } from "./files.ts";
import { fingerprint, type LedgerKey, wordsOf } from "./ledger-key.ts";
import {
  AnswerLine,
  type Cursor,
  type IndexRecord,
  marksOf,
  NO_MARKS,
  openSegment,
  type RejectLine,
  readLineAt,
  readRecords,
  type SegmentFiles,
} from "./ledger-segment.ts";
import { type Place, table } from "./ledger-table.ts";
import { type NewLine, openWriter, WRITER_PREFIX, type Writer } from "./ledger-writer.ts";

export { type LedgerKey, ledgerKey, RequestKey } from "./ledger-key.ts";

/** The seam of a backend: it asks here before the network, and hands over each raw body before it reads it. */
export interface RawExchange {
  /** Raw bodies kept for this request; usually none or one, more where earlier ones were rejected. */
  find(key: LedgerKey): Promise<readonly string[]>;
  /** Resolves when the body would survive the death of this process. */
  keep(key: LedgerKey, raw: string): Promise<void>;
  /** Notes that `raw` could not be used. A later version of the reader may think otherwise, so it is not removed. */
  reject(key: LedgerKey, raw: string, reason: string): Promise<void>;
}

export interface Ledger extends RawExchange {
  readonly folder: string;
  /** Answers known, of all processes, those that were repeated counted each. */
  readonly size: number;
  close(): Promise<void>;
}

export interface LedgerSettings {
  /** Longest time for which a power cut may take answers back. */
  syncMs?: number;
  /** Shortest time between two looks at what other processes wrote. */
  refreshMs?: number;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** For exchanges that need not be kept, such as a probe's. */
export const noLedger: RawExchange = {
  find: () => Promise.resolve([]),
  keep: () => Promise.resolve(),
  reject: () => Promise.resolve(),
};

/** @throws PromptCotError boundary `storage` */
export async function openLedger(folder: string, settings: LedgerSettings = {}): Promise<Ledger> {
  const ledger = new FolderLedger(folder, settings);
  await ledger.refresh();
  return ledger;
}

/** Of a part it only matters that it is there. */
const IN_OUR_SEGMENT: Place = { segment: 0, offset: 0, length: 1 };

interface Segment {
  name: string;
  files: SegmentFiles;
  cursor: Cursor;
}

class FolderLedger implements Ledger {
  readonly folder: string;
  readonly #syncMs: number;
  readonly #refreshMs: number;
  readonly #now: () => number;
  readonly #table = table();
  /** By number; our own is among them once we write. */
  readonly #segments: Segment[] = [];
  /** Ids of parts that our own segment holds. */
  readonly #parts = table();
  #writer: Promise<Writer> | undefined;
  #ownSegment = -1;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<void> | undefined;

  constructor(folder: string, settings: LedgerSettings) {
    this.folder = folder;
    this.#syncMs = settings.syncMs ?? 1000;
    this.#refreshMs = settings.refreshMs ?? 1000;
    this.#now = settings.now ?? Date.now;
  }

  get size(): number {
    return this.#table.size;
  }

  async find(key: LedgerKey): Promise<readonly string[]> {
    const words = wordsOf(key.id);
    let places = this.#table.find(words);
    if (places.length === 0 && this.#refreshDue()) {
      await this.refresh();
      places = this.#table.find(words);
    }
    const bodies: string[] = [];
    for (const place of places) bodies.push(await this.#read(key.id, place));
    return bodies;
  }

  async keep(key: LedgerKey, raw: string): Promise<void> {
    const writer = await this.#ownWriter();
    const { request, promptId, parametersId } = key;
    const { endpoint, model, seed, sample } = request;
    const head = { key: key.id, endpoint, model, prompt: promptId, parameters: parametersId, seed, sample };
    const answer: AnswerLine = { ...head, at: this.#now(), raw };
    const parts: NewLine[] = [];
    this.#addPart(promptId, request.prompt, parts);
    this.#addPart(parametersId, request.parameters, parts);
    const words = wordsOf(key.id);
    const marks = marksOf(fingerprint(answer));
    const line = await writer.append({ kind: "answer", key: words, marks, text: JSON.stringify(answer) }, parts);
    this.#table.add(words, { segment: this.#ownSegment, offset: line.offset, length: line.length });
  }

  /** A prompt or a set of parameters stands in our segment once, before the first answer that names it. */
  #addPart(part: string, value: Json, parts: NewLine[]): void {
    const words = wordsOf(part);
    if (this.#parts.has(words)) return;
    this.#parts.add(words, IN_OUR_SEGMENT);
    parts.push({ kind: "part", key: words, marks: NO_MARKS, text: JSON.stringify({ part, value }) });
  }

  async reject(key: LedgerKey, raw: string, reason: string): Promise<void> {
    const writer = await this.#ownWriter();
    const line: RejectLine = { reject: key.id, body: bodyId(raw), reason };
    await writer.append({ kind: "reject", key: wordsOf(key.id), marks: NO_MARKS, text: JSON.stringify(line) });
  }

  async close(): Promise<void> {
    await this.#refreshing;
    const writer = await this.#writer;
    await writer?.close();
    for (const { files } of this.#segments) {
      await files.answers.close();
      await files.index.close();
    }
    this.#segments.length = 0;
  }

  /** Whether others may have written since we looked; not asked while our own segment is being opened. */
  #refreshDue(): boolean {
    if (this.#refreshing !== undefined) return true;
    if (this.#writer !== undefined && this.#ownSegment < 0) return false;
    return this.#now() - this.#refreshedAt >= this.#refreshMs;
  }

  /** Learns what other processes have written, unless it was done a moment ago. */
  async refresh(): Promise<void> {
    if (this.#refreshing !== undefined) return this.#refreshing;
    if (!this.#refreshDue()) return;
    this.#refreshing = this.#readOthers().finally(() => {
      this.#refreshedAt = this.#now();
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #readOthers(): Promise<void> {
    for (const name of await segmentNames(this.folder)) {
      if (this.#segments.some((segment) => segment.name === name)) continue;
      const files = await openSegment(join(this.folder, name), "read");
      if (files === undefined) continue; // made this instant, or just collected
      this.#segments.push({ name, files, cursor: { indexed: 0, end: 0 } });
    }
    for (const [number, { files, cursor }] of this.#segments.entries()) {
      if (number === this.#ownSegment) continue;
      for await (const record of readRecords(files, cursor)) this.#note(number, record);
    }
  }

  #note(segment: number, record: IndexRecord): void {
    if (record.kind !== "answer") return;
    this.#table.add(record.key, { segment, offset: record.offset, length: record.length });
  }

  async #read(id: string, place: Place): Promise<string> {
    const segment = this.#segments[place.segment];
    if (segment === undefined) throw new Error(`no segment ${place.segment}`);
    const line = await readLineAt(segment.files.answers, place.offset, place.length);
    const answer = parseAnswer(line);
    if (answer?.key === id) return answer.raw;
    throw new PromptCotError({
      boundary: "storage",
      code: "ledger-damaged",
      message: `${segment.files.folder} does not hold at byte ${place.offset} the answer that its index promises`,
      next: `delete ${join(segment.files.folder, "answers.idx")}: it is rebuilt from the answers at the next start`,
    });
  }

  #ownWriter(): Promise<Writer> {
    this.#writer ??= this.#openWriter();
    return this.#writer;
  }

  async #openWriter(): Promise<Writer> {
    await this.#refreshing; // else it might meet our own segment half opened
    const records: IndexRecord[] = [];
    const writer = await openWriter(this.folder, this.#syncMs, (record) => {
      if (record.kind === "part") this.#parts.add(record.key, IN_OUR_SEGMENT);
      if (record.kind === "answer") records.push(record);
    });
    const name = writer.folder.slice(this.folder.length).replace(/^[/\\]+/, "");
    const files = await openSegment(writer.folder, "read");
    if (files === undefined) throw new Error(`${writer.folder} vanished while it was locked`);
    const known = this.#segments.findIndex((segment) => segment.name === name);
    if (known >= 0) {
      await this.#adoptKnown(known, files, records);
    } else {
      this.#ownSegment = this.#segments.push({ name, files, cursor: { indexed: 0, end: 0 } }) - 1;
      for (const record of records) this.#note(this.#ownSegment, record);
    }
    return writer;
  }

  /** We had read this segment before it became ours: only what came since is new. */
  async #adoptKnown(number: number, files: SegmentFiles, records: readonly IndexRecord[]): Promise<void> {
    const segment = this.#segments[number];
    await files.answers.close();
    await files.index.close();
    this.#ownSegment = number;
    for (const record of records) if (record.offset >= (segment?.cursor.end ?? 0)) this.#note(number, record);
  }
}

function parseAnswer(line: string): AnswerLine | undefined {
  try {
    return AnswerLine.parse(JSON.parse(line));
  } catch {
    return undefined; // the caller says what that means
  }
}

/** Names of the writers' folders, in order. */
export async function segmentNames(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.startsWith(WRITER_PREFIX)).sort();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw storageError(error, folder, "read");
  }
}

/** Name of a raw body, for `reject` lines. */
export function bodyId(raw: string): string {
  return sha256(raw).slice(0, 16);
}
