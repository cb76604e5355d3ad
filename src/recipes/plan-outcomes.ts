/**
 * What becomes of the problems that a plan tries, by the run's own rules over the very answers that the run will find: which lie in
 * the difficulty band, what the reference scores, and what training is taught. Asks nobody and trains nothing.
 */
import { type Estimate, momentsOf, totalFrom, unvaried } from "../analyses/estimate.ts";
import type { Grader } from "../domains/contract.ts";
import { type DistillStage, keepTraces } from "../stages/distill.ts";
import { solveRate, tooEasyOrHard } from "../stages/selfplay/filter.ts";
import { byTask, pairsOfTask, sides } from "../stages/selfplay/pairs.ts";
import type { Gold, GoodLabel, GoodRollout, Rollout, Task } from "../stages/selfplay/records.ts";
import { reward } from "../stages/selfplay/reward.ts";
import type { StageContext } from "../stages/stage.ts";
import type { CodeSelfPlayConfig, MathSelfPlayConfig } from "./solver-config.ts";
import { type Fate, NO_FATE, type Outcomes } from "./solver-work.ts";

export interface RoundRules {
  /** The round's name: `selfplay/round-1`. */
  name: string;
  config: MathSelfPlayConfig | CodeSelfPlayConfig;
  leastMargin: number;
  grader: Grader<Gold>;
  extract: (response: string) => string | undefined;
  prompt(task: Task): readonly number[];
}

/** What a round makes of one labelled problem and the attempts at it. */
export async function fateInRound(
  context: StageContext,
  { name, config, leastMargin, grader, extract, prompt }: RoundRules,
  { task, label }: { task: Task; label: GoodLabel },
  rollouts: readonly Rollout[],
): Promise<Fate> {
  const { selfPlay: settings, shardSize } = config;
  const { band, validity } = settings;
  const gold = new Map([[task.id, label.gold]]);
  const graded = await reward(context, {
    ...{ name, rollouts, gold, grader, extract, validity, shardSize },
    maxUnknown: 1, // whether too many are unknown is for the run to say, over all
  });
  const rate = solveRate(graded.map(({ verdict }) => verdict.verdict));
  if (tooEasyOrHard(rate, band) !== null) return NO_FATE;
  const judged = byTask(rollouts, graded).get(task.id) ?? [];
  const rules = { ...settings.pairs, majorityCap: { ...settings.pairs.majorityCap, leastMargin } };
  // The very pairs that the run will make.
  const pairs = pairsOfTask(task.id, judged, label, rules, context.rng.fork(name, "pairs").fork(task.id));
  const byId = new Map(judged.map(({ rollout }) => [rollout.id, rollout]));
  const paired = pairs.flatMap(({ chosen, rejected }) => [byId.get(chosen), byId.get(rejected)]);
  switch (settings.training.kind) {
    case "dpo": {
      const taught = tokensOf(paired);
      const references = paired.length;
      return { taught, references, referenceTokens: taught + references * prompt(task).length };
    }
    case "sft":
      return { ...NO_FATE, taught: tokensOf(sides(judged, rules).right) };
    case "grpo": // which makes attempts of its own: as many, and about as long
      return { ...NO_FATE, taught: tokensOf(judged.map(({ rollout }) => rollout)) };
    default:
      return settings.training.kind satisfies never;
  }
}

function tokensOf(rollouts: readonly (GoodRollout | undefined)[]): number {
  return rollouts.reduce((sum, rollout) => sum + (rollout?.ids?.length ?? rollout?.tokens ?? 0), 0);
}

/** What distillation keeps of one problem's traces. */
export async function fateOfTraces(
  context: StageContext,
  stage: Pick<DistillStage, "name" | "rules" | "student" | "shardSize">,
  task: Task,
  answers: readonly Rollout[],
): Promise<Fate> {
  const traces = await keepTraces(context, { ...stage, tasks: [task] }, answers);
  const kept = traces.flatMap((trace) => (trace.kept ? [stage.student.completion(trace.text).length] : []));
  return { ...NO_FATE, taught: kept.reduce((sum, tokens) => sum + tokens, 0) };
}

/**
 * What becomes of all problems, by what became of those tried.
 * @param labelled how many take part
 * @param most what can come of one at most
 */
export function outcomesOf(fates: readonly Fate[], labelled: Estimate, most: Fate): Outcomes | undefined {
  if (fates.length === 0) return undefined;
  const total = (measure: keyof Fate): Estimate => {
    const moments = momentsOf(fates.map((fate) => fate[measure]));
    const of = (count: number) =>
      moments.deviation === 0
        ? unvaried(moments.mean, moments.n, Math.max(count, moments.n), { least: 0, most: most[measure] })
        : totalFrom(moments, count);
    const [low, mid, high] = [of(labelled.low), of(labelled.mid), of(labelled.high)];
    return { low: low.low, mid: mid.mid, high: Math.min(high.high, Math.max(mid.mid, most[measure] * labelled.high)) };
  };
  return {
    labelled,
    taught: total("taught"),
    references: total("references"),
    referenceTokens: total("referenceTokens"),
  };
}
