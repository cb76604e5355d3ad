/** What the tests of `promptcot eval` share: scratch folders, a server with its config, and the command in this process. Holds no tests. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { EvalResult } from "../../src/recipes/eval-file.ts";
import { type SolverOptions, type SolverServer, solverServer } from "../servers/solver-server.ts";
import { type Ended, within } from "./command.ts";

export const MINUTES = 60_000;
let folder: string;
/** Where all folders of this file of tests lie. */
export const scratch = () => folder;
let count = 0;
/** An empty folder. */
export const fresh = () => {
  const path = join(folder, String(count++));
  mkdirSync(path);
  return path;
};
const servers: SolverServer[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "promptcot-eval-"));
});
afterAll(async () => {
  for (const server of servers) await server.close();
  rmSync(folder, { recursive: true });
});

export const write = (path: string, rows: readonly object[]) =>
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
export const evalOf = (out: string) => EvalResult.parse(JSON.parse(readFileSync(join(out, "eval.json"), "utf8")));

/** A home with a config whose backend is this server. */
export async function serving(options: SolverOptions, home = fresh()): Promise<{ home: string; server: SolverServer }> {
  const server = await solverServer(options);
  servers.push(server);
  const backend = {
    ...{ kind: "openai", url: server.url, model: "solver", dialect: "generic", contextLength: 100_000 },
    weights: { kind: "pinned", provider: "test", version: "solver-1" },
    limits: { inFlight: 4 },
  };
  writeFileSync(join(home, "config.json"), JSON.stringify({ backends: { it: backend } }));
  return { home, server };
}

export const byConfig = ["--config", "config.json", "--backend", "it"];
/** In this process, which costs no start; its ledger lies in its working folder. */
export async function run(home: string, ...args: string[]): Promise<Ended> {
  const before = process.cwd();
  process.chdir(home);
  try {
    return await within(["eval", ...byConfig, ...args]);
  } finally {
    process.chdir(before);
  }
}
