/** The evaluations that lie within a run's folder, `evals/NAME/eval.json`, for its report. Evaluates nothing. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../journal/files.ts";
import { type EvalResult, readEval } from "../recipes/eval-file.ts";

/** An evaluation and what it is called in the report. */
export interface NamedEval {
  name: string;
  result: EvalResult;
}

/** Where a run keeps the evaluations of its models. */
export const evalsFolder = (run: string): string => join(run, "evals");

/** In the order in which they were begun. */
export async function evaluationsOf(run: string): Promise<NamedEval[]> {
  const folder = evalsFolder(run);
  const names = await readdir(folder).catch(() => []);
  const found: (NamedEval & { begun: string })[] = [];
  for (const name of names.sort()) {
    if (!(await exists(join(folder, name, "eval.json")))) continue;
    found.push({ name, result: await readEval(join(folder, name)), begun: await begun(join(folder, name)) });
  }
  return found
    .sort((a, b) => (a.begun < b.begun ? -1 : a.begun > b.begun ? 1 : 0))
    .map(({ name, result }) => ({ name, result }));
}

/** The time of day of the first line of `times.jsonl`; empty where there is none. */
async function begun(folder: string): Promise<string> {
  const text = await readFile(join(folder, "times.jsonl"), "utf8").catch(() => "");
  return /"at":"([^"]+)"/.exec(text)?.[1] ?? "";
}
