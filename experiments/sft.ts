/**
 * Does a weaker solver learn from a stronger one's traces on synthesized problems? One pocket run gives `p` and `q`; each seed trains
 * a strong solver on many worked solutions and a weak one on few; the strong one writes a trace for each problem, and the weak one
 * is taught those that hold an answer. Sources as in `self-play`, with as many traces each. Controls: traces that agree with the
 * oracle must raise the student, traces dealt to other problems must not, and reading its own solutions again shows what the
 * steps are worth by themselves.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { clusteredMean } from "../src/analyses/bootstrap.ts";
import { display } from "../src/cli/progress.ts";
import { aligned } from "../src/cli/table.ts";
import { rng } from "../src/core/rng.ts";
import { readProblem } from "../src/domains/pocket/index.ts";
import { inline } from "../src/exec/inline.ts";
import { writeFileAtomic } from "../src/journal/files.ts";
import type { TrainRow } from "../src/lm/contract.ts";
import type { PocketConfig } from "../src/recipes/config.ts";
import { fitOf } from "../src/recipes/fit-config.ts";
import { heldOutSets, makeSolver, scoring, solverSeeds, unfit, writtenTasks } from "../src/recipes/pocket-selfplay.ts";
import { pocketSolving, replayed, solutionFormat, solutionRows } from "../src/recipes/pocket-solver.ts";
import { distill } from "../src/stages/distill.ts";
import { heldOutScore } from "../src/stages/selfplay/held-out.ts";
import type { Task } from "../src/stages/selfplay/records.ts";
import type { Solver } from "../src/stages/selfplay/solver.ts";
import { type StageContext, trained } from "../src/stages/stage.ts";
import { type Base, chance, openBase, readAgain, solverConfig } from "./solver-base.ts";

type SourceName = "em" | "cold" | "seeds";
const arms = {
  "true-traces": { title: "traces that the oracle confirms", source: "em", rule: "oracle" },
  "dealt-traces": { title: "traces dealt to other problems", source: "em", rule: "dealt" },
  em: { title: "p after EM", source: "em", rule: "any" },
  cold: { title: "p without EM", source: "cold", rule: "any" },
  seeds: { title: "seed problems", source: "seeds", rule: "any" },
} as const satisfies Record<string, { title: string; source: SourceName; rule: "any" | "oracle" | "dealt" }>;
type TracesArm = keyof typeof arms;
/** `replay` is taught as many rows, all of them solutions that the student was taught before. */
type ArmName = TracesArm | "replay";
const tracesArms = Object.keys(arms) as TracesArm[];
const armNames: readonly ArmName[] = [...tracesArms, "replay"];
const titleOf = (name: ArmName) => (name === "replay" ? "its own solutions again" : arms[name].title);

/** As the solver's own training, whose rows these are like: two passes at lower rates teach nothing (docs/LOG.md). */
const teaching = [
  ...["selfPlay.training.fit.learningRate=4e-3", "selfPlay.training.fit.epochs=8"],
  ...["selfPlay.training.fit.batchSize=8", "selfPlay.tasks=500"],
];

interface SeedResult {
  seed: number;
  teacher: number;
  before: number[];
  arms: Record<ArmName, { after: number[]; traces: number; kept: number }>;
}

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      base: { type: "string", default: "runs/experiments/self-play/base" },
      em: { type: "string", default: "checkpoints" },
      seeds: { type: "string", default: "5" },
      first: { type: "string", default: "1" },
      out: { type: "string", default: "runs/experiments/sft" },
      tune: { type: "boolean", default: false },
      set: { type: "string", multiple: true, default: [] },
    },
  });
  const screen = display(process.stderr);
  const config = solverConfig([...teaching, ...values.set]);
  const base = await openBase(values.base, values.em, config, screen);
  const results: SeedResult[] = [];
  for (let seed = Number(values.first); seed <= Number(values.seeds); seed++) {
    const folder = join(values.out, values.tune ? "tuning" : "", `seed-${seed}`);
    process.stderr.write(`seed ${seed} → ${folder}\n`);
    results.push(await playSeed(folder, base, config, seed, values.tune, screen));
    await writeFileAtomic(join(values.out, values.tune ? "tuning" : "", "result.json"), `${JSON.stringify(results)}\n`);
    process.stdout.write(`\n${table(results)}\n`);
  }
  await base.close();
}

/** The strong solver knows several times as many solutions; none is about a held-out skeleton. */
const TEACHER = { solutions: 3000, repeats: 4, parts: 2, until: 1 };

async function playSeed(
  folder: string,
  base: Base,
  config: PocketConfig,
  seed: number,
  tune: boolean,
  screen: ReturnType<typeof display>,
): Promise<SeedResult> {
  const act = `seed ${seed}`;
  screen.onEvent({ kind: "act-start", act });
  const context: StageContext = {
    ...{ folder, rng: chance(seed, tune), executor: inline() },
    onEvent: (event) => screen.onEvent({ kind: "work", act, event }),
  };
  const { selfPlay } = config;
  const few = await solverSeeds({ folder: base.folder, rng: context.rng }, selfPlay);
  const strong = { ...config, selfPlay: { ...selfPlay, solver: { ...selfPlay.solver, ...TEACHER } } };
  const many = await solverSeeds({ folder: base.folder, rng: context.rng.fork("teacher") }, strong.selfPlay);
  const taken = new Set([...few.all, ...many.all].map(({ skeleton }) => skeleton));
  const held = heldOutSets(context.rng, selfPlay, taken);
  const parts = {
    ...{ sampler: base.engine, scorer: base.engine, trainer: base.engine.trainer, tokenizer: base.tokenizer },
    ...{ from: base.q, p: { backend: base.engine, checkpoint: base.p.em } },
  };
  const student = await makeSolver(context, config, parts, few.taught, held.stopping);
  const elsewhere = { ...context, folder: join(folder, "teacher") };
  const teacher = await makeSolver(elsewhere, strong, parts, many.taught, held.stopping);

  const test = scoring(config, held.test);
  const result: SeedResult = {
    seed,
    teacher: (await heldOutScore(context, "test/teacher", teacher, test)).score,
    before: (await heldOutScore(context, "test/before", student, test)).rates,
    arms: {} as SeedResult["arms"],
  };
  const sources = new Map<SourceName, Task[]>();
  for (const name of ["em", "cold", "seeds"] as const) {
    sources.set(name, await tasksOf(context, base, config, name, few.rest, held.skeletons));
  }
  const count = Math.min(...[...sources.values()].map((tasks) => tasks.length));
  const beside = replayed(base.tokenizer, few.taught, selfPlay.solver);
  for (const name of tracesArms) {
    const tasks = (sources.get(arms[name].source) as Task[]).slice(0, count);
    result.arms[name] = await teach(context, base, config, name, tasks, teacher, student, test, beside);
  }
  const rows = readAgain(solutionRows(base.tokenizer, few.taught), count + beside.length);
  const job = {
    from: student.checkpoint,
    rows,
    ...fitOf(selfPlay.training.fit),
    seed: context.rng.fork("replay").uint32(),
  };
  const { trainer } = base.engine;
  const { checkpoint } = await trained(context, { name: "arms/replay", trainer, job: { kind: "sft", job } });
  const after = (await heldOutScore(context, "test/replay", { ...student, checkpoint }, test)).rates;
  result.arms.replay = { after, traces: 0, kept: 0 };
  screen.onEvent({ kind: "act-end", act, seconds: 0 });
  return result;
}

async function tasksOf(
  context: StageContext,
  base: Base,
  config: PocketConfig,
  name: SourceName,
  seeds: readonly { id: string; problem: string }[],
  heldOut: ReadonlySet<string>,
): Promise<Task[]> {
  const { tokenizer } = base;
  const at = { ...context, folder: join(context.folder, "sources", name) };
  const all =
    name === "seeds"
      ? seeds
          .filter(({ problem }) => unfit(problem, { seen: new Set(), heldOut, tokenizer, config }) === null)
          .map(({ id, problem }): Task => ({ id, problem }))
      : await writtenTasks(at, config, { p: { backend: base.engine, checkpoint: base.p[name] }, tokenizer }, heldOut);
  return all.slice(0, config.selfPlay.tasks).map((task) => {
    const reading = readProblem(task.problem);
    return reading.kind === "valid" ? { ...task, gold: { kind: "answer", answer: reading.answer } } : task;
  });
}

async function teach(
  context: StageContext,
  base: Base,
  config: PocketConfig,
  name: TracesArm,
  tasks: readonly Task[],
  teacher: Solver,
  student: Solver,
  test: ReturnType<typeof scoring>,
  beside: readonly TrainRow[],
) {
  const format = solutionFormat(base.tokenizer);
  const { rule } = arms[name];
  const { attempts, training, validity } = config.selfPlay;
  // Each task's trace is that of the next one: the same texts, about other problems.
  const prompts = new Map(
    tasks.map((task, i) => [task.id, tasks[rule === "dealt" ? (i + 1) % tasks.length : i]?.problem ?? ""]),
  );
  const { checkpoint, traces } = await distill(context, {
    ...{ name: `arms/${name}`, tasks, teacher, beside, together: 256, shardSize: 512 },
    attempts: { ...attempts, count: 1, temperature: 0 },
    student: {
      ...{ checkpoint: student.checkpoint, trainer: base.engine.trainer, fit: fitOf(training.fit) },
      prompt: ({ id }) => format.prompt(prompts.get(id) ?? ""),
      completion: format.completion,
    },
    rules: {
      ...{ extract: pocketSolving.extract, validity, leastTokens: 1, mostTokens: config.model.contextLength },
      agree: rule === "oracle" ? { grader: pocketSolving.grader } : null,
    },
  });
  const after = await heldOutScore(context, `test/${name}`, { ...student, checkpoint }, test);
  return { after: after.rates, traces: traces.length, kept: traces.filter(({ kept }) => kept).length };
}

const comparisons: readonly [ArmName, ArmName][] = [
  ["em", "cold"],
  ["em", "seeds"],
  ["em", "replay"],
  ["seeds", "replay"],
  ["true-traces", "replay"],
];

function table(results: readonly SeedResult[]): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const signed = (share: number) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}`;
  const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const head = [
    "pass@1 of the student",
    "traces",
    "taught",
    "before",
    "after",
    "difference",
    `95 %, ${results.length} seeds`,
  ];
  const before = average(results.flatMap((result) => result.before));
  const rows = armNames.map((name) => {
    const own = results.map((result) => result.arms[name]);
    const groups = results.map((result) => result.arms[name].after.map((rate, i) => [rate - (result.before[i] ?? 0)]));
    const { mean, low, high } = clusteredMean(groups, rng("sft").fork(name));
    return [
      titleOf(name),
      ...[own.reduce((sum, { traces }) => sum + traces, 0), own.reduce((sum, { kept }) => sum + kept, 0)].map(String),
      ...[percent(before), percent(average(own.flatMap(({ after }) => after)))],
      ...[signed(mean), `[${signed(low)}, ${signed(high)}]`],
    ];
  });
  const between = comparisons.map(([one, other]) => {
    const groups = results.map(({ arms: { [one]: own, [other]: theirs } }) =>
      own.after.map((rate, i) => [rate - (theirs.after[i] ?? 0)]),
    );
    const { mean, low, high } = clusteredMean(groups, rng("sft").fork(one, other));
    return [`${titleOf(one)}, less ${titleOf(other)}`, signed(mean), `[${signed(low)}, ${signed(high)}]`];
  });
  const teacher = `teacher: ${percent(average(results.map((result) => result.teacher)))}`;
  return [aligned([head, ...rows]), teacher, aligned([["pass@1", "difference", "95 %"], ...between])].join("\n\n");
}
