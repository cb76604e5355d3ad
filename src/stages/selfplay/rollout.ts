/**
 * Rollouts (PAPER.md §5): K attempts at each task from the model in training, those that are expected to be longest first,
 * so that no long one is left running alone at the end. Grades nothing.
 */
import { contentId } from "../../core/hash.ts";
import type { Model, SampleResult } from "../../lm/contract.ts";
import { type JournalKind, journaled, type StageContext, withModel } from "../stage.ts";
import { Rollout, type Task } from "./records.ts";
import { type Attempt, type Attempts, attempt, type Solver } from "./solver.ts";

export const rolloutsJournal = (name: string): JournalKind<Rollout> => ({
  journal: `${name}/rollouts`,
  schema: Rollout,
  version: 1,
});

export interface RolloutStage {
  /** Journals go under this name: `selfplay/round-1`. */
  name: string;
  solver: Solver;
  tasks: readonly Task[];
  attempts: Attempts;
  /** Expected tokens of an attempt at a task, from earlier ones; 0 where nothing is known. */
  expected?: ((taskId: string) => number) | undefined;
  /**
   * What chance depends on besides task and index: the round, or nothing, where several models are to be compared on the same
   * random numbers.
   */
  chance: string;
  /** Attempts per commit. */
  shardSize: number;
}

export async function rollOut(context: StageContext, stage: RolloutStage): Promise<Rollout[]> {
  const { solver, tasks, attempts, expected = () => 0 } = stage;
  const seeds = context.rng.fork("rollouts", stage.chance);
  const items = longestFirst(tasks, expected).flatMap((task) =>
    Array.from(
      { length: attempts.count },
      (_, index): Attempt => ({ task, index, seed: seeds.fork(task.id, index).uint32() }),
    ),
  );
  return withModel(solver.backend, solver.checkpoint, context, async (open) => {
    const records = await journaled(context, {
      ...rolloutsJournal(stage.name),
      items,
      shardSize: stage.shardSize,
      unit: "rollouts",
      worker: async (shard, call) => {
        const model = await open();
        const results = await attempt(solver, model, shard.items, attempts, call);
        return results.map(({ attempt, result }) => readRollout(model, solver, attempt, result));
      },
    });
    return Array.fromAsync(records);
  });
}

/** In falling order of expected tokens; of equals, in their own order. */
export function longestFirst(tasks: readonly Task[], expected: (taskId: string) => number): Task[] {
  return tasks
    .map((task) => ({ task, tokens: expected(task.id) }))
    .sort((a, b) => b.tokens - a.tokens)
    .map(({ task }) => task);
}

function readRollout(model: Model, solver: Solver, { task, index, seed }: Attempt, result: SampleResult): Rollout {
  const id = contentId({ rollout: { model: model.identity, task: task.id, index, seed } });
  const common = { id, taskId: task.id, index };
  if (!result.ok) return { ok: false, ...common, reason: result.reason };
  return {
    ok: true,
    ...common,
    text: solver.spell(result),
    ...(result.ids === undefined ? {} : { ids: [...result.ids] }),
    tokens: result.usage.completionTokens,
    truncated: result.finish === "length",
  };
}

/** Mean tokens of the attempts at each task, to expect of the next ones. */
export function meanTokens(rollouts: readonly Rollout[]): Map<string, number> {
  const sums = new Map<string, { tokens: number; count: number }>();
  for (const rollout of rollouts) {
    if (!rollout.ok) continue;
    const sum = sums.get(rollout.taskId) ?? { tokens: 0, count: 0 };
    sums.set(rollout.taskId, { tokens: sum.tokens + rollout.tokens, count: sum.count + 1 });
  }
  return new Map([...sums].map(([taskId, { tokens, count }]) => [taskId, tokens / count]));
}
