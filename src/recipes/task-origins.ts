/** Where the problems come from that a run's solver attempts: written by `p` for it, or rows of the user's file. Reads; decides nothing. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { sha256File } from "../core/hash.ts";
import type { Problem } from "../core/records.ts";
import type { Manifest } from "../journal/run.ts";
import { readRows } from "../rows/read.ts";
import { type Row, textAt } from "../rows/row.ts";
import { recordsSoFar } from "../stages/stage.ts";
import { type Written, writtenJournal } from "../stages/synthesize.ts";
import { problemsFolder } from "./pocket-selfplay.ts";
import { type AnyConfig, writesProblems } from "./run-config.ts";

export type Origin =
  /** Written for the solver by the run's own `p`. */
  | { kind: "written"; written: Extract<Written, { ok: true }> }
  /** A row of the file that the config names. */
  | { kind: "row"; row: Row; place: string };

export interface Origins {
  /** task id → where its problem comes from. */
  byId: ReadonlyMap<string, Origin>;
  /** Why rows of the file cannot be told; undefined if they can. */
  missing: string | undefined;
}

export async function taskOrigins(folder: string, manifest: Manifest, config: AnyConfig): Promise<Origins> {
  const byId = new Map<string, Origin>();
  if (writesProblems(config)) {
    for await (const written of recordsSoFar({ folder: problemsFolder(folder) }, writtenJournal))
      if (written.ok) byId.set(written.problem.id, { kind: "written", written });
    return { byId, missing: undefined };
  }
  const { file } = config.problems;
  const missing = await changed(file, manifest);
  if (missing !== undefined) return { byId, missing };
  for await (const { row, line } of readRows(file, { onReject: () => undefined })) {
    const id = textAt(row, "id");
    if (id !== undefined && !byId.has(id)) byId.set(id, { kind: "row", row, place: `${file}:${line}` });
  }
  return { byId, missing: undefined };
}

async function changed(file: string, { inputs }: Manifest): Promise<string | undefined> {
  if (!existsSync(file)) return `${file} is not there any more`;
  const known = inputs.find(({ path }) => path === resolve(file));
  return known === undefined || known.sha256 === (await sha256File(file))
    ? undefined
    : `${file} has changed since the run read it`;
}

/** What is known of a task's problem besides its text: concepts, level, rationale, or whatever its row holds. */
export function columnsOf(origin: Origin | undefined): Row {
  if (origin === undefined) return {};
  return origin.kind === "row" ? origin.row : problemRow(origin.written.problem);
}

export function problemRow({ id, problem, concepts, level, rationale, model, seed }: Problem): Row {
  return { id, problem, concepts, ...(level === undefined ? {} : { level }), rationale, model, seed };
}
