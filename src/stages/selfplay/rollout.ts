/**
 * Rollouts (PAPER.md §5): K attempts at each task from the model in training, those that are expected to be longest first,
 * so that no long one is left running alone at the end. Grades nothing.
 */
import { contentId } from "../../core/hash.ts";
import type { SampleResult } from "../../lm/contract.ts";
import { eachOnce } from "../each-once.ts";
import { type JournalKind, recordsOf, type StageContext, withModel } from "../stage.ts";
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
  /** Requests that are given to the sampler at once: all of them to a server, which does its own queueing; some to an engine in this process. */
  together: number;
}

/** Resumable attempt by attempt. The rollouts come in the order of the plan: task by task, and by index. */
export async function rollOut(context: StageContext, stage: RolloutStage): Promise<Rollout[]> {
  const { solver, tasks, attempts, expected = () => 0 } = stage;
  const seeds = context.rng.fork("rollouts", stage.chance);
  const { hash } = solver.checkpoint;
  const items = longestFirst(tasks, expected).flatMap((task) =>
    Array.from({ length: attempts.count }, (_, index): Planned => {
      const seed = seeds.fork(task.id, index).uint32();
      return { id: contentId({ rollout: { model: hash, task: task.id, index, seed } }), task, index, seed };
    }),
  );
  await withModel(solver.backend, solver.checkpoint, context, (open) =>
    eachOnce(context, {
      ...rolloutsJournal(stage.name),
      items,
      unit: "rollouts",
      async *work(missing, call) {
        const model = await open();
        for (let start = 0; start < missing.length; start += stage.together) {
          const planned = missing.slice(start, start + stage.together);
          for await (const { attempt: item, result } of attempt(solver, model, planned, attempts, call)) {
            yield { id: item.id, output: readRollout(item, solver, result) };
          }
        }
      },
    }),
  );
  const wanted = new Set(items.map(({ id }) => id));
  const rollouts: Rollout[] = [];
  for await (const rollout of recordsOf(context, rolloutsJournal(stage.name))) {
    if (wanted.has(rollout.id)) rollouts.push(rollout);
  }
  return rollouts;
}

/** An attempt with the id of the rollout that it will be. */
interface Planned extends Attempt {
  id: string;
}

/** In falling order of expected tokens; of equals, in their own order. */
export function longestFirst(tasks: readonly Task[], expected: (taskId: string) => number): Task[] {
  return tasks
    .map((task) => ({ task, tokens: expected(task.id) }))
    .sort((a, b) => b.tokens - a.tokens)
    .map(({ task }) => task);
}

function readRollout({ id, task, index }: Planned, solver: Solver, result: SampleResult): Rollout {
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
