/** The last act of a pocket run: a solver improves itself on problems that `p` writes for it. */
import { join } from "node:path";
import { z } from "zod";
import type { Rng } from "../core/rng.ts";
import { PocketSeed, pocketSeeds } from "../domains/pocket/generate.ts";
import { type ConceptName, levelOf, skeletonOf } from "../domains/pocket/index.ts";
import type { Backend, Checkpoint, Tokenizer, Trainer } from "../lm/contract.ts";
import type { Given } from "../stages/em/format.ts";
import { type HeldOut, heldOutScore } from "../stages/selfplay/held-out.ts";
import { type LabelSource, label } from "../stages/selfplay/label.ts";
import type { GoodLabel, Label, Task } from "../stages/selfplay/records.ts";
import { type SelfPlaySettings, selfPlay } from "../stages/selfplay/round.ts";
import type { Solver } from "../stages/selfplay/solver.ts";
import { keepTasks, type TaskChoice } from "../stages/selfplay/tasks.ts";
import { recordsOf, type StageContext } from "../stages/stage.ts";
import { synthesize } from "../stages/synthesize.ts";
import type { PocketConfig } from "./config.ts";
import {
  fits,
  heldOutTasks,
  pocketSolver,
  pocketSolving,
  replayed,
  solverCombinations,
  trainSolver,
} from "./pocket-solver.ts";
import type { PocketSelfPlayConfig } from "./selfplay-config.ts";
import type { Session } from "./session.ts";
import { trainingOf } from "./training.ts";

export { tasksJournal } from "../stages/selfplay/tasks.ts";

/** Attempts in flight in the engine: its slots, and some to follow. */
const TOGETHER = 256;

/** Who plays the parts, and what the solver starts from. */
export interface SolverParts {
  sampler: Backend;
  scorer: Backend;
  trainer: Trainer;
  tokenizer: Tokenizer;
  /** The cold start's `q`, which has learned to read problems. */
  from: Checkpoint;
  /** Writes the problems. */
  p: { backend: Backend; checkpoint: Checkpoint };
}

export async function pocketSelfPlay(session: Session, config: PocketConfig, parts: SolverParts): Promise<void> {
  const { context } = session;
  const { selfPlay: settings } = config;
  if (settings.rounds === 0) return;
  const seeds = await solverSeeds(context, settings);
  const held = heldOutSets(context.rng, settings, new Set(seeds.all.map(({ skeleton }) => skeleton)));
  const solver = await session.act("solver", () => makeSolver(context, config, parts, seeds.taught, held.stopping));
  const tasks = await session.act("its problems", () => writtenTasks(context, config, parts, held.skeletons));
  const labels = await session.act("labels", () => label(context, { ...labelling(config, solver), tasks }));
  const outcome = await session.act("self-play", () =>
    selfPlay(context, {
      ...{ name: "selfplay", solver, extract: pocketSolving.extract, grader: pocketSolving.grader },
      tasks: labelled(tasks, labels),
      training: trainingOf(parts, settings, replayed(parts.tokenizer, seeds.taught, settings.solver)),
      heldOut: scoring(config, held.dev),
      settings: playSettings(config),
    }),
  );
  await session.act("solver, tested", async () => {
    const test = scoring(config, held.test);
    await heldOutScore(context, "selfplay/test/before", solver, test);
    await heldOutScore(context, "selfplay/test/after", { ...solver, checkpoint: outcome.checkpoint }, test);
  });
}

/**
 * Seeds about the solver's concepts, and those whose solutions it is taught: the run's training seeds, and fresh ones where they
 * are too few, so that as many are left over as there are tasks.
 */
export async function solverSeeds(
  context: Pick<StageContext, "folder" | "rng">,
  { solver: { concepts, solutions }, tasks }: Pick<PocketSelfPlayConfig, "solver" | "tasks">,
): Promise<{ all: PocketSeed[]; taught: PocketSeed[]; rest: PocketSeed[] }> {
  const splits = new Map<string, string>();
  for await (const { seedId, split } of recordsOf(context, splitJournal)) splits.set(seedId, split);
  const all = await Array.fromAsync(recordsOf(context, { journal: "seeds", schema: PocketSeed, version: 1 }));
  const known: ReadonlySet<string> = new Set(concepts);
  const own = all.filter((seed) => splits.get(seed.id) === "train" && seed.concepts.every((one) => known.has(one)));
  const random = context.rng.fork("selfplay", "solutions");
  const combinations = solverCombinations(concepts);
  const problems = new Set(all.map(({ problem }) => problem));
  const fresh: PocketSeed[] = [];
  for (let batch = 0; own.length + fresh.length < solutions + tasks && batch < 100; batch++) {
    const count = solutions + tasks - own.length - fresh.length;
    for (const seed of pocketSeeds({ count, seed: random.fork(batch).uint32(), combinations })) {
      // Short problems come twice now and then: what is taught must not be among what is left over.
      if (problems.has(seed.problem)) continue;
      problems.add(seed.problem);
      fresh.push(seed);
    }
  }
  const shuffled = random.shuffle([...own, ...fresh]);
  return { all: [...all, ...fresh], taught: shuffled.slice(0, solutions), rest: shuffled.slice(solutions) };
}

const splitJournal = {
  journal: "split",
  schema: z.strictObject({ seedId: z.string(), split: z.string() }),
  version: 1,
};

/** Fresh problems for the score after each round, and others for before and after; no seed has one of their skeletons. */
export function heldOutSets(rng: Rng, { heldOut, solver }: PocketSelfPlayConfig, taken: ReadonlySet<string>) {
  const random = rng.fork("selfplay", "held-out");
  const { dev, test } = heldOut;
  // Skeletons that are met late are rare ones, and harder: shuffled, so that the three sets are alike.
  const fresh = random.fork("sets").shuffle(heldOutTasks(2 * dev + test, { random, concepts: solver.concepts, taken }));
  return {
    /** Problems on which the solver's own training is stopped. */
    stopping: fresh.slice(0, dev),
    dev: fresh.slice(dev, 2 * dev),
    test: fresh.slice(2 * dev),
    skeletons: new Set(fresh.map(({ problem }) => skeletonOf(problem))),
  };
}

export async function makeSolver(
  context: StageContext,
  config: PocketConfig,
  { trainer, from, tokenizer, sampler }: SolverParts,
  seeds: readonly PocketSeed[],
  stopping: readonly Task[],
): Promise<Solver> {
  const { solver: settings } = config.selfPlay;
  const parts = { name: "selfplay/solver", trainer, sampler, from, tokenizer };
  const checkpoint = await trainSolver(context, { ...parts, seeds, settings, stopping: scoring(config, stopping) });
  return pocketSolver(sampler, checkpoint, tokenizer);
}

/** Where the problems are that `p` wrote for the solver. */
export const problemsFolder = (folder: string): string => join(folder, "selfplay");

/** What `p` writes for sets of the solver's concepts. The oracle has no say in what is kept; it only measures the labels afterwards. */
export async function writtenTasks(
  context: StageContext,
  config: PocketConfig,
  { p, tokenizer }: Pick<SolverParts, "p" | "tokenizer">,
  heldOut: ReadonlySet<string>,
): Promise<Task[]> {
  const { sets: _, drawsPerSet: __, ...drawing } = config.synthesize;
  const { selfPlay, shardSize } = config;
  const sets = conceptPairs(selfPlay.solver.concepts, selfPlay.tasks, context.rng.fork("selfplay", "sets"));
  const written = await synthesize(
    { ...context, folder: problemsFolder(context.folder) },
    { backend: p.backend, p: p.checkpoint, sets, drawsPerSet: 1, shardSize, ...drawing },
  );
  const seen = new Set<string>();
  const choices: TaskChoice[] = [];
  for await (const entry of written) {
    const id = entry.ok ? entry.problem.id : entry.id;
    const reason = entry.ok ? unfit(entry.problem.problem, { seen, heldOut, tokenizer, config }) : entry.reason;
    if (entry.ok) seen.add(entry.problem.problem);
    if (entry.ok && reason === null) choices.push({ kept: true, task: { id, problem: entry.problem.problem } });
    else choices.push({ kept: false, id, reason: reason ?? "" });
  }
  return keepTasks(context, choices);
}

/** Why a problem is no task, or null. */
export function unfit(
  problem: string,
  given: {
    seen: ReadonlySet<string>;
    heldOut: ReadonlySet<string>;
    tokenizer: Tokenizer;
    config: Pick<PocketConfig, "model" | "selfPlay">;
  },
): string | null {
  const { contextLength } = given.config.model;
  if (given.seen.has(problem)) return "the same text as an earlier one";
  if (given.heldOut.has(skeletonOf(problem))) return "its skeleton is that of a held-out problem";
  if (!fits(given.tokenizer, problem, contextLength, given.config.selfPlay.attempts.maxTokens))
    return "problem and solution would not fit into the context";
  return null;
}

function conceptPairs(concepts: readonly ConceptName[], count: number, random: Rng): Given[] {
  const sets = solverCombinations(concepts).sampleHeldOut(count, random);
  return sets.map((set) => ({ concepts: set, level: levelOf(set) }));
}

/** Tasks whose labels can be believed, with their labels. */
export function labelled(tasks: readonly Task[], labels: readonly Label[]): { task: Task; label: GoodLabel }[] {
  const good = new Map(labels.flatMap((one) => (one.source === "quarantine" ? [] : [[one.taskId, one] as const])));
  return tasks.flatMap((task) => {
    const own = good.get(task.id);
    return own === undefined ? [] : [{ task, label: own }];
  });
}

/** The solver votes for the labels itself, by generations apart from its rollouts. */
export function labelling({ selfPlay, shardSize }: PocketConfig, labeller: Solver) {
  const { labels, attempts } = selfPlay;
  const source: LabelSource = {
    ...{ kind: "majority", labeller, rules: labels.vote, extract: pocketSolving.extract, vote: pocketSolving.vote },
    attempts: { count: labels.generations, temperature: labels.temperature, topP: 1, maxTokens: attempts.maxTokens },
  };
  return { name: "selfplay", source, together: TOGETHER, shardSize: shardSize * 8 };
}

export function playSettings({ selfPlay, shardSize }: PocketConfig): SelfPlaySettings {
  const { rounds, attempts, band, pairs, maxUnknown, leastRise, labels, validity } = selfPlay;
  return {
    ...{ rounds, attempts, band, maxUnknown, leastRise, validity, together: TOGETHER, shardSize: shardSize * 8 },
    pairs: { ...pairs, majorityCap: { ...pairs.majorityCap, leastMargin: labels.vote.leastMargin } },
    budget: { rolloutTokens: Number.MAX_SAFE_INTEGER, pairs: Number.MAX_SAFE_INTEGER },
  };
}

export function scoring({ selfPlay, shardSize }: PocketConfig, tasks: readonly Task[]): HeldOut {
  const { attempts: count, temperature } = selfPlay.heldOut;
  return {
    ...{ tasks, grader: pocketSolving.grader, together: TOGETHER, shardSize: shardSize * 8 },
    attempts: { count, temperature, topP: 1, maxTokens: selfPlay.attempts.maxTokens },
  };
}
