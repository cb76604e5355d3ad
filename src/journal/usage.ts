/**
 * What a run has used, beside its journals: `usage.jsonl`, appended to while it works. Nothing is computed from it that a
 * journal holds, so it may differ from one run to the next of the same bytes.
 *
 * A line says what came on top since the line before. When the run is opened again the lines are summed up into one a stage.
 */
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { PromptCotError } from "../core/errors.ts";
import { appendWhole } from "./append.ts";
import { errnoOf, exists, storageError, writeFileAtomic } from "./files.ts";

const amount = z.number().nonnegative();

/** `paid`: a server answered. `ledger`: the ledger did, which costs nothing. `computed`: the engine in this process did. */
export const Source = z.enum(["paid", "ledger", "computed"]);
export type Source = z.infer<typeof Source>;

const Tokens = z.strictObject({ requests: amount, prompt: amount, completion: amount });

export const UsageLine = z.discriminatedUnion("kind", [
  Tokens.extend({ kind: z.literal("tokens"), stage: z.string(), backend: z.string(), source: Source }),
  /** Time in which the stage was at work, by the clock. */
  z.strictObject({ kind: z.literal("time"), stage: z.string(), seconds: amount }),
  /** Time in which models of the backend were open. */
  z.strictObject({ kind: z.literal("use"), stage: z.string(), backend: z.string(), seconds: amount }),
]);
export type UsageLine = z.infer<typeof UsageLine>;

/** What a run has used so far, in sum and at the prices of its config. */
export const Spend = z.strictObject({
  /** Answers that servers gave, and their tokens. */
  requests: amount,
  tokens: amount,
  /** Answers that came from the ledger, and their tokens: they cost nothing. */
  ledgerRequests: amount,
  ledgerTokens: amount,
  usd: amount,
  gpuHours: amount,
  /** By the clock. */
  seconds: amount,
});
export type Spend = z.infer<typeof Spend>;

const FILE = "usage.jsonl";

export interface UsageFile {
  /** Summed up: what was used before, by this process and by earlier ones. */
  readonly before: readonly UsageLine[];
  /** Written when this returns: it survives the death of the process, though not a power cut. */
  append(lines: readonly UsageLine[]): void;
  close(): void;
}

/** Opens the run's usage for appending, summed up. The caller holds the run's lock. @throws PromptCotError `storage` */
export async function openUsage(run: string): Promise<UsageFile> {
  const path = join(run, FILE);
  const before = await readUsage(run);
  if (await exists(path)) await writeFileAtomic(path, linesOf(before));
  let file: number | undefined;
  return {
    before,
    append(lines) {
      try {
        file ??= openSync(path, "a");
        appendWhole(file, linesOf(lines));
      } catch (error) {
        throw storageError(error, path, "append to");
      }
    },
    close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

/** What the run in `folder` has used, summed up by stage; empty where it has used nothing yet. Needs no lock. */
export async function readUsage(folder: string): Promise<UsageLine[]> {
  const path = join(folder, FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw storageError(error, path, "read");
  }
  const whole = text.slice(0, text.lastIndexOf("\n") + 1); // a torn last line was never acknowledged
  return summed(whole.split("\n").flatMap((line, i) => (line === "" ? [] : [parseLine(line, `${path}:${i + 1}`)])));
}

function parseLine(line: string, place: string): UsageLine {
  try {
    return UsageLine.parse(JSON.parse(line));
  } catch (cause) {
    throw new PromptCotError({
      boundary: "storage",
      code: "damaged-usage",
      message: `${place} was not written by this version of promptcot`,
      next: "remove the file: only the account of what the run has used so far is lost",
      cause,
    });
  }
}

/** One line for each stage, backend and source, in the order in which they first came. */
export function summed(lines: Iterable<UsageLine>): UsageLine[] {
  const sums = new Map<string, UsageLine>();
  for (const line of lines) {
    const key = nameOf(line);
    const sum = sums.get(key);
    sums.set(key, sum === undefined ? line : plus(sum, line));
  }
  return [...sums.values()];
}

function nameOf(line: UsageLine): string {
  switch (line.kind) {
    case "tokens":
      return JSON.stringify([line.kind, line.stage, line.backend, line.source]);
    case "use":
      return JSON.stringify([line.kind, line.stage, line.backend]);
    case "time":
      return JSON.stringify([line.kind, line.stage]);
    default:
      return line satisfies never;
  }
}

function plus(a: UsageLine, b: UsageLine): UsageLine {
  if (a.kind === "tokens" && b.kind === "tokens") {
    return {
      ...a,
      requests: a.requests + b.requests,
      prompt: a.prompt + b.prompt,
      completion: a.completion + b.completion,
    };
  }
  if (a.kind !== "tokens" && b.kind !== "tokens") return { ...a, seconds: a.seconds + b.seconds };
  throw new Error("lines of different kinds have one name");
}

function linesOf(lines: readonly UsageLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}
