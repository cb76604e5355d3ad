/**
 * Merges the segments that nobody writes into one and leaves out what need not be kept: answers that a reader rejected,
 * exact repetitions and, only if asked, whole models or old answers. A segment in use is left alone.
 */
import { appendFile, type FileHandle, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { writeFolderAtomic } from "./files.ts";
import type { IdSet } from "./ids.ts";
import { bodyId, segmentNames } from "./ledger.ts";
import {
  ANSWERS,
  AnswerLine,
  INDEX,
  linesOf,
  openSegment,
  PartLine,
  RejectLine,
  readLineAt,
} from "./ledger-segment.ts";
import { tryLock, WRITER_PREFIX } from "./ledger-writer.ts";
import type { Lock } from "./lock.ts";

export interface GcOptions {
  /** Identities whose answers are dropped. */
  models?: readonly string[];
  /** Answers kept before this time (milliseconds since the epoch) are dropped. */
  before?: number;
  /** Only these requests' answers are kept. */
  only?: Pick<IdSet, "has">;
  /** Only counts. */
  dryRun?: boolean;
  /** Name of the merged segment, unique. */
  name: string;
}

export interface GcReport {
  merged: number;
  /** Segments in use by a live process. */
  skipped: number;
  kept: number;
  dropped: { rejected: number; repeated: number; models: number; old: number; others: number };
  bytesBefore: number;
  bytesAfter: number;
}

/** @throws PromptCotError boundary `storage`; the ledger is then as it was. */
export async function ledgerGc(folder: string, options: GcOptions): Promise<GcReport> {
  const report = emptyReport();
  const held: { path: string; lock: Lock }[] = [];
  try {
    for (const name of await segmentNames(folder)) {
      const path = join(folder, name);
      const lock = await tryLock(path);
      if (lock === undefined) report.skipped++;
      else held.push({ path, lock });
    }
    report.merged = held.length;
    const paths = held.map(({ path }) => path);
    if (options.dryRun) {
      await merge(paths, undefined, options, report);
      return report;
    }
    if (held.length === 0) return report;
    await writeFolderAtomic(join(folder, WRITER_PREFIX + options.name), async (temporary) => {
      await merge(paths, temporary, options, report);
    });
    // The merged segment stands before the old ones go: a crash between leaves repetitions, which the next gc removes.
    // Each goes by one rename: a process that looks for a free segment meets the whole folder, locked, or none.
    for (const { path } of held) {
      const gone = join(folder, `.gone-${basename(path)}`);
      await rename(path, gone);
      await rm(gone, { recursive: true, force: true });
    }
    return report;
  } finally {
    for (const { lock } of held) await lock.release();
  }
}

/**
 * Copies the answers to the requests in `only`, with the parts that they name, from one ledger into another folder, which then
 * is a ledger of its own; what was there before is replaced. The ledger may be in use.
 */
export async function copyPart(ledger: string, out: string, name: string, only: Pick<IdSet, "has">): Promise<GcReport> {
  const report = emptyReport();
  const before = await segmentNames(out);
  const names = await segmentNames(ledger);
  report.merged = names.length;
  const paths = names.map((segment) => join(ledger, segment));
  await writeFolderAtomic(join(out, WRITER_PREFIX + name), (temporary) =>
    merge(paths, temporary, { name, only }, report),
  );
  for (const old of before) await rm(join(out, old), { recursive: true, force: true });
  return report;
}

function emptyReport(): GcReport {
  const dropped = { rejected: 0, repeated: 0, models: 0, old: 0, others: 0 };
  return { merged: 0, skipped: 0, kept: 0, dropped, bytesBefore: 0, bytesAfter: 0 };
}

async function merge(
  paths: readonly string[],
  out: string | undefined,
  options: GcOptions,
  report: GcReport,
): Promise<void> {
  const rejected = await rejectedBodies(paths);
  const seen = new Set<string>();
  const sink = new Sink(out);
  for (const path of paths) {
    // Parts precede the answers that name them, and go along only with the first that is kept.
    const parts = new Map<string, { offset: number; length: number }>();
    await eachLine(path, async ({ line, offset, length }, file) => {
      report.bytesBefore += length;
      const part = line.startsWith('{"part":') ? PartLine.parse(JSON.parse(line)) : undefined;
      if (part !== undefined) parts.set(part.part, { offset, length });
      if (!line.startsWith('{"key":')) return;
      const answer = AnswerLine.parse(JSON.parse(line));
      const reason = dropReason(answer, options, rejected, seen);
      if (reason !== undefined) {
        report.dropped[reason]++;
        return;
      }
      report.kept++;
      for (const id of [answer.prompt, answer.parameters]) {
        const place = parts.get(id);
        if (place === undefined || !sink.isNewPart(id)) continue;
        await sink.write(await readLineAt(file, place.offset, place.length));
      }
      await sink.write(line);
    });
  }
  await sink.finish();
  report.bytesAfter = sink.bytes;
}

function dropReason(
  answer: AnswerLine,
  options: GcOptions,
  rejected: ReadonlySet<string>,
  seen: Set<string>,
): keyof GcReport["dropped"] | undefined {
  if (options.only?.has(answer.key) === false) return "others";
  const body = `${answer.key}/${bodyId(answer.raw)}`;
  if (rejected.has(body)) return "rejected";
  if (options.models?.includes(answer.model)) return "models";
  if (options.before !== undefined && answer.at < options.before) return "old";
  if (seen.has(body)) return "repeated";
  seen.add(body);
  return undefined;
}

async function rejectedBodies(paths: readonly string[]): Promise<Set<string>> {
  const bodies = new Set<string>();
  for (const path of paths) {
    await eachLine(path, ({ line }) => {
      if (!line.startsWith('{"reject":')) return;
      const { reject, body } = RejectLine.parse(JSON.parse(line));
      bodies.add(`${reject}/${body}`);
    });
  }
  return bodies;
}

interface Line {
  line: string;
  offset: number;
  length: number;
}

async function eachLine(path: string, see: (line: Line, file: FileHandle) => void | Promise<void>): Promise<void> {
  const files = await openSegment(path, "read");
  if (files === undefined) return;
  try {
    const { size } = await files.answers.stat();
    for await (const line of linesOf(files.answers, 0, size)) await see(line, files.answers);
  } finally {
    await files.answers.close();
    await files.index.close();
  }
}

/** The merged segment: written in large pieces; its index is rebuilt from the lines when it is next opened. */
class Sink {
  readonly #folder: string | undefined;
  readonly #parts = new Set<string>();
  #pieces: string[] = [];
  #pending = 0;
  bytes = 0;

  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  isNewPart(id: string): boolean {
    if (this.#parts.has(id)) return false;
    this.#parts.add(id);
    return true;
  }

  async write(line: string): Promise<void> {
    this.#pieces.push(line, "\n");
    this.#pending += line.length;
    this.bytes += Buffer.byteLength(line) + 1;
    if (this.#pending > 1 << 22) await this.#flush();
  }

  async finish(): Promise<void> {
    await this.#flush();
    if (this.#folder !== undefined) await appendFile(join(this.#folder, INDEX), "");
  }

  async #flush(): Promise<void> {
    if (this.#folder !== undefined) await appendFile(join(this.#folder, ANSWERS), this.#pieces.join(""));
    this.#pieces = [];
    this.#pending = 0;
  }
}
