/**
 * The run folder: its manifest (what is being run, and on what), its lock, its times and its status. Journals and checkpoints lie in it;
 * this file does not know what is in them. Only `times.jsonl` and `status.json` hold times of day.
 */
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { PromptCotError } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import { canonicalJson, type Json } from "../core/hash.ts";
import { type Difference, differencesOf, shownDifference } from "./differences.ts";
import { errnoOf, storageError, writeFileAtomic } from "./files.ts";
import { type JournalReader, type JournalSpec, type JournalWriter, openJournal, readJournal } from "./journal.ts";
import { acquireLock } from "./lock.ts";
import { Spend } from "./usage.ts";

const JsonValue: z.ZodType<Json> = z.json();

const Input = z.strictObject({ path: z.string(), sha256: z.string() });

const Manifest = z.strictObject({
  format: z.literal(1),
  config: JsonValue,
  seed: z.number(),
  versions: z.record(z.string(), z.string()),
  threads: z.number().int().positive(),
  inputs: z.array(Input),
});
/** What decides a run's bytes: see `RunSpec` for the fields. */
export type Manifest = z.infer<typeof Manifest>;

export const RunStatus = z.strictObject({
  stage: z.string(),
  done: z.number(),
  total: z.number(),
  unit: z.string(),
  state: z.enum(["running", "done", "stopped", "failed"]),
  /** When this process started and last wrote, ISO 8601, UTC. */
  started: z.string(),
  updated: z.string(),
  alarms: z.array(z.string()),
  /** The latest line that the run had to say: for a server that is being waited for, that it is. */
  said: z.string().optional(),
  /** What all processes of the run have used, and what they may use at most, by `Spend`'s names. */
  spend: Spend.optional(),
  budget: z.partialRecord(z.enum(["usd", "tokens", "gpuHours", "seconds"]), z.number()).optional(),
});
export type RunStatus = z.infer<typeof RunStatus>;

export interface RunSpec {
  config: Json;
  seed: number;
  /** Versions that can change the bytes: `promptcot`, `node`, `onnxruntime`. */
  versions: Readonly<Record<string, string>>;
  /** Threads that the embedded engine uses: sums are ordered differently with another number. */
  threads: number;
  /** Every file that the run reads from outside, with its SHA-256. */
  inputs: readonly { path: string; sha256: string }[];
}

export interface OpenRunOptions extends RunSpec, CallOptions {
  /**
   * Fields of the manifest that may differ when a run is resumed, by dotted path, with all that lies under them:
   * `config.budget`, `config.em.rounds`, `versions.promptcot`, `threads`.
   */
  free?: readonly string[];
  /** The clock, for times.jsonl and status.json. */
  now?: () => Date;
}

export interface Run {
  readonly folder: string;
  readonly manifest: Manifest;
  /** Whether the folder was there before. */
  readonly resumed: boolean;
  /** Opens one of the run's journals, under `journal/`, for appending. */
  journal<T>(spec: JournalSpec<T>): Promise<JournalWriter<T>>;
  read<T>(spec: JournalSpec<T>): JournalReader<T>;
  /** Appends an entry with the time of day to `times.jsonl`: for people and reports; nothing is computed from it. */
  time(entry: { readonly [key: string]: Json }): Promise<void>;
  /** Replaces `status.json`. Call it at most a few times a second. */
  status(status: Omit<RunStatus, "started" | "updated">): Promise<void>;
  /** Gives the lock back. */
  close(): Promise<void>;
}

/**
 * Creates the run in `folder`, or resumes the one that is there.
 * @throws PromptCotError `config`/`config-changed` or `data`/`inputs-changed` if the run there is another one, with the differences;
 *   `storage`/`locked` if a live process holds it
 */
export async function openRun(folder: string, options: OpenRunOptions): Promise<Run> {
  const now = options.now ?? (() => new Date());
  const lock = await acquireLock(folder);
  try {
    for (const pid of lock.takenOver) {
      const message = `${folder}: process ${pid}, which was running here, has died; its lock was removed`;
      options.onEvent?.({ kind: "note", message });
    }
    const wanted = Manifest.parse({
      format: 1,
      config: JSON.parse(canonicalJson(options.config)),
      seed: options.seed,
      versions: options.versions,
      threads: options.threads,
      inputs: options.inputs,
    });
    const found = await readManifest(folder);
    if (found !== undefined) refuseOther(folder, found, wanted, options.free ?? []);
    const changed = found === undefined ? [] : changedSettings(found, wanted);
    if (found === undefined || changed.length > 0) {
      await writeFileAtomic(join(folder, "manifest.json"), `${JSON.stringify(wanted, null, 2)}\n`);
    }
    const run = runOf(folder, wanted, found !== undefined, now, options, () => lock.release());
    await run.time({ event: found === undefined ? "created" : "resumed", changed: changed.map(shownDifference) });
    return run;
  } catch (error) {
    await lock.release();
    throw storageError(error, folder, "open the run in");
  }
}

/** The manifest of the run in `folder`, or undefined if there is none. */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  return readJson(join(folder, "manifest.json"), Manifest);
}

/** What the run in `folder` last said of itself, or undefined if it has said nothing yet. Needs no lock. */
export async function readStatus(folder: string): Promise<RunStatus | undefined> {
  return readJson(join(folder, "status.json"), RunStatus);
}

/** Where a run's journals lie; `readJournal(journalFolder(run), spec)` needs no lock. */
export function journalFolder(run: string): string {
  return join(run, "journal");
}

function runOf(
  folder: string,
  manifest: Manifest,
  resumed: boolean,
  now: () => Date,
  options: CallOptions,
  release: () => Promise<void>,
): Run {
  const started = now().toISOString();
  return {
    folder,
    manifest,
    resumed,
    journal: (spec) =>
      openJournal(journalFolder(folder), { ...spec, signal: options.signal, onEvent: options.onEvent }),
    read: (spec) => readJournal(journalFolder(folder), spec),
    async time(entry) {
      const path = join(folder, "times.jsonl");
      const line = `${JSON.stringify({ at: now().toISOString(), ...entry })}\n`;
      await appendFile(path, line).catch((error: unknown) => {
        throw storageError(error, path, "append to");
      });
    },
    async status(status) {
      const whole: RunStatus = { ...status, started, updated: now().toISOString() };
      await writeFileAtomic(join(folder, "status.json"), `${JSON.stringify(whole)}\n`);
    },
    close: release,
  };
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw storageError(error, path, "read");
  }
  let parsed: z.ZodSafeParseResult<T>;
  try {
    parsed = schema.safeParse(JSON.parse(text));
  } catch {
    throw damaged(path, "it is not JSON");
  }
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw damaged(path, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
}

function damaged(path: string, why: string): PromptCotError {
  return new PromptCotError({
    boundary: "storage",
    code: "not-a-run-file",
    message: `${path} was not written by this version of promptcot: ${why}`,
    next: "choose another folder, or restore the file from a copy",
  });
}

/** Differing settings of the two manifests; inputs are compared apart. */
function changedSettings(before: Manifest, wanted: Manifest): Difference[] {
  const { inputs: _, ...a } = before;
  const { inputs: __, ...b } = wanted;
  return differencesOf(a, b);
}

function refuseOther(folder: string, found: Manifest, wanted: Manifest, free: readonly string[]): void {
  const isFree = (path: string) => free.some((name) => path === name || path.startsWith(`${name}.`));
  const refused = changedSettings(found, wanted).filter(({ path }) => !isFree(path));
  if (refused.length > 0) {
    throw new PromptCotError({
      boundary: "config",
      code: "config-changed",
      message: `the run in ${folder} was started with other settings:\n${refused.map((d) => `  ${shownDifference(d)}`).join("\n")}`,
      next: "put the old settings back to go on with it, or start a new run in another folder (--out)",
    });
  }
  const changed = changedInputs(found, wanted);
  if (changed.length > 0) {
    throw new PromptCotError({
      boundary: "data",
      code: "inputs-changed",
      message: `the run in ${folder} was started with other input files:\n${changed.map((line) => `  ${line}`).join("\n")}`,
      next: "put the old files back to go on with it, or start a new run in another folder (--out)",
    });
  }
}

/** A file that only moved, with the same bytes, is the same input. */
function changedInputs(found: Manifest, wanted: Manifest): string[] {
  const before = new Map(found.inputs.map((input) => [input.path, input.sha256]));
  const listed = new Set(wanted.inputs.map((input) => input.path));
  const gone = new Map(found.inputs.filter(({ path }) => !listed.has(path)).map(({ path, sha256 }) => [path, sha256]));
  const lines: string[] = [];
  for (const { path, sha256 } of wanted.inputs) {
    if (before.get(path) === sha256) continue;
    if (before.has(path)) {
      lines.push(`${path}: its content has changed`);
      continue;
    }
    const moved = [...gone].find(([, hash]) => hash === sha256)?.[0];
    if (moved === undefined) lines.push(`${path}: was not an input then`);
    else gone.delete(moved);
  }
  return [...lines, ...[...gone.keys()].map((path) => `${path}: is no longer an input`)];
}
