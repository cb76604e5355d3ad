/** The numbers of a run's self-play, read back from its journals. Computes nothing else, and trains nothing. */
import { z } from "zod";
import { clusteredMean } from "../analyses/bootstrap.ts";
import { rng } from "../core/rng.ts";
import type { Oracle } from "../domains/contract.ts";
import { scoreJournal } from "../stages/selfplay/held-out.ts";
import { labelsJournal } from "../stages/selfplay/label.ts";
import type { Gold, Label } from "../stages/selfplay/records.ts";
import { SelfPlayRound, selfPlayJournal } from "../stages/selfplay/round.ts";
import { tasksJournal } from "../stages/selfplay/tasks.ts";
import { recordsSoFar } from "../stages/stage.ts";

export const LabelCounts = z.strictObject({
  tasks: z.number().int(),
  labelled: z.number().int(),
  /** Quarantined tasks by reason. */
  quarantined: z.record(z.string(), z.number().int()),
  /** Where an oracle can say: labels that are the true answer, that are not, and labels of problems without one true answer. */
  truth: z.strictObject({ right: z.number().int(), wrong: z.number().int(), onInvalid: z.number().int() }).nullable(),
});
export type LabelCounts = z.infer<typeof LabelCounts>;

export const SelfPlaySummary = z.strictObject({
  /** Problems that became no task, by reason. */
  notTasks: z.record(z.string(), z.number().int()),
  labels: LabelCounts,
  rounds: z.array(SelfPlayRound),
  /** pass@1 on problems that nothing was chosen on, with a 95 % interval of the difference (bootstrap over problems). */
  test: z
    .strictObject({
      tasks: z.number().int(),
      attempts: z.number().int(),
      before: z.number(),
      after: z.number(),
      difference: z.strictObject({ mean: z.number(), low: z.number(), high: z.number() }),
    })
    .nullable(),
});
export type SelfPlaySummary = z.infer<typeof SelfPlaySummary>;

/** @param same whether two answers are equal, where there is an oracle */
export async function selfPlaySummary(
  folder: string,
  truth: { oracle: Oracle; same: (gold: Gold, answer: string) => boolean } | undefined,
): Promise<SelfPlaySummary | null> {
  const choices = await Array.fromAsync(recordsSoFar({ folder }, tasksJournal));
  const labels = await Array.fromAsync(recordsSoFar({ folder }, labelsJournal("selfplay")));
  if (choices.length === 0 && labels.length === 0) return null;
  const problems = new Map(choices.flatMap((choice) => (choice.kept ? [[choice.task.id, choice.task.problem]] : [])));
  return {
    notTasks: tally(choices.flatMap((choice) => (choice.kept ? [] : [choice.reason]))),
    labels: countLabels(labels, problems, truth),
    rounds: await Array.fromAsync(recordsSoFar({ folder }, selfPlayJournal("selfplay"))),
    test: await testOf(folder),
  };
}

function countLabels(
  labels: readonly Label[],
  problems: ReadonlyMap<string, string>,
  truth: { oracle: Oracle; same: (gold: Gold, answer: string) => boolean } | undefined,
): LabelCounts {
  const good = labels.flatMap((label) => (label.source === "quarantine" ? [] : [label]));
  const quarantined = tally(labels.flatMap((label) => (label.source === "quarantine" ? [label.reason] : [])));
  if (truth === undefined) return { tasks: labels.length, labelled: good.length, quarantined, truth: null };
  const counts = { right: 0, wrong: 0, onInvalid: 0 };
  for (const { taskId, gold } of good) {
    const reading = truth.oracle.read(problems.get(taskId) ?? "");
    if (reading.kind !== "valid") counts.onInvalid++;
    else if (truth.same(gold, reading.answer)) counts.right++;
    else counts.wrong++;
  }
  return { tasks: labels.length, labelled: good.length, quarantined, truth: counts };
}

async function testOf(folder: string): Promise<SelfPlaySummary["test"]> {
  const [before] = await Array.fromAsync(recordsSoFar({ folder }, scoreJournal("selfplay/test/before")));
  const [after] = await Array.fromAsync(recordsSoFar({ folder }, scoreJournal("selfplay/test/after")));
  if (before === undefined || after === undefined) return null;
  const differences = after.rates.map((rate, i) => [rate - (before.rates[i] ?? 0)]);
  const { mean, low, high } = clusteredMean([differences], rng("self-play"));
  const { tasks, attempts } = before;
  return { tasks, attempts, before: before.score, after: after.score, difference: { mean, low, high } };
}

function tally(reasons: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}
