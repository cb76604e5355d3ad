/** The numbers of a run's self-play, read back from its journals. Trains nothing. */
import { z } from "zod";
import { countsIn, wholeBins } from "../analyses/bins.ts";
import { clusteredMean } from "../analyses/bootstrap.ts";
import { rng } from "../core/rng.ts";
import type { Oracle } from "../domains/contract.ts";
import { scoreJournal } from "../stages/selfplay/held-out.ts";
import { labelsJournal } from "../stages/selfplay/label.ts";
import type { Gold, GoodLabel, Label } from "../stages/selfplay/records.ts";
import { rolloutsJournal } from "../stages/selfplay/rollout.ts";
import { difficultyOfRound, pairsOfRound, SelfPlayRound, selfPlayJournal } from "../stages/selfplay/round.ts";
import { tasksJournal } from "../stages/selfplay/tasks.ts";
import { recordsSoFar } from "../stages/stage.ts";

/** Votes whose margin lies in one fifth of the scale, and what came of them. */
const VoteBin = z.strictObject({
  /** Least margin of the bin; its width is a fifth. */
  from: z.number(),
  quarantined: z.number().int(),
  labelled: z.number().int(),
  /** Of the labels, where an oracle can say: the true answer, another one, or on a problem without one. */
  truth: z.strictObject({ right: z.number().int(), wrong: z.number().int(), onInvalid: z.number().int() }).nullable(),
});
type VoteBin = z.infer<typeof VoteBin>;

export const LabelCounts = z.strictObject({
  tasks: z.number().int(),
  labelled: z.number().int(),
  /** Labels by source. */
  sources: z.strictObject({ given: z.number().int(), majority: z.number().int(), tests: z.number().int() }),
  /** Quarantined tasks by reason. */
  quarantined: z.record(z.string(), z.number().int()),
  /** Votes by their margin; empty where nobody voted. */
  votes: z.array(VoteBin),
  /** Where an oracle can say: labels that are the true answer, that are not, and labels of problems without one true answer. */
  truth: z.strictObject({ right: z.number().int(), wrong: z.number().int(), onInvalid: z.number().int() }).nullable(),
});
export type LabelCounts = z.infer<typeof LabelCounts>;

/** What a round's journals say beyond its counts; null for the start. */
const RoundDetail = z.strictObject({
  /** Tasks by what came of them in the difficulty filter: kept (null) or the reason, and how often they were solved. */
  difficulty: z.array(
    z.strictObject({
      correct: z.number().int(),
      decided: z.number().int(),
      dropped: z.string().nullable(),
      tasks: z.number().int(),
    }),
  ),
  /** Tasks that gave a pair. */
  paired: z.number().int(),
  /** How many of the pairs' two sides have how many tokens. */
  lengths: z.strictObject({
    bins: z.array(z.string()),
    chosen: z.array(z.number().int()),
    rejected: z.array(z.number().int()),
  }),
  /** Held-out score less that of the start, with a 95 % interval (bootstrap over problems); null without held-out problems. */
  sinceStart: z.strictObject({ mean: z.number(), low: z.number(), high: z.number() }).nullable(),
});
export type RoundDetail = z.infer<typeof RoundDetail>;

export const SelfPlaySummary = z.strictObject({
  /** Problems that became no task, by reason. */
  notTasks: z.record(z.string(), z.number().int()),
  labels: LabelCounts,
  rounds: z.array(SelfPlayRound.extend({ detail: RoundDetail.nullable() })),
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
export async function selfPlaySummary(folder: string, truth: Truth | undefined): Promise<SelfPlaySummary | null> {
  const choices = await Array.fromAsync(recordsSoFar({ folder }, tasksJournal));
  const labels = await Array.fromAsync(recordsSoFar({ folder }, labelsJournal("selfplay")));
  if (choices.length === 0 && labels.length === 0) return null;
  const problems = new Map(choices.flatMap((choice) => (choice.kept ? [[choice.task.id, choice.task.problem]] : [])));
  return {
    notTasks: tally(choices.flatMap((choice) => (choice.kept ? [] : [choice.reason]))),
    labels: countLabels(labels, problems, truth),
    rounds: await roundsOf(folder),
    test: await testOf(folder),
  };
}

type Truth = { oracle: Oracle; same: (gold: Gold, answer: string) => boolean };

function countLabels(
  labels: readonly Label[],
  problems: ReadonlyMap<string, string>,
  truth: Truth | undefined,
): LabelCounts {
  const good = labels.flatMap((label) => (label.source === "quarantine" ? [] : [label]));
  const worth = new Map<string, Worth>(
    truth === undefined ? [] : good.map((label) => [label.taskId, worthOf(label, problems, truth)]),
  );
  const from = (source: GoodLabel["source"]) => good.filter((label) => label.source === source).length;
  return {
    ...{ tasks: labels.length, labelled: good.length },
    sources: { given: from("given"), majority: from("majority"), tests: from("tests") },
    quarantined: tally(labels.flatMap((label) => (label.source === "quarantine" ? [label.reason] : []))),
    votes: voteBins(labels, truth === undefined ? undefined : worth),
    truth: truth === undefined ? null : truthOf([...worth.values()]),
  };
}

type Worth = "right" | "wrong" | "onInvalid";

function truthOf(worths: readonly Worth[]): NonNullable<LabelCounts["truth"]> {
  const count = (which: Worth) => worths.filter((one) => one === which).length;
  return { right: count("right"), wrong: count("wrong"), onInvalid: count("onInvalid") };
}

const FIFTHS = 5;

function voteBins(labels: readonly Label[], worth: ReadonlyMap<string, Worth> | undefined): VoteBin[] {
  const voted = labels.flatMap((label) =>
    (label.source === "majority" || label.source === "quarantine") && label.ballot !== undefined
      ? [{ label, bin: Math.min(FIFTHS - 1, Math.floor(FIFTHS * label.ballot.margin + 1e-9)) }]
      : [],
  );
  if (voted.length === 0) return [];
  return Array.from({ length: FIFTHS }, (_, i): VoteBin => {
    const own = voted.flatMap(({ label, bin }) => (bin === i ? [label] : []));
    const labelled = own.filter(({ source }) => source === "majority");
    const worths = labelled.flatMap(({ taskId }) => worth?.get(taskId) ?? []);
    const truth = worth === undefined ? null : truthOf(worths);
    return { from: i / FIFTHS, quarantined: own.length - labelled.length, labelled: labelled.length, truth };
  });
}

function worthOf({ taskId, gold }: GoodLabel, problems: ReadonlyMap<string, string>, { oracle, same }: Truth): Worth {
  const reading = oracle.read(problems.get(taskId) ?? "");
  if (reading.kind !== "valid") return "onInvalid";
  return same(gold, reading.answer) ? "right" : "wrong";
}

async function roundsOf(folder: string): Promise<SelfPlaySummary["rounds"]> {
  const rounds = await Array.fromAsync(recordsSoFar({ folder }, selfPlayJournal("selfplay")));
  const [start] = rounds;
  const found: SelfPlaySummary["rounds"] = [];
  for (const round of rounds) {
    const detail = round.work === null ? null : await detailOf(folder, round, start ?? round);
    found.push({ ...round, detail });
  }
  return found;
}

const LENGTH_BINS = 12;

async function detailOf(folder: string, { round, heldOut }: SelfPlayRound, start: SelfPlayRound): Promise<RoundDetail> {
  const name = `selfplay/round-${round}`;
  const groups = new Map<string, RoundDetail["difficulty"][number]>();
  for await (const { correct, decided, dropped } of recordsSoFar({ folder }, difficultyOfRound(name))) {
    const key = `${correct}/${decided} ${dropped}`;
    const group = groups.get(key) ?? { correct, decided, dropped, tasks: 0 };
    groups.set(key, { ...group, tasks: group.tasks + 1 });
  }
  const tokens = new Map<string, number>();
  // Arms of an experiment share the rollouts of their first round: those are in another folder.
  for await (const rollout of recordsSoFar({ folder }, rolloutsJournal(name))) {
    if (rollout.ok) tokens.set(rollout.id, rollout.tokens);
  }
  const pairs = await Array.fromAsync(recordsSoFar({ folder }, pairsOfRound(name)));
  const side = (which: "chosen" | "rejected") => pairs.flatMap((pair) => tokens.get(pair[which]) ?? []);
  const bins = wholeBins([...side("chosen"), ...side("rejected")], LENGTH_BINS);
  const differences = heldOut.rates.map((rate, i) => [rate - (start.heldOut.rates[i] ?? 0)]);
  return {
    difficulty: [...groups.values()].sort((a, b) => a.correct - b.correct || a.decided - b.decided),
    paired: new Set(pairs.map(({ taskId }) => taskId)).size,
    lengths: {
      bins: bins.names,
      chosen: countsIn(bins, side("chosen")),
      rejected: countsIn(bins, side("rejected")),
    },
    sinceStart: differences.length === 0 ? null : interval(differences, `self-play ${round}`),
  };
}

function interval(differences: readonly (readonly number[])[], name: string) {
  const { mean, low, high } = clusteredMean([differences], rng(name));
  return { mean, low, high };
}

async function testOf(folder: string): Promise<SelfPlaySummary["test"]> {
  const [before] = await Array.fromAsync(recordsSoFar({ folder }, scoreJournal("selfplay/test/before")));
  const [after] = await Array.fromAsync(recordsSoFar({ folder }, scoreJournal("selfplay/test/after")));
  if (before === undefined || after === undefined) return null;
  const differences = after.rates.map((rate, i) => [rate - (before.rates[i] ?? 0)]);
  const { tasks, attempts } = before;
  return { tasks, attempts, before: before.score, after: after.score, difference: interval(differences, "self-play") };
}

function tally(reasons: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}
