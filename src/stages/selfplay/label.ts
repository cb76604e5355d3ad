/**
 * Labels for tasks (PAPER.md §5): given answers and tests as they are; a majority vote over generations of a labelling model,
 * which are apart from the rollouts that measure difficulty; or validated tests. What cannot be believed goes to quarantine
 * with its reason and its evidence.
 */
import type { CallOptions } from "../../core/events.ts";
import type { Vote } from "../../domains/contract.ts";
import { type JournalKind, journaled, type StageContext } from "../stage.ts";
import { type Ballot, Label, type Rollout, type Task } from "./records.ts";
import { meanTokens, rollOut } from "./rollout.ts";
import type { Attempts, Solver } from "./solver.ts";

export const labelsJournal = (name: string): JournalKind<Label> => ({
  journal: `${name}/labels`,
  schema: Label,
  version: 1,
});

export interface VoteRules {
  /** Least votes, empty answers not counted. */
  leastVotes: number;
  /** Least margin of the first cluster over the second, as a share of all votes. */
  leastMargin: number;
}

/** Where labels come from for tasks that bring none. */
export type LabelSource =
  | {
      kind: "majority";
      labeller: Solver;
      attempts: Attempts;
      rules: VoteRules;
      extract: (response: string) => string | undefined;
      vote: (answers: readonly (string | undefined)[]) => Vote;
    }
  | {
      kind: "tests";
      /** Drafts and validates tests: one label, or a quarantine, for each task. */
      make: (tasks: readonly Task[], call: CallOptions) => Promise<Label[]>;
    }
  /** Only given labels count: a task without one goes to quarantine. */
  | { kind: "given" };

export interface LabelStage {
  /** Journals go under this name: `selfplay`. */
  name: string;
  tasks: readonly Task[];
  source: LabelSource;
  /** Requests to the labeller at once; see `RolloutStage`. */
  together: number;
  /** Labels per commit. */
  shardSize: number;
}

export async function label(context: StageContext, stage: LabelStage): Promise<Label[]> {
  const { tasks, source, name, shardSize } = stage;
  const open = tasks.filter(({ gold }) => gold === undefined);
  const generations = source.kind === "majority" ? await generate(context, stage, open, source) : undefined;
  const records = await journaled(context, {
    ...labelsJournal(name),
    items: tasks,
    shardSize,
    unit: "labels",
    worker: async (shard, call) => {
      const without = shard.items.filter(({ gold }) => gold === undefined);
      const made = new Map((await makeLabels(without, source, generations, call)).map((one) => [one.taskId, one]));
      return shard.items.map(({ id: taskId, gold }): Label => {
        if (gold !== undefined) return { source: "given", taskId, gold };
        return (
          made.get(taskId) ?? { source: "quarantine", taskId, reason: "no label was given, and none was asked for" }
        );
      });
    },
  });
  return Array.fromAsync(records);
}

function generate(
  context: StageContext,
  { name, together }: LabelStage,
  tasks: readonly Task[],
  { labeller, attempts }: LabelSource & { kind: "majority" },
): Promise<Rollout[]> {
  const stage = { name: `${name}/labelling`, solver: labeller, tasks, attempts, chance: "labels", together };
  return rollOut(context, stage);
}

async function makeLabels(
  tasks: readonly Task[],
  source: LabelSource,
  generations: readonly Rollout[] | undefined,
  call: CallOptions,
): Promise<Label[]> {
  switch (source.kind) {
    case "majority": {
      const wanted = new Set(tasks.map(({ id }) => id));
      const own = Map.groupBy(
        (generations ?? []).filter(({ taskId }) => wanted.has(taskId)),
        ({ taskId }) => taskId,
      );
      return tasks.map(({ id }) => majorityLabel(id, own.get(id) ?? [], source));
    }
    case "tests":
      return tasks.length === 0 ? [] : source.make(tasks, call);
    case "given":
      return [];
    default:
      return source satisfies never;
  }
}

/** The label that a task's generations vote for. One that was cut off, failed or has no answer does not vote. */
export function majorityLabel(
  taskId: string,
  generations: readonly Rollout[],
  { rules, extract, vote }: Pick<LabelSource & { kind: "majority" }, "rules" | "extract" | "vote">,
): Label {
  const result = vote(generations.map((one) => (one.ok && !one.truncated ? extract(one.text) : undefined)));
  const ballot: Ballot = {
    generations: generations.length,
    votes: result.votes,
    margin: result.margin,
    clusters: result.clusters.map(({ answer, count }) => ({ answer, count })),
  };
  const quarantine = (reason: string): Label => ({ source: "quarantine", taskId, reason, ballot });
  if (result.votes < rules.leastVotes) return quarantine("too few votes");
  if (result.answer === undefined) return quarantine("a tie for the first place");
  if (result.margin < rules.leastMargin) return quarantine("too small a margin");
  const gold = { kind: "answer", answer: result.answer } as const;
  return { source: "majority", taskId, gold, ballot, meanTokens: meanTokens(generations).get(taskId) ?? 0 };
}
