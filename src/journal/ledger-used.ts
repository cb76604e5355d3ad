/**
 * Which answers of the ledger a run has used: their requests' names, in the run's folder, so that the run can take its part of
 * the ledger along; and a run that brings such a part is answered from it too. Keeps no answers itself.
 */
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { appendWhole } from "./append.ts";
import { errnoOf, exists, storageError } from "./files.ts";
import { type IdSet, idSet } from "./ids.ts";
import { type Ledger, openLedger, type RawExchange } from "./ledger.ts";

/** One name a line, in the order of use; a name may come again after the run was resumed. */
const FILE = "ledger-used.txt";

/** Where a run's own part of the ledger lies, once it was taken along. */
export function partFolder(run: string): string {
  return join(run, "ledger");
}

/** The names of all requests whose answers the run used. @throws PromptCotError `storage` */
export async function usedBy(run: string): Promise<IdSet> {
  const path = join(run, FILE);
  try {
    return idSet((await readFile(path, "utf8")).split("\n").filter((line) => /^[0-9a-f]{32}$/.test(line)));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return idSet();
    throw storageError(error, path, "read");
  }
}

/** The shared ledger as one run uses it: what it used is written down, and its own part is looked into as well. */
export function ledgerOfRun(shared: RawExchange, run: string): RawExchange & { close(): Promise<void> } {
  const path = join(run, FILE);
  const known = idSet();
  let file: number | undefined;
  let pending: string[] = [];
  let own: Promise<Ledger | undefined> | undefined;
  let planned = false;
  const flush = () => {
    planned = false;
    if (pending.length === 0) return;
    file ??= openSync(path, "a");
    appendWhole(file, pending.map((name) => `${name}\n`).join(""));
    pending = [];
  };
  const note = (name: string) => {
    if (!known.add(name)) return;
    pending.push(name);
    if (!planned) setImmediate(() => tryFlush(flush));
    planned = true;
  };
  const part = () => (own ??= openPart(run));
  return {
    async find(key) {
      const found = await shared.find(key);
      const bodies = found.length > 0 ? found : ((await (await part())?.find(key)) ?? []);
      if (bodies.length > 0) note(key.id);
      return bodies;
    },
    async keep(key, raw) {
      await shared.keep(key, raw);
      note(key.id);
    },
    reject: (key, raw, reason) => shared.reject(key, raw, reason),
    async close() {
      tryFlush(flush);
      if (file !== undefined) closeSync(file);
      await (await own)?.close();
    },
  };
}

async function openPart(run: string): Promise<Ledger | undefined> {
  const folder = partFolder(run);
  return (await exists(folder)) ? openLedger(folder) : undefined;
}

/** Where the disk refuses, the names wait for the next attempt, and the next commit of a journal says so. */
function tryFlush(flush: () => void): void {
  try {
    flush();
  } catch {}
}
