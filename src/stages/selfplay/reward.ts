/**
 * Rewards (PAPER.md §5): a verdict for each rollout by the domain's grader, and whether its form can be taught. A verdict that
 * is `unknown` is neither right nor wrong, and too many of them stop the stage: they say that the grader fails, not the solver.
 */
import { Stopped } from "../../core/errors.ts";
import type { Grader } from "../../domains/contract.ts";
import { type JournalKind, journaled, type StageContext } from "../stage.ts";
import { invalidity, type Validity } from "./filter.ts";
import { type Gold, Graded, type Rollout } from "./records.ts";

export const gradedJournal = (name: string): JournalKind<Graded> => ({
  journal: `${name}/verdicts`,
  schema: Graded,
  version: 1,
});

export interface RewardStage {
  name: string;
  rollouts: readonly Rollout[];
  /** task id → what its responses are held against. */
  gold: ReadonlyMap<string, Gold>;
  grader: Grader<Gold>;
  extract: (response: string) => string | undefined;
  validity: Validity;
  /** Greatest share of `unknown` verdicts. */
  maxUnknown: number;
  shardSize: number;
}

/** @throws Stopped where more verdicts than `maxUnknown` are unknown */
export async function reward(context: StageContext, stage: RewardStage): Promise<Graded[]> {
  const graded = await Array.fromAsync(
    await journaled(context, {
      ...gradedJournal(stage.name),
      items: stage.rollouts,
      shardSize: stage.shardSize,
      unit: "verdicts",
      worker: (shard, call) => Promise.all(shard.items.map((rollout) => grade(rollout, stage, call))),
    }),
  );
  refuseTooManyUnknown(graded, stage.maxUnknown, context);
  return graded;
}

async function grade(
  rollout: Rollout,
  { gold, grader, extract, validity }: RewardStage,
  call: Parameters<Grader<Gold>["grade"]>[2],
): Promise<Graded> {
  const { id: rolloutId, taskId } = rollout;
  if (!rollout.ok) {
    // No attempt was made: nothing can be said of the solver.
    const verdict = { verdict: "unknown", stage: "sample", reason: rollout.reason } as const;
    return { rolloutId, taskId, verdict, invalid: "no response" };
  }
  const expected = gold.get(taskId);
  if (expected === undefined) throw new Error(`task ${taskId} has no label`);
  const verdict = await grader.grade(expected, rollout.text, call);
  return { rolloutId, taskId, verdict, invalid: invalidity(rollout.text, validity, extract) };
}

function refuseTooManyUnknown(graded: readonly Graded[], most: number, context: StageContext): void {
  const unknown = graded.filter(({ verdict }) => verdict.verdict === "unknown");
  if (unknown.length === 0) return;
  const share = unknown.length / graded.length;
  const reasons = new Map<string, number>();
  for (const { verdict } of unknown) {
    const reason = `${verdict.stage}: ${verdict.reason}`;
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const [reason, count] = [...reasons].sort((a, b) => b[1] - a[1])[0] as [string, number];
  const told =
    `${unknown.length} of ${graded.length} verdicts are unknown (${(100 * share).toFixed(1)} %), ` +
    `${count} of them for one reason: ${reason}`;
  if (share <= most) {
    context.onEvent?.({ kind: "note", message: told });
    return;
  }
  throw new Stopped({
    reason: "alarm",
    message: `${told}; the bound is ${(100 * most).toFixed(1)} %`,
    next: "mend what the reason names and start a new run, or raise selfPlay.maxUnknown if these rollouts may be lost",
  });
}
