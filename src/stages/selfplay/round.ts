/**
 * Self-play (PAPER.md §5) on labelled tasks, round after round.
 *
 *     repeat
 *       roll out   K attempts of the present model at each task
 *       judge      right, wrong or unknown; drop tasks that are solved half the time or more, and those never solved
 *       pair       min(#right, #wrong) per task, capped by what speaks for its label
 *       train      DPO on the pairs, SFT on what is right, or GRPO on the tasks that are left
 *       score      on held-out tasks; stop when the score no longer rises
 */
import { z } from "zod";
import { contentId, type Json } from "../../core/hash.ts";
import type { Rng } from "../../core/rng.ts";
import type { Grader } from "../../domains/contract.ts";
import type { Checkpoint } from "../../lm/contract.ts";
import { TrainingRecord } from "../em/records.ts";
import { type JournalKind, journaled, recordOnce, type StageContext } from "../stage.ts";
import { PairBias, pairBias } from "./bias.ts";
import { type Band, invalidity, solveRate, tooEasyOrHard, type Validity } from "./filter.ts";
import { type HeldOut, HeldOutScore, heldOutScore } from "./held-out.ts";
import { byTask, type Judged, type PairRules, pairsOfTask, sides } from "./pairs.ts";
import { type Gold, type GoodLabel, type Graded, PreferencePair, type Rollout, Sifted, type Task } from "./records.ts";
import { reward } from "./reward.ts";
import { meanTokens, rollOut } from "./rollout.ts";
import { type Attempts, promptIds, type Solver } from "./solver.ts";
import { type Told, type Training, type TrainStage, trainRound } from "./train.ts";

/** What one round did, and where it led. Round 0 is the start: a score and nothing else. */
export const SelfPlayRound = z.strictObject({
  round: z.number().int(),
  heldOut: HeldOutScore,
  work: z
    .strictObject({
      tasks: z.number().int(),
      rollouts: z.number().int(),
      rolloutTokens: z.number().int(),
      failed: z.number().int(),
      truncated: z.number().int(),
      correct: z.number().int(),
      unknown: z.number().int(),
      invalid: z.number().int(),
      /** Tasks that stay after the difficulty filter. */
      kept: z.number().int(),
      bias: PairBias,
      /** Rollouts that SFT may be taught. */
      right: z.number().int(),
      training: TrainingRecord,
    })
    .nullable(),
});
export type SelfPlayRound = z.infer<typeof SelfPlayRound>;

export const selfPlayJournal = (name: string): JournalKind<SelfPlayRound> => ({
  journal: `${name}/rounds`,
  schema: SelfPlayRound,
  version: 1,
});

export const pairsOfRound = (name: string): JournalKind<PreferencePair> => ({
  journal: `${name}/pairs`,
  schema: PreferencePair,
  version: 1,
});

export const difficultyOfRound = (name: string): JournalKind<Sifted> => ({
  journal: `${name}/difficulty`,
  schema: Sifted,
  version: 1,
});

export interface SelfPlaySettings {
  rounds: number;
  attempts: Attempts;
  band: Band;
  validity: Validity;
  pairs: PairRules;
  /** Greatest share of unknown verdicts. */
  maxUnknown: number;
  /** What a round may use, so that arms of an experiment spend alike: rollout tokens, and pairs (for SFT: right rollouts). */
  budget: { rolloutTokens: number; pairs: number };
  /** Rise of the held-out score over the best so far that keeps the loop going; −1 never stops early. */
  leastRise: number;
  /** Requests to the solver at once; see `RolloutStage`. */
  together: number;
  /** Verdicts and reference scores per commit. */
  shardSize: number;
}

export interface SelfPlayInput {
  /** Journals go under this name: `selfplay`. */
  name: string;
  solver: Solver;
  /** Labelled tasks, in the order in which they use the budget up. */
  tasks: readonly { task: Task; label: GoodLabel }[];
  grader: Grader<Gold>;
  extract: (response: string) => string | undefined;
  training: Training;
  heldOut: HeldOut;
  settings: SelfPlaySettings;
  /** Rollouts of the first round that were made already, of these tasks and more: arms that start from one model may share them. */
  firstRollouts?: readonly Rollout[];
  /** Stands between the grader and the filters: for control experiments, such as shuffled verdicts. */
  control?: (graded: readonly Graded[], round: number) => readonly Graded[];
}

export interface SelfPlayOutcome {
  /** The model with the best held-out score; of equals, the earlier. */
  checkpoint: Checkpoint;
  /** The model of the last round. */
  last: Checkpoint;
  rounds: readonly SelfPlayRound[];
  ended: "rounds" | "no rise" | "no pairs";
}

export async function selfPlay(context: StageContext, input: SelfPlayInput): Promise<SelfPlayOutcome> {
  const { name, solver, settings } = input;
  const score = (round: number, checkpoint: Checkpoint) =>
    heldOutScore(context, `${name}/held-out-${round}`, { ...solver, checkpoint }, input.heldOut);
  const finish = async (record: SelfPlayRound) => {
    await recordOnce(context, selfPlayJournal(name), String(record.round), record);
    rounds.push(record);
  };
  const rounds: SelfPlayRound[] = [];
  await finish({ round: 0, heldOut: await score(0, solver.checkpoint), work: null });
  let best = { checkpoint: solver.checkpoint, score: rounds[0]?.heldOut.score ?? 0 };
  let state: State = { checkpoint: solver.checkpoint, lengths: new Map() };
  const done = (ended: SelfPlayOutcome["ended"]) => {
    return { checkpoint: best.checkpoint, last: state.checkpoint, rounds, ended };
  };
  for (let round = 1; round <= settings.rounds; round++) {
    context.onEvent?.({ kind: "note", message: `self-play round ${round} of ${settings.rounds}` });
    const turn = await playRound(context, input, state, round);
    if (turn === undefined) return done("no pairs");
    state = turn.state;
    const heldOut = await score(round, state.checkpoint);
    await finish({ round, heldOut, work: turn.work });
    const rise = heldOut.score - best.score;
    if (rise > 0) best = { checkpoint: state.checkpoint, score: heldOut.score };
    if (rise <= settings.leastRise) return done("no rise");
  }
  return done("rounds");
}

interface State {
  checkpoint: Checkpoint;
  /** task id → tokens to expect of an attempt. */
  lengths: ReadonlyMap<string, number>;
}

async function playRound(context: StageContext, input: SelfPlayInput, state: State, number: number) {
  const { settings } = input;
  const name = `${input.name}/round-${number}`;
  const solver: Solver = { ...input.solver, checkpoint: state.checkpoint };
  const { rollouts, truth } = await tried(context, name, input, { ...state, solver, number });
  const graded = input.control?.(truth, number) ?? truth;
  const { kept, pairs, right } = await choose(context, name, input, rollouts, graded);
  if ({ dpo: pairs.length, sft: right.length, grpo: kept.length }[input.training.kind] === 0) {
    const reason = `round ${number}: of ${input.tasks.length} tasks, ${kept.length} stay in the difficulty band, and they give no pair`;
    context.onEvent?.({ kind: "note", message: reason });
    return undefined;
  }
  const prompts = new Map(kept.map(({ task }) => [task.id, promptIds(solver, task)]));
  const told = teller(prompts, rollouts);
  const { checkpoint, record } = await trainRound(context, {
    ...{ name, training: input.training, original: input.solver.checkpoint, from: state.checkpoint },
    pairs: pairs.map(({ id, chosen, rejected }) => ({ id, chosen: told(chosen), rejected: told(rejected) })),
    right: right.map(({ id }) => told(id)),
    trials: trialsOf(input, kept, prompts),
    shardSize: settings.shardSize,
  });
  const bias = pairBias(
    pairs.map((one) => ({ chosen: told(one.chosen).rollout, rejected: told(one.rejected).rollout })),
  );
  for (const warning of bias.warnings) context.onEvent?.({ kind: "note", message: `pairs: ${warning}` });
  const work = { ...counts(rollouts, truth), kept: kept.length, bias, right: right.length, training: record };
  return { state: { checkpoint, lengths: meanTokens(rollouts) }, work };
}

/** The round's attempts, and what the grader says of them. */
async function tried(
  context: StageContext,
  name: string,
  { tasks, settings, grader, extract, firstRollouts }: SelfPlayInput,
  { solver, lengths, number }: State & { solver: Solver; number: number },
): Promise<{ rollouts: Rollout[]; truth: Graded[] }> {
  const { attempts, together, shardSize, validity, maxUnknown } = settings;
  const labels = new Map(tasks.map(({ task, label }) => [task.id, label]));
  const made = number === 1 ? firstRollouts?.filter(({ taskId }) => labels.has(taskId)) : undefined;
  const rollouts =
    made ??
    (await rollOut(context, {
      ...{ name, solver, attempts, together, chance: `round-${number}`, tasks: tasks.map(({ task }) => task) },
      expected: (taskId) => lengths.get(taskId) ?? expectedOf(labels.get(taskId)),
    }));
  const gold = new Map([...labels].map(([taskId, label]) => [taskId, label.gold]));
  const stage = { name, rollouts, gold, grader, extract, validity, maxUnknown, shardSize };
  return { rollouts, truth: await reward(context, stage) };
}

/** Tasks in the difficulty band, their pairs, and their right rollouts. */
async function choose(
  context: StageContext,
  name: string,
  input: SelfPlayInput,
  rollouts: readonly Rollout[],
  graded: readonly Graded[],
) {
  const { settings, tasks } = input;
  const judged = byTask(rollouts, graded);
  const sifted = await sift(context, name, input, rollouts, graded);
  const kept = tasks.filter(({ task }) => sifted.get(task.id)?.dropped === null);
  const pairs = await pair(context, name, kept, judged, settings);
  const all = kept.flatMap(({ task }) => sides(judged.get(task.id) ?? [], settings.pairs).right);
  return { kept, pairs, right: within(settings.budget.pairs, all, context.rng.fork(name, "right")) };
}

function expectedOf(label: GoodLabel | undefined): number {
  return label?.source === "majority" ? label.meanTokens : 0;
}

/** What becomes of each task: over the budget, too easy, too hard, or kept. */
async function sift(
  context: StageContext,
  name: string,
  { tasks, settings: { budget, band } }: SelfPlayInput,
  rollouts: readonly Rollout[],
  graded: readonly Graded[],
): Promise<Map<string, Sifted>> {
  const tokens = Map.groupBy(rollouts, ({ taskId }) => taskId);
  const verdicts = Map.groupBy(graded, ({ taskId }) => taskId);
  let spent = 0;
  const items = tasks.map(({ task }): Sifted => {
    spent += (tokens.get(task.id) ?? []).reduce((sum, rollout) => sum + (rollout.ok ? rollout.tokens : 0), 0);
    const rate = solveRate((verdicts.get(task.id) ?? []).map(({ verdict }) => verdict.verdict));
    const dropped = spent > budget.rolloutTokens ? "over the budget of rollout tokens" : tooEasyOrHard(rate, band);
    return { taskId: task.id, ...rate, dropped };
  });
  const records = await journaled(context, {
    ...{ ...difficultyOfRound(name), unit: "tasks" },
    ...{
      items,
      shardSize: Math.max(1, items.length),
      worker: async (shard: { items: readonly Sifted[] }) => shard.items,
    },
  });
  return new Map((await Array.fromAsync(records)).map((one) => [one.taskId, one]));
}

/** The round's pairs: all of each task's, or as many as the budget allows, chosen by the round's own chance. */
async function pair(
  context: StageContext,
  name: string,
  kept: SelfPlayInput["tasks"],
  judged: ReadonlyMap<string, readonly Judged[]>,
  settings: SelfPlaySettings,
): Promise<PreferencePair[]> {
  const random = context.rng.fork(name, "pairs");
  const all = kept.flatMap(({ task, label }) =>
    pairsOfTask(task.id, judged.get(task.id) ?? [], label, settings.pairs, random.fork(task.id)),
  );
  const items = within(settings.budget.pairs, all, random);
  const records = await journaled(context, {
    ...{ ...pairsOfRound(name), unit: "pairs" },
    ...{
      items,
      shardSize: Math.max(1, items.length),
      worker: async (shard: { items: readonly PreferencePair[] }) => shard.items,
    },
  });
  return Array.fromAsync(records);
}

/** All of them, or as many as the budget allows, chosen by chance. */
function within<T>(most: number, all: readonly T[], random: Rng): readonly T[] {
  return all.length <= most ? all : random.shuffle(all).slice(0, most);
}

/** Each rollout with its prompt. */
function teller(
  prompts: ReadonlyMap<string, readonly number[]>,
  rollouts: readonly Rollout[],
): (rolloutId: string) => Told {
  const byId = new Map(rollouts.map((rollout) => [rollout.id, rollout]));
  return (rolloutId) => {
    const rollout = byId.get(rolloutId);
    const prompt = rollout && prompts.get(rollout.taskId);
    if (!rollout?.ok || prompt === undefined) throw new Error(`rollout ${rolloutId} cannot be taught`);
    return { prompt, rollout };
  };
}

/** What a trainer that makes its own attempts is given: prompts, and a verdict on each attempt. */
function trialsOf(
  { solver, grader, extract, settings: { validity } }: SelfPlayInput,
  kept: SelfPlayInput["tasks"],
  prompts: ReadonlyMap<string, readonly number[]>,
): TrainStage["trials"] {
  const gold = new Map(kept.map(({ task, label }) => [task.id, label.gold]));
  return {
    prompts: [...prompts].map(([id, prompt]) => ({ id, prompt })),
    verdictId: contentId({
      gold: [...gold].map(([id, one]) => [id, contentId(one as Json)]),
      validity: { ...validity },
    }),
    async verdict(taskId, written, call) {
      const expected = gold.get(taskId);
      if (expected === undefined) throw new Error(`task ${taskId} has no label`);
      const usage = { promptTokens: 0, completionTokens: 0 };
      const text = solver.spell({ ok: true, id: taskId, text: written, finish: "stop", usage });
      const { verdict } = await grader.grade(expected, text, call);
      return verdict === "correct" && invalidity(text, validity, extract) !== null ? "wrong" : verdict;
    },
  };
}

function counts(rollouts: readonly Rollout[], graded: readonly Graded[]) {
  const made = rollouts.flatMap((rollout) => (rollout.ok ? [rollout] : []));
  const verdicts = (which: Graded["verdict"]["verdict"]) =>
    graded.filter(({ verdict }) => verdict.verdict === which).length;
  return {
    tasks: new Set(rollouts.map(({ taskId }) => taskId)).size,
    rollouts: rollouts.length,
    rolloutTokens: made.reduce((sum, { tokens }) => sum + tokens, 0),
    failed: rollouts.length - made.length,
    truncated: made.filter(({ truncated }) => truncated).length,
    correct: verdicts("correct"),
    unknown: verdicts("unknown"),
    invalid: graded.filter(({ invalid }) => invalid !== null).length,
  };
}
