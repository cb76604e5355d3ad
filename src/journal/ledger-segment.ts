/**
 * One writer's file of answers and the index beside it: formats, reading, recovery. Looks nothing up.
 *
 *     ledger/w-1f0c…/answers.jsonl   {"part":"…","value":…}                       a prompt or a set of parameters, once
 *                                    {"key":"…","endpoint":…,…,"at":…,"raw":"…"}   one raw answer
 *                                    {"reject":"…","body":"…","reason":"…"}        a reader found that answer unusable
 *                    answers.idx     48 bytes a line of answers.jsonl, in order
 *                    lock.…          held while a process writes here
 *
 * An index record, little-endian: key 4 × u32 · offset f64 · length u32 · kind u32 · fingerprint 4 × u32 (endpoint xor
 * model, prompt, parameters, seed and sample).
 */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { errnoOf } from "./files.ts";
import { type Fingerprint, fingerprint, wordsOf } from "./ledger-key.ts";
import type { Words } from "./ledger-table.ts";

export const ANSWERS = "answers.jsonl";
export const INDEX = "answers.idx";
export const RECORD_BYTES = 48;
const CHUNK = 1 << 20;
const NEWLINE = 10;
const id = z.string().regex(/^[0-9a-f]{32}$/);

export const PartLine = z.strictObject({ part: id, value: z.json() });
export const AnswerHead = z.strictObject({
  key: id,
  endpoint: z.string(),
  model: z.string(),
  prompt: id,
  parameters: id,
  seed: z.number().int(),
  sample: z.number().int(),
  /** When it was kept: milliseconds since the epoch. */
  at: z.number(),
});
export const AnswerLine = AnswerHead.extend({ raw: z.string() });
export const RejectLine = z.strictObject({ reject: id, body: z.string(), reason: z.string() });
export type AnswerHead = z.infer<typeof AnswerHead>;
export type AnswerLine = z.infer<typeof AnswerLine>;
export type RejectLine = z.infer<typeof RejectLine>;
export type PartLine = z.infer<typeof PartLine>;

export type LineKind = "answer" | "reject" | "part";
const KINDS: readonly LineKind[] = ["answer", "reject", "part"];

/** A line as the index knows it. */
export interface IndexRecord {
  kind: LineKind;
  /** Of the answer, of the answer rejected, or of the part. */
  key: Words;
  offset: number;
  length: number;
  /** endpoint xor model, prompt, parameters, seed; zeros for other kinds. */
  marks: Words;
}

export const NO_MARKS: Words = [0, 0, 0, 0];

export function marksOf(print: Fingerprint): Words {
  return [(print.endpoint ^ print.model) >>> 0, print.prompt, print.parameters, print.seed];
}

export function writeRecord(record: IndexRecord, into: Buffer, at: number): void {
  writeWords(record.key, into, at);
  into.writeDoubleLE(record.offset, at + 16);
  into.writeUInt32LE(record.length, at + 24);
  into.writeUInt32LE(KINDS.indexOf(record.kind), at + 28);
  writeWords(record.marks, into, at + 32);
}

function writeWords(words: Words, into: Buffer, at: number): void {
  into.writeUInt32LE(words[0], at);
  into.writeUInt32LE(words[1], at + 4);
  into.writeUInt32LE(words[2], at + 8);
  into.writeUInt32LE(words[3], at + 12);
}

function readRecord(from: Buffer, at: number): IndexRecord | undefined {
  const kind = KINDS[from.readUInt32LE(at + 28)];
  if (kind === undefined) return undefined;
  const word = (i: number) => from.readUInt32LE(at + 4 * i);
  return {
    kind,
    key: [word(0), word(1), word(2), word(3)],
    offset: from.readDoubleLE(at + 16),
    length: from.readUInt32LE(at + 24),
    marks: [word(8), word(9), word(10), word(11)],
  };
}

/** The line without its long `raw`, which is always its last member. */
export function headOf(line: string): string {
  const raw = line.indexOf(',"raw":"');
  return raw < 0 ? line : `${line.slice(0, raw)}}`;
}

/** What a line is; undefined if it is none of ours. */
export function describeLine(line: string, offset: number, length: number): IndexRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const answer = AnswerLine.safeParse(value);
  if (answer.success) {
    const marks = marksOf(fingerprint(answer.data));
    return { kind: "answer", key: wordsOf(answer.data.key), offset, length, marks };
  }
  const part = PartLine.safeParse(value);
  if (part.success) return { kind: "part", key: wordsOf(part.data.part), offset, length, marks: NO_MARKS };
  const reject = RejectLine.safeParse(value);
  if (reject.success) return { kind: "reject", key: wordsOf(reject.data.reject), offset, length, marks: NO_MARKS };
  return undefined;
}

export interface SegmentFiles {
  folder: string;
  answers: FileHandle;
  index: FileHandle;
}

/** Opens both files for reading, or for writing too; undefined if the folder holds none. */
export async function openSegment(folder: string, mode: "read" | "write"): Promise<SegmentFiles | undefined> {
  try {
    const answers = await open(join(folder, ANSWERS), mode === "read" ? "r" : "a+");
    const index = await open(join(folder, INDEX), mode === "read" ? "r" : "a+");
    return { folder, answers, index };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** How far a segment has been read. */
export interface Cursor {
  /** Bytes of the index consumed. */
  indexed: number;
  /** Offset behind the last line known. */
  end: number;
}

/**
 * Index records from `cursor` on: those the index holds, then those found by reading lines that the index does not hold
 * yet (a writer was killed between the two writes). Stops before a torn line. Advances `cursor`.
 */
export async function* readRecords(
  files: SegmentFiles,
  cursor: Cursor,
): AsyncGenerator<IndexRecord & { found: boolean }> {
  const { size } = await files.answers.stat();
  const buffer = Buffer.allocUnsafe(RECORD_BYTES * 4096);
  for (;;) {
    const { bytesRead } = await files.index.read(buffer, 0, buffer.length, cursor.indexed);
    const whole = bytesRead - (bytesRead % RECORD_BYTES);
    for (let at = 0; at < whole; at += RECORD_BYTES) {
      const record = readRecord(buffer, at);
      if (record !== undefined && record.length > 0 && record.offset + record.length <= cursor.end) {
        cursor.indexed += RECORD_BYTES; // its line was read before its record was written
        continue;
      }
      // After a power cut the index may be ahead of the answers, or hold nonsense: the lines themselves decide.
      if (record?.offset !== cursor.end || record.length === 0 || cursor.end + record.length > size) {
        yield* readLines(files, cursor, size);
        return;
      }
      cursor.indexed += RECORD_BYTES;
      cursor.end += record.length;
      yield { ...record, found: false };
    }
    if (bytesRead < buffer.length) break;
  }
  yield* readLines(files, cursor, size);
}

async function* readLines(
  files: SegmentFiles,
  cursor: Cursor,
  size: number,
): AsyncGenerator<IndexRecord & { found: boolean }> {
  for await (const { line, offset, length } of linesOf(files.answers, cursor.end, size)) {
    const record = describeLine(line, offset, length);
    if (record === undefined) return;
    cursor.end += length;
    yield { ...record, found: true };
  }
}

/** Whole lines of [start, end); a last line without its newline is left out. */
export async function* linesOf(
  file: FileHandle,
  start: number,
  end: number,
): AsyncGenerator<{ line: string; offset: number; length: number }> {
  let offset = start;
  let rest: Buffer[] = [];
  let restBytes = 0;
  for (let at = start; at < end; ) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, end - at));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    let from = 0;
    for (;;) {
      const newline = chunk.subarray(0, bytesRead).indexOf(NEWLINE, from);
      if (newline < 0) break;
      const tail = chunk.subarray(from, newline);
      const line = rest.length > 0 ? Buffer.concat([...rest, tail]) : tail;
      const length = restBytes + tail.length + 1;
      yield { line: line.toString("utf8"), offset, length };
      offset += length;
      rest = [];
      restBytes = 0;
      from = newline + 1;
    }
    if (from < bytesRead) {
      rest.push(chunk.subarray(from, bytesRead));
      restBytes += bytesRead - from;
    }
  }
}

/** One line, whole, without its newline. */
export async function readLineAt(file: FileHandle, offset: number, length: number): Promise<string> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(buffer, 0, length, offset);
  return buffer.toString("utf8", 0, Math.max(0, bytesRead - 1));
}
