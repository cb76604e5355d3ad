/** The last act of a pocket run: a solver improves itself on the problems that `p` wrote. One round on one screen. */
import { z } from "zod";
import { PocketSeed } from "../domains/pocket/generate.ts";
import { heldOutCombinations } from "../domains/pocket/index.ts";
import type { Backend, Checkpoint, Tokenizer, Trainer } from "../lm/contract.ts";
import { heldOutScore } from "../stages/selfplay/held-out.ts";
import { type LabelSource, label } from "../stages/selfplay/label.ts";
import { type GoodLabel, Task } from "../stages/selfplay/records.ts";
import { type SelfPlayOutcome, selfPlay } from "../stages/selfplay/round.ts";
import type { Solver } from "../stages/selfplay/solver.ts";
import type { Training } from "../stages/selfplay/train.ts";
import { journaled, recordsOf } from "../stages/stage.ts";
import { synthesized } from "../stages/synthesized.ts";
import type { PocketConfig } from "./config.ts";
import { fitOf } from "./fit-config.ts";
import {
  fits,
  heldOutTasks,
  pocketSolver,
  pocketSolving,
  skeletonOf,
  solutionRows,
  trainSolver,
} from "./pocket-solver.ts";
import type { PocketSelfPlayConfig } from "./selfplay-config.ts";
import type { Session } from "./session.ts";

/** Why a written problem became no task. */
export const TaskChoice = z.discriminatedUnion("kept", [
  z.strictObject({ kept: z.literal(true), task: Task }),
  z.strictObject({ kept: z.literal(false), id: z.string(), reason: z.string() }),
]);
export const tasksJournal = { journal: "selfplay/tasks", schema: TaskChoice, version: 1 };

/** Who plays the solver's parts, and what it starts from. */
export interface SolverParts {
  sampler: Backend;
  scorer: Backend;
  trainer: Trainer;
  from: Checkpoint;
  tokenizer: Tokenizer;
}

export async function pocketSelfPlay(session: Session, config: PocketConfig, parts: SolverParts): Promise<void> {
  const { context } = session;
  const { selfPlay: settings, shardSize } = config;
  if (settings.rounds === 0) return;
  const { tokenizer } = parts;
  const held = await heldOut(session, config);

  const solver = await session.act("solver", async () => {
    const rows = solutionRows(tokenizer, held.seeds.slice(0, settings.solver.solutions));
    const fit = fitOf(settings.solver.fit);
    const checkpoint = await trainSolver(context, { ...parts, name: "selfplay/solver", rows, fit });
    return pocketSolver(parts.sampler, checkpoint, tokenizer);
  });
  const tasks = await chooseTasks(session, config, tokenizer, held.skeletons);
  const labels = await session.act("labels", () =>
    label(context, { name: "selfplay", tasks, shardSize: shardSize * 8, source: majorityOf(solver, settings) }),
  );
  const good = new Map(labels.flatMap((one) => (one.source === "quarantine" ? [] : [[one.taskId, one] as const])));
  const { dev, test } = held;
  const attempts = {
    count: settings.heldOut.attempts,
    temperature: settings.heldOut.temperature,
    topP: 1,
    maxTokens: settings.attempts.maxTokens,
  };
  const scoring = { attempts, grader: pocketSolving.grader, shardSize: shardSize * 8 };
  const outcome = await session.act("self-play", () =>
    selfPlay(context, {
      ...{ name: "selfplay", solver, extract: pocketSolving.extract, grader: pocketSolving.grader },
      tasks: tasks.flatMap((task) => (good.has(task.id) ? [{ task, label: good.get(task.id) as GoodLabel }] : [])),
      training: trainingOf(parts, settings),
      heldOut: { ...scoring, tasks: dev },
      settings: playSettings(settings, shardSize),
    }),
  );
  await session.act("solver, tested", async () => {
    await heldOutScore(context, "selfplay/test/before", solver, { ...scoring, tasks: test });
    const after: SelfPlayOutcome["checkpoint"] = outcome.checkpoint;
    await heldOutScore(context, "selfplay/test/after", { ...solver, checkpoint: after }, { ...scoring, tasks: test });
  });
}

export function majorityOf(labeller: Solver, settings: PocketSelfPlayConfig): LabelSource {
  const { labels, attempts } = settings;
  return {
    ...{ kind: "majority", labeller, rules: labels.vote, extract: pocketSolving.extract, vote: pocketSolving.vote },
    attempts: { count: labels.generations, temperature: labels.temperature, topP: 1, maxTokens: attempts.maxTokens },
  };
}

export function trainingOf(
  parts: Pick<SolverParts, "scorer" | "trainer">,
  { training }: PocketSelfPlayConfig,
): Training {
  const { kind, fit, beta, nllWeight, reference, start } = training;
  const shared = { trainer: parts.trainer, fit: fitOf(fit) };
  return kind === "dpo"
    ? { kind, ...shared, scorer: parts.scorer, beta, nllWeight, reference }
    : { kind, ...shared, start, beside: [] };
}

export function playSettings(settings: PocketSelfPlayConfig, shardSize: number) {
  const { rounds, attempts, band, pairs, maxUnknown, leastRise, labels, validity } = settings;
  return {
    ...{ rounds, attempts, band, maxUnknown, leastRise, validity, shardSize: shardSize * 8 },
    pairs: { ...pairs, majorityCap: { ...pairs.majorityCap, leastMargin: labels.vote.leastMargin } },
    budget: { rolloutTokens: Number.MAX_SAFE_INTEGER, pairs: Number.MAX_SAFE_INTEGER },
  };
}

/** Problems for scores, and the training seeds in the order in which their solutions are taught. */
async function heldOut({ context }: Session, { seed: _, selfPlay: { heldOut } }: PocketConfig) {
  const splits = new Map<string, string>();
  for await (const { seedId, split } of recordsOf(context, splitJournal)) splits.set(seedId, split);
  const all = await Array.fromAsync(recordsOf(context, { journal: "seeds", schema: PocketSeed, version: 1 }));
  const taken = new Set(all.map(({ skeleton }) => skeleton));
  const random = context.rng.fork("selfplay", "held-out");
  const combinations = heldOutCombinations(context.rng.fork("combinations"));
  const fresh = heldOutTasks(heldOut.dev + heldOut.test, { random, combinations, taken });
  return {
    seeds: context.rng.fork("selfplay", "solutions").shuffle(all.filter(({ id }) => splits.get(id) === "train")),
    dev: fresh.slice(0, heldOut.dev),
    test: fresh.slice(heldOut.dev),
    skeletons: new Set(fresh.map(({ problem }) => skeletonOf(problem))),
  };
}

const splitJournal = {
  journal: "split",
  schema: z.strictObject({ seedId: z.string(), split: z.string() }),
  version: 1,
};

/** Written problems as tasks: well formed and no duplicates. The oracle has no say; it only measures the labels afterwards. */
async function chooseTasks(
  { context }: Session,
  { selfPlay: { tasks, attempts }, model: { contextLength } }: PocketConfig,
  tokenizer: Tokenizer,
  heldOut: ReadonlySet<string>,
): Promise<Task[]> {
  const choices: z.infer<typeof TaskChoice>[] = [];
  let kept = 0;
  for await (const { written, screening, curation } of synthesized(context)) {
    if (!written.ok || curation?.duplicate != null || screening?.overlap != null) continue;
    const { id, problem } = written.problem;
    const reason = heldOut.has(skeletonOf(problem))
      ? "its skeleton is that of a held-out problem"
      : !fits(tokenizer, problem, contextLength, attempts.maxTokens)
        ? "problem and solution would not fit into the context"
        : kept >= tasks
          ? "over selfPlay.tasks"
          : undefined;
    if (reason === undefined) kept++;
    choices.push(reason === undefined ? { kept: true, task: { id, problem } } : { kept: false, id, reason });
  }
  const shardSize = Math.max(1, choices.length);
  const worker = async (shard: { items: readonly z.infer<typeof TaskChoice>[] }) => shard.items;
  const records = await journaled(context, { ...tasksJournal, items: choices, shardSize, unit: "tasks", worker });
  return (await Array.fromAsync(records)).flatMap((choice) => (choice.kept ? [choice.task] : []));
}
