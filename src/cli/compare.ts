/** `promptcot compare EVAL_A EVAL_B`: whether two models differ, problem by problem, and what so many problems could show. */
import { Command } from "commander";
import { writeFileAtomic } from "../journal/files.ts";
import { compareEvals } from "../recipes/compare-evals.ts";
import { type EvalResult, readEval } from "../recipes/eval-file.ts";
import { compareTable } from "./compare-table.ts";

export function compareCommand(): Command {
  return new Command("compare")
    .description("two evaluations, problem by problem: differences with intervals, tests, and a plain sentence")
    .argument("<eval-a>", "eval.json, or the folder that promptcot eval wrote")
    .argument("<eval-b>", "the other one; differences are B minus A")
    .option("--json <file>", "write the comparison there too")
    .action(async (a: string, b: string, options: { json?: string }) => {
      const [first, second] = [await readEval(a), await readEval(b)];
      const names = namesOf(first, second, a, b);
      const compared = compareEvals(first, second, [a, b]);
      if (options.json !== undefined)
        await writeFileAtomic(options.json, `${JSON.stringify({ ...names, compared }, null, 1)}\n`);
      process.stdout.write(`${compareTable(names, compared)}\n`);
    });
}

/** The models' own names, or the files' where the models are called the same. */
function namesOf(first: EvalResult, second: EvalResult, a: string, b: string): { first: string; second: string } {
  if (first.model.name !== second.model.name) return { first: first.model.name, second: second.model.name };
  return { first: a, second: b };
}
