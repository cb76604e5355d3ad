/** What a report shows, read from a run's journals. Computes nothing but joins. */
import { join } from "node:path";
import { readUsage, type UsageLine } from "../journal/usage.ts";
import type { Config } from "../recipes/config.ts";
import { controlFolder, pairsJournal } from "../recipes/promptcot.ts";
import { readRun } from "../recipes/run-config.ts";
import { recordsIfAny, type Summary, summarise } from "../recipes/summary.ts";
import { Candidate, Choice, type GoodCandidate, reward } from "../stages/em/records.ts";
import { type Round, roundsJournal } from "../stages/em/round.ts";
import { labelsJournal } from "../stages/selfplay/label.ts";
import { rolloutsJournal } from "../stages/selfplay/rollout.ts";
import { pairsOfRound } from "../stages/selfplay/round.ts";
import { tasksJournal } from "../stages/selfplay/tasks.ts";
import { type Synthesized, synthesized } from "../stages/synthesized.ts";

export interface ReportMaterial {
  folder: string;
  config: Config;
  versions: Record<string, string>;
  usage: UsageLine[];
  summary: Summary;
  controls: { name: string; rounds: Round[] }[];
  /** A few pairs of the last round with all their candidates, the chosen marked. */
  contests: Contest[];
  /** The first problems that were asked for, with every verdict. */
  sample: Synthesized[];
  /** The first preference pairs of the first round of self-play. */
  duels: Duel[];
}

export interface Duel {
  problem: string;
  answer: string;
  chosen: string;
  rejected: string;
}

export interface Contest {
  pairId: string;
  problem: string;
  concepts: readonly string[];
  entries: { candidate: GoodCandidate; reward: number; weight: number }[];
  malformed: number;
}

const CONTESTS = 3;
export const SAMPLE = 12;
const DUELS = 3;

export async function reportMaterial(folder: string): Promise<ReportMaterial> {
  const { manifest, config } = await readRun(folder);
  const summary = await summarise(folder);
  const controls = await Promise.all(
    config.em.controls.map(async (name) => ({
      name,
      rounds: await recordsIfAny(controlFolder(folder, name), roundsJournal("em")),
    })),
  );
  const last = summary.em.rounds.at(-1)?.round ?? 0;
  return {
    usage: await readUsage(folder),
    ...{ folder: join(folder), config, versions: { ...manifest.versions }, summary, controls },
    contests: last === 0 ? [] : await contests(folder, last),
    sample: await firstOf(synthesized({ folder }), SAMPLE),
    duels: await duels(folder),
  };
}

async function firstOf<T>(entries: AsyncIterable<T>, count: number): Promise<T[]> {
  const first: T[] = [];
  for await (const entry of entries) {
    if (first.push(entry) === count) break;
  }
  return first;
}

/** The first preference pairs of the first round of self-play, in words. */
export async function duels(folder: string): Promise<Duel[]> {
  const name = "selfplay/round-1";
  const pairs = (await recordsIfAny(folder, pairsOfRound(name))).slice(0, DUELS);
  if (pairs.length === 0) return [];
  const choices = await recordsIfAny(folder, tasksJournal);
  const problems = new Map(choices.flatMap((choice) => (choice.kept ? [[choice.task.id, choice.task.problem]] : [])));
  const labels = new Map((await recordsIfAny(folder, labelsJournal("selfplay"))).map((one) => [one.taskId, one]));
  const rollouts = new Map((await recordsIfAny(folder, rolloutsJournal(name))).map((one) => [one.id, one]));
  const text = (id: string) => {
    const rollout = rollouts.get(id);
    return rollout?.ok ? rollout.text : "";
  };
  return pairs.map(({ taskId, chosen, rejected }) => {
    const label = labels.get(taskId);
    const gold = label !== undefined && label.source !== "quarantine" ? label.gold : undefined;
    const answer = gold?.kind === "answer" ? gold.answer : "its tests";
    return { problem: problems.get(taskId) ?? "", answer, chosen: text(chosen), rejected: text(rejected) };
  });
}

async function contests(folder: string, round: number): Promise<Contest[]> {
  const at = (journal: string) => `em/round-${round}/${journal}`;
  const candidates = await recordsIfAny(folder, { journal: at("candidates"), schema: Candidate, version: 1 });
  const choices = await recordsIfAny(folder, { journal: at("choices"), schema: Choice, version: 1 });
  const pairs = new Map((await recordsIfAny(folder, pairsJournal)).map((pair) => [pair.id, pair]));
  const weights = new Map(
    choices.flatMap(({ chosen }) => chosen.map(({ candidateId, weight }) => [candidateId, weight])),
  );
  return choices.slice(0, CONTESTS).map(({ pairId }): Contest => {
    const own = candidates.filter((candidate) => candidate.pairId === pairId);
    const entries = own
      .flatMap((candidate) => (candidate.ok ? [candidate] : []))
      .map((candidate) => ({ candidate, reward: reward(candidate), weight: weights.get(candidate.id) ?? 0 }))
      .sort((a, b) => b.reward - a.reward);
    const pair = pairs.get(pairId);
    return {
      pairId,
      problem: pair?.problem ?? "",
      concepts: pair?.concepts ?? [],
      entries,
      malformed: own.length - entries.length,
    };
  });
}
