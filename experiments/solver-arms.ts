/** One seed of the self-play experiment: a solver, its sources of problems, and each arm's rounds. Prints nothing. */
import { join } from "node:path";
import type { display } from "../src/cli/progress.ts";
import { type Rng, rng } from "../src/core/rng.ts";
import { readProblem } from "../src/domains/pocket/index.ts";
import { inline } from "../src/exec/inline.ts";
import type { Checkpoint, Trainer, TrainRow } from "../src/lm/contract.ts";
import { fitOf, type PocketConfig } from "../src/recipes/config.ts";
import {
  heldOutSets,
  labelled,
  labelling,
  makeSolver,
  playSettings,
  scoring,
  solverSeeds,
  unfit,
  writtenTasks,
} from "../src/recipes/pocket-selfplay.ts";
import { pocketSolving, replayed, solutionRows } from "../src/recipes/pocket-solver.ts";
import { trainingOf } from "../src/recipes/training.ts";
import { solveRate, tooEasyOrHard } from "../src/stages/selfplay/filter.ts";
import { heldOutScore } from "../src/stages/selfplay/held-out.ts";
import { label } from "../src/stages/selfplay/label.ts";
import { byTask, pairsOfTask, sides } from "../src/stages/selfplay/pairs.ts";
import type { Gold, Graded, Label, Rollout, Task } from "../src/stages/selfplay/records.ts";
import { rollOut } from "../src/stages/selfplay/rollout.ts";
import { selfPlay } from "../src/stages/selfplay/round.ts";
import type { Solver } from "../src/stages/selfplay/solver.ts";
import { type StageContext, trained } from "../src/stages/stage.ts";
import { type Base, chance, readAgain } from "./solver-base.ts";

type SourceName = "em" | "cold" | "seeds";
/** An arm of self-play. */
interface Arm {
  title: string;
  source: SourceName;
  labels: "majority" | "oracle";
  verdicts: "true" | "shuffled";
  kind: "sft" | "dpo";
  /** Sources are compared at equal budgets; a control, which proves the machinery, uses all that its own source gives. */
  budget: "equal" | "all";
}

const of = (source: SourceName, kind: Arm["kind"], title: string, more: Partial<Arm> = {}): Arm => ({
  ...{ title: `${title}, ${kind.toUpperCase()}`, source, kind, labels: "majority", verdicts: "true", budget: "equal" },
  ...more,
});
const control = { labels: "oracle", budget: "all" } as const;

export const arms = {
  "oracle-sft": of("seeds", "sft", "control: true answers", control),
  "oracle-dpo": of("seeds", "dpo", "control: true answers", control),
  "shuffled-sft": of("seeds", "sft", "control: shuffled verdicts", { ...control, verdicts: "shuffled" }),
  "shuffled-dpo": of("seeds", "dpo", "control: shuffled verdicts", { ...control, verdicts: "shuffled" }),
  "em-true-sft": of("em", "sft", "p after EM, true answers", control),
  "em-sft": of("em", "sft", "p after EM"),
  "em-dpo": of("em", "dpo", "p after EM"),
  "cold-sft": of("cold", "sft", "p without EM"),
  "cold-dpo": of("cold", "dpo", "p without EM"),
  "seeds-sft": of("seeds", "sft", "seed problems"),
  "seeds-dpo": of("seeds", "dpo", "seed problems"),
} as const satisfies Record<string, Arm>;
type PlayArm = keyof typeof arms;
/** `replay` plays nothing: it is taught as many rows a round, all of them solutions that the solver was taught before. */
export type ArmName = PlayArm | "replay";
export const armNames: readonly ArmName[] = [...(Object.keys(arms) as PlayArm[]), "replay"];
export const titleOf = (name: ArmName): string =>
  name === "replay" ? "control: its own solutions again, SFT" : arms[name].title;

export interface SourceResult {
  asked: number;
  tasks: number;
  /** Tasks with exactly one true answer. */
  valid: number;
  /** Labelled by majority; of these: right, and on a problem without a true answer. */
  labelled: number;
  right: number;
  onInvalid: number;
  rolloutTokens: number;
}

export interface SeedResult {
  seed: number;
  solutions: number;
  sources: Record<string, SourceResult>;
  /** Share of right attempts at each held-out problem. */
  before: number[];
  arms: Partial<Record<ArmName, { after: number[]; work: { pairs: number; right: number; rolloutTokens: number }[] }>>;
}

type ArmResult = NonNullable<SeedResult["arms"][ArmName]>;

export interface SeedPlan {
  folder: string;
  base: Base;
  config: PocketConfig;
  seed: number;
  arms: readonly ArmName[];
  tune: boolean;
  screen: ReturnType<typeof display>;
}

export async function playSeed(plan: SeedPlan): Promise<SeedResult> {
  const { folder, base, config, seed, tune, screen } = plan;
  const random = chance(seed, tune);
  const act = `seed ${seed}`;
  screen.onEvent({ kind: "act-start", act });
  const context: StageContext = {
    ...{ folder, rng: random, executor: inline() },
    onEvent: (event) => screen.onEvent({ kind: "work", act, event }),
  };
  const seeds = await solverSeeds({ folder: base.folder, rng: random }, config.selfPlay);
  const held = heldOutSets(random, config.selfPlay, new Set(seeds.all.map(({ skeleton }) => skeleton)));
  const parts = {
    ...{ sampler: base.engine, scorer: base.engine, trainer: base.engine.trainer, tokenizer: base.tokenizer },
    ...{ from: base.q, p: { backend: base.engine, checkpoint: base.p.em } },
  };
  const solver = await makeSolver(context, config, parts, seeds.taught, held.stopping);
  const test = scoring(config, held.test);
  const before = (await heldOutScore(context, "test/before", solver, test)).rates;

  const played = plan.arms.filter((name) => name !== "replay");
  const wanted = new Set(played.map((name) => arms[name].source));
  const sources = new Map<SourceName, Source>();
  for (const name of wanted)
    sources.set(name, await makeSource(context, plan, name, solver, seeds.rest, held.skeletons));
  const result: SeedResult = { seed, solutions: seeds.taught.length, sources: {}, before, arms: {} };
  for (const [name, source] of sources) result.sources[name] = source.result;
  const budget = smallest([...sources.values()]);
  const beside = replayed(base.tokenizer, seeds.taught, config.selfPlay.solver);
  const scored = async (name: ArmName, checkpoint: Checkpoint, work: ArmResult["work"]) => {
    const after = await heldOutScore(context, `test/${name}`, { ...solver, checkpoint }, test);
    result.arms[name] = { after: after.rates, work };
  };
  for (const name of played) {
    const source = sources.get(arms[name].source) as Source;
    const dev = scoring(config, held.dev);
    const outcome = await playArm(context, plan, name, source, { solver, budget, parts, beside, dev });
    const work = outcome.rounds.flatMap(({ work }) =>
      work === null ? [] : [{ pairs: work.bias.pairs, right: work.right, rolloutTokens: work.rolloutTokens }],
    );
    await scored(name, outcome.last, work);
  }
  if (plan.arms.includes("replay")) {
    const solutions = solutionRows(base.tokenizer, seeds.taught);
    await scored(
      "replay",
      await replayOnly(context, config, parts, solver, solutions, budget.right + beside.length),
      [],
    );
  }
  screen.onEvent({ kind: "act-end", act, seconds: 0 });
  return result;
}

interface Source {
  attempts: PocketConfig["selfPlay"]["attempts"];
  /** What its first rollouts give under majority labels. */
  capacity: { pairs: number; right: number };
  tasks: readonly Task[];
  majority: readonly Label[];
  oracle: readonly Label[];
  rollouts: readonly Rollout[];
  result: SourceResult;
}

/** Problems with their labels of both kinds, and the first rollouts: the same for every arm that plays on them. */
async function makeSource(
  context: StageContext,
  { base, config }: SeedPlan,
  name: SourceName,
  solver: Solver,
  seeds: readonly { id: string; problem: string }[],
  heldOut: ReadonlySet<string>,
): Promise<Source> {
  const { selfPlay } = config;
  const at = { ...context, folder: join(context.folder, "sources", name) };
  const { tokenizer } = base;
  const tasks =
    name === "seeds"
      ? seeds
          .filter(({ problem }) => unfit(problem, { seen: new Set(), heldOut, tokenizer, config }) === null)
          .slice(0, selfPlay.tasks)
          .map(({ id, problem }): Task => ({ id, problem }))
      : await writtenTasks(at, config, { p: { backend: base.engine, checkpoint: base.p[name] }, tokenizer }, heldOut);
  const majority = await label(at, { ...labelling(config, solver), tasks });
  // Fewer problems are attempted more often, so that every source costs as many rollouts.
  const count = Math.round((selfPlay.attempts.count * selfPlay.tasks) / Math.max(1, tasks.length));
  const attempts = { ...selfPlay.attempts, count: name === "seeds" ? count : selfPlay.attempts.count };
  const rollouts = await rollOut(at, { name: "rollouts", solver, tasks, attempts, chance: "round-1", together: 256 });
  const truth = new Map(tasks.map(({ id, problem }) => [id, readProblem(problem)]));
  const oracle = tasks.map(({ id: taskId }): Label => {
    const reading = truth.get(taskId);
    if (reading?.kind !== "valid") return { source: "quarantine", taskId, reason: "no true answer" };
    return { source: "given", taskId, gold: { kind: "answer", answer: reading.answer } };
  });
  const result = await measureLabels(majority, oracle);
  const rolloutTokens = rollouts.reduce((sum, rollout) => sum + (rollout.ok ? rollout.tokens : 0), 0);
  const capacity = await capacityOf(config, tasks, majority, rollouts);
  const counts = { asked: selfPlay.tasks, tasks: tasks.length, ...result, rolloutTokens };
  return { attempts, capacity, tasks, majority, oracle, rollouts, result: counts };
}

/** What no source exceeds: every arm of an experiment spends as many rollout tokens, pairs and right rollouts. */
function smallest(sources: readonly Source[]) {
  const least = (of: (source: Source) => number) => Math.min(...sources.map(of));
  return {
    rolloutTokens: least(({ result }) => result.rolloutTokens),
    ...{ pairs: least(({ capacity }) => capacity.pairs), right: least(({ capacity }) => capacity.right) },
  };
}

async function capacityOf(
  config: PocketConfig,
  tasks: readonly Task[],
  labels: readonly Label[],
  rollouts: readonly Rollout[],
): Promise<Source["capacity"]> {
  const { band, pairs } = playSettings(config);
  const groups = Map.groupBy(rollouts, ({ taskId }) => taskId);
  const found = { pairs: 0, right: 0 };
  for (const { task, label } of labelled(tasks, labels)) {
    const own = groups.get(task.id) ?? [];
    const graded = await Promise.all(own.map((rollout) => verdictOn(rollout, label.gold)));
    if (tooEasyOrHard(solveRate(graded.map(({ verdict }) => verdict.verdict)), band) !== null) continue;
    const judged = byTask(own, graded).get(task.id) ?? [];
    found.pairs += pairsOfTask(task.id, judged, label, pairs, rng("capacity")).length;
    found.right += sides(judged, pairs).right.length;
  }
  return found;
}

async function verdictOn(rollout: Rollout, gold: Gold): Promise<Graded> {
  const { id: rolloutId, taskId } = rollout;
  const text = rollout.ok ? rollout.text : "";
  const verdict = await pocketSolving.grader.grade(gold, text, {});
  return { rolloutId, taskId, verdict, invalid: pocketSolving.extract(text) === undefined ? "no answer" : null };
}

async function measureLabels(majority: readonly Label[], oracle: readonly Label[]) {
  const counts = { valid: 0, labelled: 0, right: 0, onInvalid: 0 };
  for (const [i, one] of majority.entries()) {
    const truth = oracle[i];
    if (truth?.source === "given") counts.valid++;
    if (one.source !== "majority" || one.gold.kind !== "answer") continue;
    counts.labelled++;
    if (truth?.source !== "given") counts.onInvalid++;
    else {
      const verdict = await pocketSolving.grader.grade(truth.gold, `The answer is ${one.gold.answer}.`, {});
      if (verdict.verdict === "correct") counts.right++;
    }
  }
  return counts;
}

/** As many rows in as many rounds as the arms are taught, but for new problems: what reading on is worth by itself. */
async function replayOnly(
  context: StageContext,
  { selfPlay: { rounds, training } }: PocketConfig,
  { trainer }: { trainer: Trainer },
  solver: Solver,
  solutions: readonly TrainRow[],
  count: number,
): Promise<Checkpoint> {
  const rows = readAgain(solutions, count);
  let from = solver.checkpoint;
  for (let round = 1; round <= rounds; round++) {
    const name = `arms/replay/round-${round}`;
    const job = { from, rows, ...fitOf(training.fit), seed: context.rng.fork(name).uint32() };
    ({ checkpoint: from } = await trained(context, { name, trainer, job: { kind: "sft", job } }));
  }
  return from;
}

function playArm(
  context: StageContext,
  { config, seed, tune }: SeedPlan,
  name: PlayArm,
  source: Source,
  given: {
    solver: Solver;
    budget: { rolloutTokens: number; pairs: number; right: number };
    dev: Parameters<typeof selfPlay>[1]["heldOut"];
    parts: Parameters<typeof trainingOf>[0];
    /** What SFT is taught besides, in every arm. */
    beside: readonly TrainRow[];
  },
) {
  const arm: Arm = arms[name];
  const training = {
    ...config.selfPlay.training,
    ...(arm.kind === "dpo" ? dpoSettings(config) : { kind: "sft" as const }),
  };
  const settings = playSettings(config);
  const shuffle = chance(seed, tune).fork("shuffled");
  return selfPlay(context, {
    ...{ name: `arms/${name}`, solver: given.solver, extract: pocketSolving.extract, grader: pocketSolving.grader },
    tasks: labelled(source.tasks, arm.labels === "oracle" ? source.oracle : source.majority),
    training: trainingOf(given.parts, { training, attempts: source.attempts }, given.beside),
    heldOut: given.dev,
    // Every round is played, and the last model is scored: a stop at the best would hide harm.
    settings: {
      ...{ ...settings, attempts: source.attempts, leastRise: -1 },
      budget:
        arm.budget === "all"
          ? settings.budget
          : {
              rolloutTokens: given.budget.rolloutTokens,
              pairs: arm.kind === "dpo" ? given.budget.pairs : given.budget.right,
            },
    },
    firstRollouts: source.rollouts,
    ...(arm.verdicts === "true" ? {} : { control: (graded, round) => shuffled(graded, shuffle.fork(round)) }),
  });
}

/** DPO's own settings, beside those of SFT in the config: a small learning rate, one epoch, and an NLL term (PAPER.md §8). */
function dpoSettings({ selfPlay: { training } }: PocketConfig) {
  const fit = { ...training.fit, learningRate: 5e-5, epochs: 1 };
  return { kind: "dpo" as const, fit, nllWeight: 0.5 };
}

/** Deals each task's verdicts out anew among its rollouts: as many right ones as before, but not the right ones. */
function shuffled(graded: readonly Graded[], random: Rng): Graded[] {
  const groups = Map.groupBy(graded, ({ taskId }) => taskId);
  const dealt = new Map<string, Graded>();
  for (const [taskId, group] of groups) {
    const verdicts = random.fork(taskId).shuffle(group.map(({ verdict }) => verdict));
    group.forEach((one, i) => {
      dealt.set(one.rolloutId, { ...one, verdict: verdicts[i] as Graded["verdict"] });
    });
  }
  return graded.map(({ rolloutId }) => dealt.get(rolloutId) as Graded);
}
