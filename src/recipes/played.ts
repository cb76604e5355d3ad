/** What self-play and distillation left in a run's journals, task by task. Streams; decides nothing. */
import { tracesJournal } from "../stages/distill.ts";
import { labelsJournal } from "../stages/selfplay/label.ts";
import type { Gold, GoodRollout, PreferencePair } from "../stages/selfplay/records.ts";
import { gradedJournal } from "../stages/selfplay/reward.ts";
import { rolloutsJournal } from "../stages/selfplay/rollout.ts";
import { pairsOfRound, selfPlayJournal } from "../stages/selfplay/round.ts";
import { tasksJournal } from "../stages/selfplay/tasks.ts";
import { recordsSoFar } from "../stages/stage.ts";

/** Under which names the journals lie. */
export const SELF_PLAY = "selfplay";
export const DISTILLATION = "distill";

type Run = { folder: string };

/** task id → its problem. */
export async function taskTexts(run: Run): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const choice of recordsSoFar(run, tasksJournal))
    if (choice.kept) texts.set(choice.task.id, choice.task.problem);
  return texts;
}

/** task id → its believed answer. Tests are no answer. */
export async function answers(run: Run): Promise<Map<string, string>> {
  const answer = (gold: Gold) => (gold.kind === "answer" ? gold.answer : undefined);
  const found = new Map<string, string>();
  for await (const label of recordsSoFar(run, labelsJournal(SELF_PLAY))) {
    const believed = label.source === "quarantine" ? undefined : answer(label.gold);
    if (believed !== undefined) found.set(label.taskId, believed);
  }
  return found;
}

/** Names of the rounds that came to their end. */
async function* rounds(run: Run): AsyncGenerator<string> {
  for await (const { round, work } of recordsSoFar(run, selfPlayJournal(SELF_PLAY)))
    if (work !== null) yield `${SELF_PLAY}/round-${round}`;
}

export interface PlayedPair {
  id: string;
  taskId: string;
  round: string;
  chosen: string | undefined;
  rejected: string | undefined;
}

/** The preference pairs of all rounds, both texts in place. */
export async function* playedPairs(run: Run): AsyncGenerator<PlayedPair> {
  for await (const round of rounds(run)) {
    const pairs = new Map<string, PreferencePair[]>();
    for await (const pair of recordsSoFar(run, pairsOfRound(round)))
      pairs.set(pair.taskId, [...(pairs.get(pair.taskId) ?? []), pair]);
    for await (const { taskId, rollouts } of rolloutsByTask(run, round)) {
      const text = (id: string) => rollouts.find((rollout) => rollout.id === id)?.text;
      for (const { id, chosen, rejected } of pairs.get(taskId) ?? [])
        yield { id, taskId, round, chosen: text(chosen), rejected: text(rejected) };
    }
  }
}

export interface Solution {
  id: string;
  taskId: string;
  /** The round, or `distill`. */
  round: string;
  response: string;
}

/** Attempts that the grader calls right, that are whole and of valid form, one of each text a task; and traces of a teacher that were kept. */
export async function* solutions(run: Run): AsyncGenerator<Solution> {
  for await (const round of rounds(run)) {
    const right = new Set<string>();
    for await (const { rolloutId, verdict, invalid } of recordsSoFar(run, gradedJournal(round)))
      if (verdict.verdict === "correct" && invalid === null) right.add(rolloutId);
    for await (const { taskId, rollouts } of rolloutsByTask(run, round)) {
      const texts = new Map(
        rollouts.filter(({ id, truncated }) => right.has(id) && !truncated).map(({ id, text }) => [text, id]),
      );
      for (const [response, id] of texts) yield { id, taskId, round, response };
    }
  }
  for await (const trace of recordsSoFar(run, tracesJournal(DISTILLATION)))
    if (trace.kept) yield { id: trace.id, taskId: trace.taskId, round: DISTILLATION, response: trace.text };
}

/** The journal holds each task's attempts side by side. */
async function* rolloutsByTask(run: Run, round: string): AsyncGenerator<{ taskId: string; rollouts: GoodRollout[] }> {
  let at: { taskId: string; rollouts: GoodRollout[] } | undefined;
  for await (const rollout of recordsSoFar(run, rolloutsJournal(round))) {
    if (at !== undefined && at.taskId !== rollout.taskId) {
      yield at;
      at = undefined;
    }
    at ??= { taskId: rollout.taskId, rollouts: [] };
    if (rollout.ok) at.rollouts.push(rollout);
  }
  if (at !== undefined) yield at;
}
