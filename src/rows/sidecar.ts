/** The record beside a transformation's outputs: of what input and options they are, and whether they are whole. Refuses what does not match. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { PromptCotError } from "../core/errors.ts";
import { sha256File } from "../core/hash.ts";
import { differencesOf, errnoOf, exists, shownDifference, storageError, writeFileAtomic } from "../journal/contract.ts";

export const Settings = z.strictObject({
  /** SHA-256 of the input file. */
  input: z.string(),
  options: z.json(),
  batchSize: z.number(),
  outputs: z.array(z.string()),
  codec: z.string(),
  strict: z.boolean(),
});
export type Settings = z.infer<typeof Settings>;

export const Done = z.strictObject({
  rows: z.record(z.string(), z.number()),
  inputRows: z.number(),
  unreadable: z.number(),
  batches: z.number(),
  /** Hashes of the outputs, by name. */
  sha256: z.record(z.string(), z.string()),
});
export type Done = z.infer<typeof Done>;

/** `done` is there once the outputs are in place. */
const Sidecar = z.strictObject({ format: z.literal(1), settings: Settings, done: Done.optional() });
type Sidecar = z.infer<typeof Sidecar>;

/** Where a transformation stands before it starts. */
export type Standing = { kind: "fresh" } | { kind: "resume" } | { kind: "done"; done: Done };

/**
 * @param outputs paths of the outputs, by name
 * @param input path of the input, for messages
 * @throws PromptCotError if the outputs or the record are another transformation's, unless `overwrite`
 */
export async function standingOf(
  sidecar: string,
  settings: Settings,
  outputs: Readonly<Record<string, string>>,
  input: string,
  overwrite: boolean,
): Promise<Standing> {
  const found = await readSidecar(sidecar);
  const same = found !== undefined && differencesOf(found.settings, settings).length === 0;
  if (same && found.done === undefined) return { kind: "resume" };
  if (overwrite) return { kind: "fresh" };
  if (found === undefined) {
    await refuseExisting(Object.values(outputs));
    return { kind: "fresh" };
  }
  if (!same || found.done === undefined) throw changed(sidecar, found.settings, settings, input);
  await refuseEdited(outputs, found.done);
  return { kind: "done", done: found.done };
}

/** The record of the transformation whose first output `path` is. */
export function sidecarOf(path: string): string {
  return `${path}.transform.json`;
}

const Named = z.looseObject({ command: z.string() });

/** Which command wrote `path`, out of how many rows; undefined where no record says it. */
export async function originOf(path: string): Promise<{ command: string; inputRows: number } | undefined> {
  const found = await readSidecar(sidecarOf(path)).catch((error: unknown) => {
    if (error instanceof PromptCotError) return undefined; // of another version, or not to be read: it says nothing
    throw error;
  });
  const named = Named.safeParse(found?.settings.options);
  if (found?.done === undefined || !named.success) return undefined;
  return { command: named.data.command, inputRows: found.done.inputRows };
}

async function readSidecar(path: string): Promise<Sidecar | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw storageError(error, path, "read");
  }
  try {
    return Sidecar.parse(JSON.parse(text));
  } catch (error) {
    throw refusal(
      "storage",
      "not-a-sidecar",
      `${path} was not written by this version of promptcot`,
      "move it away",
      error,
    );
  }
}

/** Records the settings, and, once the outputs are in place, what came of it. */
export async function writeSidecar(path: string, settings: Settings, done?: Done): Promise<void> {
  const sidecar: Sidecar = { format: 1, settings, ...(done === undefined ? {} : { done }) };
  await writeFileAtomic(path, `${JSON.stringify(sidecar, null, 2)}\n`);
}

const START_OVER = "choose another output, or pass --overwrite to start over";

async function refuseExisting(paths: string[]): Promise<void> {
  for (const path of paths) {
    if (await exists(path)) throw refusal("storage", "exists", `${path} exists already`, START_OVER);
  }
}

function changed(sidecar: string, before: Settings, now: Settings, input: string): PromptCotError {
  const { input: oldInput, ...oldSettings } = before;
  const { input: newInput, ...newSettings } = now;
  if (oldInput !== newInput) {
    const message = `${input} is not the file that ${sidecar} was started with: its content differs`;
    return refusal("data", "input-changed", message, START_OVER);
  }
  const lines = differencesOf(oldSettings, newSettings).map((difference) => `  ${shownDifference(difference)}`);
  const message = `${sidecar} was started with other settings:\n${lines.join("\n")}`;
  return refusal("config", "options-changed", message, `put the old ones back; or ${START_OVER}`);
}

async function refuseEdited(outputs: Readonly<Record<string, string>>, done: Done): Promise<void> {
  for (const [name, path] of Object.entries(outputs)) {
    const hash = await sha256File(path).catch(() => "missing");
    if (hash === done.sha256[name]) continue;
    const what = hash === "missing" ? "is no longer there" : "was changed since";
    throw refusal("storage", "outputs-changed", `${path} was written by this command and ${what}`, START_OVER);
  }
}

function refusal(
  boundary: "data" | "config" | "storage",
  code: string,
  message: string,
  next: string,
  cause?: unknown,
): PromptCotError {
  return new PromptCotError({ boundary, code, message, next, cause });
}
