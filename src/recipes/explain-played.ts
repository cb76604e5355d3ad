/**
 * Where a row comes from that a solver made of a problem, or a teacher: an attempt, a preference pair, a trace; and the problem that
 * was attempted, with its label and what every round found. Back to whoever wrote the problem.
 */
import type { Json } from "../core/hash.ts";
import type { Manifest } from "../journal/run.ts";
import { type Trace, tracesJournal } from "../stages/distill.ts";
import { TrainingRecord } from "../stages/em/records.ts";
import { labelsJournal } from "../stages/selfplay/label.ts";
import type { Graded, Label, PreferencePair, Rollout } from "../stages/selfplay/records.ts";
import { gradedJournal } from "../stages/selfplay/reward.ts";
import { rolloutsJournal } from "../stages/selfplay/rollout.ts";
import { difficultyOfRound, pairsOfRound } from "../stages/selfplay/round.ts";
import { tasksJournal } from "../stages/selfplay/tasks.ts";
import { type JournalKind, recordsSoFar } from "../stages/stage.ts";
import type { Config } from "./config.ts";
import { type Fact, type Facts, facts, factsOfWritten } from "./explain-facts.ts";
import { DISTILLATION, SELF_PLAY } from "./played.ts";
import { problemsFolder } from "./pocket-selfplay.ts";
import { type AnyConfig, writesProblems } from "./run-config.ts";
import { recordsIfAny } from "./summary.ts";
import { taskOrigins } from "./task-origins.ts";

interface Run {
  manifest: Manifest;
  config: AnyConfig;
}

/** Histories of the rows with this id; if there is none, of those whose ids begin so. More than two are not told. */
export async function explainPlayed(folder: string, id: string, run: Run): Promise<Fact[][]> {
  const found = await Array.fromAsync(histories({ folder, id, run }));
  const exact = found.filter(({ own }) => own === id);
  const wanted = exact.length > 0 ? exact : found.slice(0, 2); // an id that is not unique is refused anyway
  return Promise.all(wanted.map(async ({ told }) => facts(await told())));
}

interface Wanted {
  folder: string;
  id: string;
  run: Run;
}

async function* histories(wanted: Wanted): AsyncGenerator<{ own: string; told: () => Promise<Facts> }> {
  const { folder, id } = wanted;
  for await (const choice of recordsSoFar({ folder }, tasksJournal)) {
    const own = choice.kept ? choice.task.id : choice.id;
    if (own.startsWith(id)) yield { own, told: () => factsOfTask(wanted, own) };
  }
  for (let round = 1; await isPlayed(folder, round); round++) {
    const name = nameOf(round);
    for await (const pair of recordsSoFar({ folder }, pairsOfRound(name)))
      if (pair.id.startsWith(id)) yield { own: pair.id, told: () => factsOfPair(wanted, round, pair) };
    for await (const rollout of recordsSoFar({ folder }, rolloutsJournal(name)))
      if (rollout.id.startsWith(id)) yield { own: rollout.id, told: () => factsOfAttempt(wanted, round, rollout) };
  }
  for await (const trace of recordsSoFar({ folder }, tracesJournal(DISTILLATION))) {
    if (trace.id.startsWith(id)) yield { own: trace.id, told: () => factsOfTrace(wanted, trace) };
  }
}

async function factsOfTrace(wanted: Wanted, trace: Trace): Promise<Facts> {
  const { id, taskId, text } = trace;
  const how = trace.kept ? { verdict: "kept", tokens: trace.tokens } : { verdict: `dropped: ${trace.reason}` };
  return {
    ...{ id, "is a": "teacher's solution", text, ...how, sampling: samplingOf(wanted.run.config) },
    ...asked(await factsOfTask(wanted, taskId)),
  };
}

const nameOf = (round: number): string => `${SELF_PLAY}/round-${round}`;

async function isPlayed(folder: string, round: number): Promise<boolean> {
  return (await first(folder, rolloutsJournal(nameOf(round)), () => true)) !== undefined;
}

async function first<T>(folder: string, kind: JournalKind<T>, fits: (record: T) => boolean): Promise<T | undefined> {
  for await (const record of recordsSoFar({ folder }, kind)) if (fits(record)) return record;
  return undefined;
}

async function factsOfPair(wanted: Wanted, round: number, { id, taskId, ...sides }: PreferencePair): Promise<Facts> {
  const { folder, run } = wanted;
  const attempts = new Map<string, Json>();
  for await (const rollout of recordsSoFar({ folder }, rolloutsJournal(nameOf(round))))
    if (rollout.id === sides.chosen || rollout.id === sides.rejected)
      attempts.set(rollout.id, await told(folder, round, rollout));
  return {
    ...{ id, "is a": `preference pair of round ${round}` },
    ...{ chosen: attempts.get(sides.chosen), rejected: attempts.get(sides.rejected) },
    ...(await sampled(folder, run.config, round)),
    ...asked(await factsOfTask(wanted, taskId)),
  };
}

async function factsOfAttempt(wanted: Wanted, round: number, rollout: Rollout): Promise<Facts> {
  const { folder, run } = wanted;
  const { id, taskId, index } = rollout;
  const pairs = (await recordsIfAny(folder, pairsOfRound(nameOf(round)))).flatMap((pair) => {
    if (pair.chosen !== id && pair.rejected !== id) return [];
    return [`${pair.id} (as the ${pair.chosen === id ? "right" : "wrong"} one)`];
  });
  const { id: _, ...what } = await told(folder, round, rollout);
  return {
    ...{ id, "is a": `attempt ${index} of round ${round}`, ...what, pairs: pairs.length === 0 ? "in none" : pairs },
    ...(await sampled(folder, run.config, round)),
    ...asked(await factsOfTask(wanted, taskId)),
  };
}

/** An attempt with what the grader says of it. */
async function told(folder: string, round: number, rollout: Rollout): Promise<{ [name: string]: Json }> {
  const graded = await first(folder, gradedJournal(nameOf(round)), ({ rolloutId }) => rolloutId === rollout.id);
  if (!rollout.ok) return { id: rollout.id, failed: rollout.reason };
  const { id, text, tokens, truncated } = rollout;
  return { id, text, tokens, ...(truncated ? { truncated } : {}), ...(graded === undefined ? {} : said(graded)) };
}

function said({ verdict: { verdict, stage, reason }, invalid }: Graded): { [name: string]: Json } {
  const why = reason === "" ? `at ${stage}` : `at ${stage}: ${reason}`;
  return { verdict: `${verdict} (${why})`, ...(invalid === null ? {} : { "unfit to be taught": invalid }) };
}

/** Which model attempted, how it was sampled, and what its attempts then taught. */
async function sampled(folder: string, config: AnyConfig, round: number): Promise<Facts> {
  const trained = (name: string) =>
    first(folder, { journal: `training/${name}`, schema: TrainingRecord, version: 1 }, () => true);
  const before = round === 1 ? await startOf(trained) : await trained(nameOf(round - 1));
  const start = writesProblems(config) ? undefined : config.model.from;
  const after = await trained(nameOf(round));
  return {
    "attempted by": before === undefined ? start : `${before.checkpoint} (${before.hash})`,
    sampling: samplingOf(config),
    taught: after === undefined ? undefined : `${after.checkpoint} (${after.hash}), ${after.steps} steps`,
  };
}

/** The last part of the pocket solver's own training; a model that was given has none. */
async function startOf(trained: (name: string) => Promise<TrainingRecord | undefined>) {
  let last: TrainingRecord | undefined;
  for (let part = 1; ; part++) {
    const record = await trained(`${SELF_PLAY}/solver/part-${part}`);
    if (record === undefined) return last;
    last = record;
  }
}

function samplingOf(config: AnyConfig): Json | undefined {
  if (config.recipe === "math-sft") return config.teacher.attempts;
  return config.recipe === "seeds" ? undefined : config.selfPlay.attempts;
}

/** Facts of a task as those of the problem that a row answers. */
function asked({ id, ...rest }: Facts): Facts {
  return { task: id, ...rest };
}

/** The problem, where it comes from, its label, and what every round found. */
async function factsOfTask({ folder, run: { manifest, config } }: Wanted, id: string): Promise<Facts> {
  const choice = await first(folder, tasksJournal, (one) => (one.kept ? one.task.id : one.id) === id);
  const label = await first(folder, labelsJournal(SELF_PLAY), ({ taskId }) => taskId === id);
  return {
    id,
    ...(choice?.kept ? { problem: choice.task.problem } : {}),
    ...(await originOf(folder, manifest, config, id)),
    ...(choice !== undefined && !choice.kept ? { "not attempted": choice.reason } : {}),
    label: label && labelOf(label),
    ...(await roundsOf(folder, id)),
  };
}

async function originOf(folder: string, manifest: Manifest, config: AnyConfig, id: string): Promise<Facts> {
  const { byId, missing } = await taskOrigins(folder, manifest, config);
  const origin = byId.get(id);
  if (origin === undefined) return { "comes from": missing };
  if (origin.kind === "row") {
    const { id: _, problem: __, tests: ___, ...columns } = origin.row;
    return { "comes from": origin.place, ...(columns as Facts) };
  }
  const { written } = origin;
  return {
    "comes from": `written for the solver, ${problemsFolder("")}/journal/synthesis/written`,
    ...(await factsOfWritten(folder, written.problem)),
    ...(writesProblems(config) ? { "problem sampling": drawingOf(config.synthesize) } : {}),
  };
}

function drawingOf({ temperature, topP, maxTokens }: Config["synthesize"]): Json {
  return { temperature, topP, maxTokens };
}

function labelOf(label: Label): Json {
  switch (label.source) {
    case "given":
      return { ...shown(label.gold), by: "the problem's row" };
    case "majority": {
      const { votes, generations, margin, clusters } = label.ballot;
      const answers = clusters.map(({ answer, count }) => `${answer} (${count})`).join(", ");
      return { ...shown(label.gold), by: `${votes} votes of ${generations} generations`, answers, margin };
    }
    case "tests":
      return { ...shown(label.gold), by: "validated tests", evidence: label.evidence, "tests dropped": label.rejected };
    case "quarantine": {
      const answers = label.ballot?.clusters.map(({ answer, count }) => `${answer} (${count})`).join(", ");
      return { quarantine: label.reason, ...(answers === undefined ? {} : { answers }) };
    }
    default:
      return label satisfies never;
  }
}

function shown(gold: Exclude<Label, { source: "quarantine" }>["gold"]): { [name: string]: Json } {
  return gold.kind === "answer" ? { answer: gold.answer } : { tests: gold.tests.length };
}

async function roundsOf(folder: string, id: string): Promise<Facts> {
  const found: Facts = {};
  for (let round = 1; await isPlayed(folder, round); round++) {
    const sifted = await first(folder, difficultyOfRound(nameOf(round)), ({ taskId }) => taskId === id);
    if (sifted === undefined) continue;
    const { correct, decided, unknown, dropped } = sifted;
    const doubt = unknown === 0 ? "" : `, ${unknown} undecided`;
    found[`round ${round}`] =
      `${correct} of ${decided} attempts right${doubt}; ${dropped === null ? "kept" : `dropped: ${dropped}`}`;
  }
  return found;
}
