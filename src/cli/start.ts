/** Starts or resumes a run from a resolved config: the signals, the display and the end of it. Shared by `demo` and `run`. */
import { resolve } from "node:path";
import { messageOf, PromptCotError, Stopped } from "../core/errors.ts";
import { sha256File } from "../core/hash.ts";
import { errnoOf, storageError } from "../journal/files.ts";
import type { Spend } from "../journal/usage.ts";
import type { Budget } from "../recipes/budget.ts";
import { codeSelfPlay } from "../recipes/code-selfplay.ts";
import type { Config } from "../recipes/config.ts";
import { curationFiles } from "../recipes/curation-config.ts";
import { mathSelfPlay } from "../recipes/math-selfplay.ts";
import { mathSft } from "../recipes/math-sft.ts";
import { pocket } from "../recipes/pocket.ts";
import { ownSeeds } from "../recipes/seeds.ts";
import { openSession, type Session } from "../recipes/session.ts";
import { problemFiles, type SolverConfig } from "../recipes/solver-config.ts";
import { writeSummary } from "../recipes/summary.ts";
import { writeReport } from "../report/html.ts";
import { writeSolverReport } from "../report/solver-report.ts";
import { onInterrupt } from "./interrupt.ts";
import { display } from "./progress.ts";
import { spendLine } from "./spend.ts";
import { solverTable, summaryTable } from "./table.ts";

/** Gathers the values of an option that may be repeated. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** Runs to the end, or throws what stopped it; either way the folder is left whole. */
export async function start(
  config: Config | SolverConfig,
  folder: string,
  command: string,
  budget: Budget = {},
): Promise<void> {
  const screen = display(process.stderr);
  const interrupt = onInterrupt(screen.note, `${command} goes on from here`);
  process.stderr.write(`promptcot · ${config.recipe} recipe, scale ${config.scale}, seed ${config.seed} → ${folder}\n`);
  let session: Session | undefined;
  try {
    const inputs = await inputsOf(config);
    const { signal } = interrupt;
    session = await openSession({ folder, config, inputs, budget, signal, onEvent: screen.onEvent });
    if (session.run.resumed) process.stderr.write("  resuming: what is finished is not done again\n");
    await carryOut(session, config);
    const table = await session.act("report", () => conclude(folder, config));
    await session.close("done");
    screen.end();
    show(table, session.account.spend, folder);
  } catch (error) {
    screen.end();
    await session?.close(error instanceof Stopped ? "stopped" : "failed").catch(() => undefined); // the first error is the one to tell
    throw error;
  } finally {
    interrupt.release();
  }
}

/** Writes summary and report, and returns the table for the terminal. */
async function conclude(folder: string, config: Config | SolverConfig): Promise<string> {
  if (config.recipe !== "pocket" && config.recipe !== "seeds") return solverTable(await writeSolverReport(folder));
  const summary = await writeSummary(folder);
  await writeReport(folder);
  return summaryTable(summary);
}

function carryOut(session: Session, config: Config | SolverConfig): Promise<void> {
  switch (config.recipe) {
    case "pocket":
      return pocket(session, config);
    case "seeds":
      return ownSeeds(session, config);
    case "math-selfplay":
      return mathSelfPlay(session, config);
    case "code-selfplay":
      return codeSelfPlay(session, config);
    case "math-sft":
      return mathSft(session, config);
    default:
      return config satisfies never;
  }
}

/** Every file that the config names, with the hash of its content. */
export async function inputsOf(config: Config | SolverConfig): Promise<{ path: string; sha256: string }[]> {
  if (config.recipe !== "pocket" && config.recipe !== "seeds") return Promise.all(problemFiles(config).map(inputOf));
  const seeds = config.recipe === "seeds" ? [{ key: "seeds.file", path: config.seeds.file }] : [];
  return Promise.all([...seeds, ...curationFiles(config)].map(inputOf));
}

async function inputOf({ key, path }: { key: string; path: string }): Promise<{ path: string; sha256: string }> {
  try {
    return { path: resolve(path), sha256: await sha256File(path) };
  } catch (cause) {
    const file = `${key === "seeds.file" ? "the seed file" : "the file"} ${resolve(path)}`;
    const none = errnoOf(cause) === "ENOENT";
    throw new PromptCotError({
      boundary: "data",
      code: key === "seeds.file" ? "no-seed-file" : "no-input-file",
      message: none ? `cannot read ${file}: there is no such file` : messageOf(storageError(cause, file, "read")),
      next: `correct ${key} in the config`,
      cause,
    });
  }
}

function show(table: string, spend: Spend, folder: string): void {
  process.stdout.write(`\n${table}\n`);
  const line = spendLine(spend);
  if (line !== undefined) process.stdout.write(`asked       ${line}\n`);
  process.stdout.write(`report: ${resolve(folder, "report.html")}\n`);
}
