/**
 * The score of a solver on held-out tasks with known answers, after each round: pass@1 over several attempts. The same tasks and
 * the same random numbers for every model, so that differences are paired. Not a benchmark: see stages/evaluate.
 */
import { z } from "zod";
import type { Grader } from "../../domains/contract.ts";
import { type JournalKind, recordOnce, recordsOf, type StageContext } from "../stage.ts";
import type { Gold, Task } from "./records.ts";
import { reward } from "./reward.ts";
import { rollOut } from "./rollout.ts";
import type { Attempts, Solver } from "./solver.ts";

export const HeldOutScore = z.strictObject({
  /** Mean over tasks of the share of right attempts; `unknown` counts as not right. */
  score: z.number(),
  /** Standard error with tasks as clusters. */
  standardError: z.number(),
  tasks: z.number().int(),
  attempts: z.number().int(),
  truncated: z.number(),
  meanTokens: z.number(),
  /** Share of right attempts, task by task, in the order of the tasks. */
  rates: z.array(z.number()),
});
export type HeldOutScore = z.infer<typeof HeldOutScore>;

export const scoreJournal = (name: string): JournalKind<HeldOutScore> => ({
  journal: `${name}/score`,
  schema: HeldOutScore,
  version: 1,
});

export interface HeldOut {
  /** Tasks with gold answers. */
  tasks: readonly Task[];
  attempts: Attempts;
  grader: Grader<Gold>;
  together: number;
  shardSize: number;
}

export async function heldOutScore(
  context: StageContext,
  name: string,
  solver: Solver,
  { tasks, attempts, grader, together, shardSize }: HeldOut,
): Promise<HeldOutScore> {
  const gold = new Map(tasks.flatMap(({ id, gold }) => (gold === undefined ? [] : [[id, gold] as const])));
  const rollouts = await rollOut(context, { name, solver, tasks, attempts, chance: "held-out", together });
  const validity = { thought: "none", scripts: [] } as const;
  const stage = { name, rollouts, gold, grader, extract: () => "", validity, maxUnknown: 1, shardSize };
  const graded = await reward(context, stage);
  const right = new Map<string, number>();
  for (const { taskId, verdict } of graded) {
    right.set(taskId, (right.get(taskId) ?? 0) + (verdict.verdict === "correct" ? 1 : 0));
  }
  const rates = tasks.map(({ id }) => (right.get(id) ?? 0) / attempts.count);
  const made = rollouts.flatMap((rollout) => (rollout.ok ? [rollout] : []));
  const score = mean(rates);
  const record: HeldOutScore = {
    score,
    standardError: Math.sqrt(mean(rates.map((rate) => (rate - score) ** 2)) / Math.max(1, rates.length - 1)),
    tasks: tasks.length,
    attempts: attempts.count,
    truncated: mean(made.map(({ truncated }) => (truncated ? 1 : 0))),
    meanTokens: mean(made.map(({ tokens }) => tokens)),
    rates,
  };
  const kind = scoreJournal(name);
  await recordOnce(context, kind, "score", record);
  const [kept] = await Array.fromAsync(recordsOf(context, kind));
  return kept ?? record;
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
