/**
 * Do synthesized problems make a solver better? One pocket run gives `p` and `q`; each seed trains a solver of its own on a few
 * worked solutions and lets it play on problems from `p` after EM, from `p` before EM, and on the seed problems, with equal budgets
 * of rollout tokens and of pairs. Two controls prove the machinery, on seed problems: the oracle's answers as labels must raise the
 * solver, shuffled verdicts must not. Scores are paired by problem; the interval is a bootstrap over seeds, then problems.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { clusteredMean } from "../src/analyses/bootstrap.ts";
import { display } from "../src/cli/progress.ts";
import { aligned } from "../src/cli/table.ts";
import { rng } from "../src/core/rng.ts";
import { writeFileAtomic } from "../src/journal/files.ts";
import { type ArmName, armNames, playSeed, type SeedResult, titleOf } from "./solver-arms.ts";
import { openBase, solverConfig } from "./solver-base.ts";

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      /** A pocket run that has come as far as EM; without it one is made. */
      base: { type: "string", default: "runs/experiments/self-play/base" },
      /** Where in the base the `p` after EM is: `checkpoints`, or an arm of em-control: `arms/em/checkpoints`. */
      em: { type: "string", default: "checkpoints" },
      seeds: { type: "string", default: "5" },
      first: { type: "string", default: "1" },
      out: { type: "string", default: "runs/experiments/self-play" },
      arms: { type: "string", default: armNames.join(",") },
      /** Plays and scores on problems that no report uses: for choosing settings. */
      tune: { type: "boolean", default: false },
      set: { type: "string", multiple: true, default: [] },
    },
  });
  const screen = display(process.stderr);
  const wanted = values.arms.split(",").map((name) => armNames.find((one) => one === name) ?? unknownArm(name));
  if (wanted.every((name) => name === "replay")) throw new Error("replay is matched to other arms: name one besides");
  const config = solverConfig(values.set);
  const base = await openBase(values.base, values.em, config, screen);
  const results: SeedResult[] = [];
  for (let seed = Number(values.first); seed <= Number(values.seeds); seed++) {
    const folder = join(values.out, values.tune ? "tuning" : "", `seed-${seed}`);
    process.stderr.write(`seed ${seed} → ${folder}\n`);
    results.push(await playSeed({ folder, base, config, seed, arms: wanted, tune: values.tune, screen }));
    await writeFileAtomic(join(values.out, values.tune ? "tuning" : "", "result.json"), `${JSON.stringify(results)}\n`);
    process.stdout.write(`\n${tables(results, wanted)}\n`);
  }
  await base.close();
}

function unknownArm(name: string): never {
  throw new Error(`unknown arm "${name}"; there are: ${armNames.join(", ")}`);
}

function tables(results: readonly SeedResult[], wanted: readonly ArmName[]): string {
  return [sourceTable(results), armTable(results, wanted), betweenTable(results, wanted)].filter(Boolean).join("\n\n");
}

function sourceTable(results: readonly SeedResult[]): string {
  const names = [...new Set(results.flatMap(({ sources }) => Object.keys(sources)))];
  const head = [
    "problems",
    "asked for",
    "tasks",
    "true answer",
    "labelled",
    "labels right",
    "on invalid",
    "rollout tokens",
  ];
  const rows = names.map((name) => {
    const own = results.flatMap(({ sources }) => sources[name] ?? []);
    const sum = (of: (source: (typeof own)[number]) => number) => own.reduce((total, source) => total + of(source), 0);
    return [
      name,
      ...[sum(({ asked }) => asked), sum(({ tasks }) => tasks)].map(String),
      percent(sum(({ valid }) => valid) / sum(({ tasks }) => tasks)),
      percent(sum(({ labelled }) => labelled) / sum(({ tasks }) => tasks)),
      percent(sum(({ right }) => right) / sum(({ labelled, onInvalid }) => labelled - onInvalid)),
      percent(sum(({ onInvalid }) => onInvalid) / sum(({ labelled }) => labelled)),
      String(sum(({ rolloutTokens }) => rolloutTokens)),
    ];
  });
  return aligned([head, ...rows]);
}

/** After less before, problem by problem. */
function armTable(results: readonly SeedResult[], wanted: readonly ArmName[]): string {
  const head = [
    "pass@1, held-out problems",
    "pairs",
    "right",
    "before",
    "after",
    "difference",
    `95 %, ${results.length} seeds`,
  ];
  const rows = wanted.map((name) => {
    const own = results.map(({ before, arms }) => ({
      before,
      after: arms[name]?.after ?? [],
      work: arms[name]?.work ?? [],
    }));
    const sum = (of: (work: { pairs: number; right: number }) => number) =>
      own.flatMap(({ work }) => work).reduce((total, work) => total + of(work), 0);
    const { mean, low, high } = difference(
      own.map(({ before, after }) => [before, after]),
      name,
    );
    return [
      titleOf(name),
      ...[sum(({ pairs }) => pairs), sum(({ right }) => right)].map(String),
      percent(average(own.flatMap(({ before }) => before))),
      percent(average(own.flatMap(({ after }) => after))),
      ...[signed(mean), `[${signed(low)}, ${signed(high)}]`],
    ];
  });
  return aligned([head, ...rows]);
}

/** The first arm less each that it is compared with. */
const comparisons: readonly [ArmName, ArmName][] = [
  ["em-sft", "cold-sft"],
  ["em-sft", "seeds-sft"],
  ["em-sft", "replay"],
  ["em-dpo", "cold-dpo"],
  ["em-dpo", "seeds-dpo"],
  ["em-true-sft", "em-sft"],
  ["oracle-sft", "shuffled-sft"],
  ["oracle-sft", "replay"],
  ["oracle-dpo", "shuffled-dpo"],
];

function betweenTable(results: readonly SeedResult[], wanted: readonly ArmName[]): string {
  const possible = comparisons.filter((pair) => pair.every((name) => wanted.includes(name)));
  if (possible.length === 0) return "";
  const rows = possible.map(([one, other]) => {
    const scores = results.map(
      ({ arms }) => [arms[other]?.after ?? [], arms[one]?.after ?? []] as [number[], number[]],
    );
    const { mean, low, high } = difference(scores, `${one} ${other}`);
    return [`${titleOf(one)}, less ${titleOf(other)}`, signed(mean), `[${signed(low)}, ${signed(high)}]`];
  });
  return aligned([["pass@1", "difference", "95 %"], ...rows]);
}

function difference(seeds: readonly [readonly number[], readonly number[]][], name: string) {
  const groups = seeds.map(([before, after]) => after.map((rate, i) => [rate - (before[i] ?? 0)]));
  return clusteredMean(groups, rng("self-play").fork(name));
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** A share of nothing is no share. */
const percent = (share: number) => (Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : "–");
const signed = (share: number) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}`;
