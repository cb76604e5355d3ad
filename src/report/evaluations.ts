/** The evaluations that lie within a run's folder, `evals/NAME/eval.json`, for its report. Evaluates nothing. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { PromptCotError } from "../core/errors.ts";
import { exists } from "../journal/files.ts";
import { type EvalResult, readEval } from "../recipes/eval-file.ts";

/** An evaluation and what it is called in the report. */
export interface NamedEval {
  name: string;
  result: EvalResult;
}

/** Where a run keeps the evaluations of its models. */
export const evalsFolder = (run: string): string => join(run, "evals");

export interface RunEvals {
  /** In the order in which they were begun. */
  evals: NamedEval[];
  /** Why others that lie there cannot be shown: what another version wrote, say. */
  unreadable: string[];
}

export async function evaluationsOf(run: string): Promise<RunEvals> {
  const folder = evalsFolder(run);
  const names = await readdir(folder).catch(() => []);
  const found: (NamedEval & { begun: string })[] = [];
  const unreadable: string[] = [];
  for (const name of names.sort()) {
    if (!(await exists(join(folder, name, "eval.json")))) continue;
    try {
      found.push({ name, result: await readEval(join(folder, name)), begun: await begun(join(folder, name)) });
    } catch (error) {
      if (!(error instanceof PromptCotError)) throw error;
      unreadable.push(error.message);
    }
  }
  const sorted = found.sort((a, b) => (a.begun < b.begun ? -1 : a.begun > b.begun ? 1 : 0));
  return { evals: sorted.map(({ name, result }) => ({ name, result })), unreadable };
}

/** The time of day of the first line of `times.jsonl`; empty where there is none. */
async function begun(folder: string): Promise<string> {
  const text = await readFile(join(folder, "times.jsonl"), "utf8").catch(() => "");
  return /"at":"([^"]+)"/.exec(text)?.[1] ?? "";
}
