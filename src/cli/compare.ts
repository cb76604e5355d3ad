/** `promptcot compare EVAL_A EVAL_B`: whether two models differ, problem by problem, and what so many problems could show. */
import { Command } from "commander";
import { comparePaired, holm, type PairedComparison } from "../analyses/paired.ts";
import { solveRate } from "../analyses/scores.ts";
import { PromptCotError } from "../core/errors.ts";
import { rng } from "../core/rng.ts";
import { writeFileAtomic } from "../journal/files.ts";
import { type BenchmarkResult, type EvalResult, readEval } from "../recipes/eval-file.ts";
import { type Compared, compareTable } from "./compare-table.ts";

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

/** Differences in this order of settings are told; all must be equal. */
const SETTINGS = ["samples", "temperature", "topP", "maxTokens", "grader"] as const;

/** Every benchmark that both hold. @throws PromptCotError `data`/`not-comparable` with all that differs */
function compareEvals(first: EvalResult, second: EvalResult, files: readonly [string, string]): Compared[] {
  const pairs = first.benchmarks.flatMap((a) => {
    const b = second.benchmarks.find(({ name }) => name === a.name);
    return b === undefined ? [] : [{ a, b }];
  });
  if (pairs.length === 0) throw notComparable(files, ["they have no benchmark in common"]);
  const differences = pairs.flatMap(({ a, b }) => differencesOf(a, b));
  if (differences.length > 0) throw notComparable(files, differences);
  const compared = pairs.map(({ a, b }) => ({ name: a.name, title: a.title, ...compareBenchmark(a, b) }));
  const adjusted = holm(compared.map(({ comparison }) => comparison.p));
  return compared.map((one, i) => ({ ...one, adjustedP: adjusted[i] ?? one.comparison.p }));
}

function differencesOf(a: BenchmarkResult, b: BenchmarkResult): string[] {
  const told = (what: string, one: unknown, other: unknown) =>
    one === other ? [] : [`${a.name}: ${what} ${one} and ${other}`];
  return [
    ...told("other problems: content", a.data.content.slice(0, 12), b.data.content.slice(0, 12)),
    ...told("problems attempted", a.problems.length, b.problems.length),
    ...SETTINGS.flatMap((key) => told(key, a.settings[key], b.settings[key])),
  ];
}

function compareBenchmark(
  a: BenchmarkResult,
  b: BenchmarkResult,
): { comparison: PairedComparison; worst: [PairedComparison, PairedComparison] | undefined } {
  const rates = (of: BenchmarkResult, unknown: 0 | 1) => of.problems.map((problem) => solveRate(problem, unknown));
  const compare = (unknownOfA: 0 | 1, unknownOfB: 0 | 1) =>
    comparePaired(rates(a, unknownOfA), rates(b, unknownOfB), {
      rng: rng("compare").fork(a.name),
      denominator: a.settings.samples,
    });
  const unsure = a.scores.unknownRate > 0 || b.scores.unknownRate > 0;
  // All unknown verdicts in favour of the one, then of the other.
  return { comparison: compare(0, 0), worst: unsure ? [compare(1, 0), compare(0, 1)] : undefined };
}

/** The models' own names, or the files' where the models are called the same. */
function namesOf(first: EvalResult, second: EvalResult, a: string, b: string): { first: string; second: string } {
  if (first.model.name !== second.model.name) return { first: first.model.name, second: second.model.name };
  return { first: a, second: b };
}

function notComparable([a, b]: readonly [string, string], why: readonly string[]): PromptCotError {
  return new PromptCotError({
    boundary: "data",
    code: "not-comparable",
    message: `${a} and ${b} cannot be compared:\n${why.map((line) => `  ${line}`).join("\n")}`,
    next: "evaluate both models on the same problems with the same settings",
  });
}
