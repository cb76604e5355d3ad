/**
 * A run's harvest as rows, for export: curated problems, preference pairs of self-play, right solutions. Read from the journals as
 * streams; decides nothing that the stages have not decided.
 */

import { barChart, standalone } from "../analyses/chart.ts";
import type { Problem } from "../core/records.ts";
import type { CardInput } from "../curate/export/card.ts";
import type { Need } from "../curate/export/formats.ts";
import { type Row, textAt } from "../rows/row.ts";
import { labelsJournal } from "../stages/selfplay/label.ts";
import {
  type Gold,
  type GoodRollout,
  PreferencePair as PairSchema,
  type PreferencePair,
} from "../stages/selfplay/records.ts";
import { gradedJournal } from "../stages/selfplay/reward.ts";
import { rolloutsJournal } from "../stages/selfplay/rollout.ts";
import { selfPlayJournal } from "../stages/selfplay/round.ts";
import { tasksJournal } from "../stages/selfplay/tasks.ts";
import { recordsSoFar } from "../stages/stage.ts";
import { synthesized } from "../stages/synthesized.ts";
import type { Config } from "./config.ts";
import { readRun } from "./run-config.ts";
import { type Summary, summarise } from "./summary.ts";

const SELF_PLAY = "selfplay";

/** What a row of a run is: a curated problem, or one of self-play's tasks with what was made of it. */
export type Harvest = "problems" | "pairs" | "solutions";

function harvestFor(needs: readonly Need[]): Harvest {
  if (needs.includes("chosen") || needs.includes("rejected")) return "pairs";
  return needs.includes("response") ? "solutions" : "problems";
}

export interface OpenHarvest {
  harvest: Harvest;
  rows(): AsyncIterable<{ row: Row; text: string }>;
  card: Partial<CardInput>;
  /** SVG: what became of the problems asked for. */
  chart: string;
}

/** @throws PromptCotError `data` where there is no run */
export async function openHarvest(folder: string, needs: readonly Need[]): Promise<OpenHarvest> {
  const summary = await summarise(folder);
  const { config } = await readRun(folder);
  const harvest = harvestFor(needs);
  return {
    harvest,
    card: runCard(summary, config),
    chart: standalone(funnelChart(summary.funnel)),
    async *rows() {
      for await (const row of harvestRows({ folder }, harvest)) {
        const text = textAt(row, "problem");
        if (text !== undefined) yield { row, text };
      }
    },
  };
}

function funnelChart({ asked, steps }: Summary["funnel"]): string {
  const bar = (name: string, value: number, colour: 1 | "muted") => ({
    name,
    value,
    colour,
    text: value.toLocaleString("en"),
  });
  const bars = [bar("asked for", asked, "muted"), ...steps.map(({ step, left }) => bar(`left after ${step}`, left, 1))];
  return barChart({ label: "What became of the problems asked for", x: "problems", bars });
}

/** Rows with id, problem and what the harvest is about; `id` is the problem's, for `promptcot explain`. */
function harvestRows(run: { folder: string }, harvest: Harvest): AsyncGenerator<Row> {
  switch (harvest) {
    case "problems":
      return problemRows(run);
    case "pairs":
      return pairRows(run);
    case "solutions":
      return solutionRows(run);
    default:
      return harvest satisfies never;
  }
}

async function* problemRows(run: { folder: string }): AsyncGenerator<Row> {
  const gold = await answers(run);
  for await (const { written, curation, reading } of synthesized(run)) {
    if (!written.ok || !curation?.kept) continue;
    const answer = written.problem.answer ?? gold.get(written.problem.id) ?? reading?.answer;
    yield { ...problemRow(written.problem), ...(answer === undefined ? {} : { answer }) };
  }
}

function problemRow({ id, problem, concepts, level, rationale, model, seed }: Problem): Row {
  return { id, problem, concepts, ...(level === undefined ? {} : { level }), rationale, model, seed };
}

/** task id → its believed answer. Tests are no answer. */
async function answers(run: { folder: string }): Promise<Map<string, string>> {
  const answer = (gold: Gold) => (gold.kind === "answer" ? gold.answer : undefined);
  const found = new Map<string, string>();
  for await (const label of recordsSoFar(run, labelsJournal(SELF_PLAY))) {
    const believed = label.source === "quarantine" ? undefined : answer(label.gold);
    if (believed !== undefined) found.set(label.taskId, believed);
  }
  return found;
}

async function* pairRows(run: { folder: string }): AsyncGenerator<Row> {
  const tasks = await taskTexts(run);
  const gold = await answers(run);
  for await (const round of rounds(run)) {
    const pairs = new Map<string, PreferencePair[]>();
    for await (const pair of recordsSoFar(run, { journal: `${round}/pairs`, schema: PairSchema, version: 1 }))
      pairs.set(pair.taskId, [...(pairs.get(pair.taskId) ?? []), pair]);
    for await (const { taskId, rollouts } of rolloutsByTask(run, round)) {
      const text = (id: string) => rollouts.find((rollout) => rollout.id === id)?.text;
      for (const { id, chosen, rejected } of pairs.get(taskId) ?? []) {
        const sides = { chosen: text(chosen), rejected: text(rejected) };
        yield { id: taskId, pair: id, round, problem: tasks.get(taskId), answer: gold.get(taskId), ...sides };
      }
    }
  }
}

/** Attempts that the grader calls right, that are whole and of valid form; one of each text a task. */
async function* solutionRows(run: { folder: string }): AsyncGenerator<Row> {
  const tasks = await taskTexts(run);
  const gold = await answers(run);
  for await (const round of rounds(run)) {
    const right = new Set<string>();
    for await (const { rolloutId, verdict, invalid } of recordsSoFar(run, gradedJournal(round)))
      if (verdict.verdict === "correct" && invalid === null) right.add(rolloutId);
    for await (const { taskId, rollouts } of rolloutsByTask(run, round)) {
      const texts = new Map(
        rollouts.filter(({ id, truncated }) => right.has(id) && !truncated).map(({ id, text }) => [text, id]),
      );
      for (const [response, rollout] of texts)
        yield { id: taskId, rollout, round, problem: tasks.get(taskId), answer: gold.get(taskId), response };
    }
  }
}

async function* rounds(run: { folder: string }): AsyncGenerator<string> {
  for await (const { round, work } of recordsSoFar(run, selfPlayJournal(SELF_PLAY)))
    if (work !== null) yield `${SELF_PLAY}/round-${round}`;
}

/** The journal holds each task's attempts side by side. */
async function* rolloutsByTask(
  run: { folder: string },
  round: string,
): AsyncGenerator<{ taskId: string; rollouts: GoodRollout[] }> {
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

async function taskTexts(run: { folder: string }): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const choice of recordsSoFar(run, tasksJournal)) {
    if (choice.kept) texts.set(choice.task.id, choice.task.problem);
  }
  return texts;
}

/** What the dataset card says of a run, but for files and format. */
function runCard(summary: Summary, config: Config): Partial<CardInput> {
  const { against, ngram } = config.curate.decontaminate;
  const { funnel } = summary;
  const dropped = (step: string) =>
    funnel.reasons.filter((reason) => reason.step === step).map(({ reason, count }) => ({ reason, count }));
  const writer =
    "from" in config.model
      ? config.model.from
      : `a ${config.model.architecture} model trained from scratch by this run`;
  return {
    description: `Problems written by PromptCoT 2.0 (recipe ${config.recipe}, scale ${config.scale}, seed ${config.seed}), from concepts through a rationale.`,
    licence: "other",
    funnel: [
      { step: "asked for", kept: funnel.asked, dropped: [] },
      ...funnel.steps.map(({ step, left }) => ({ step, kept: left, dropped: dropped(step) })),
    ],
    seeds: [
      config.recipe === "pocket"
        ? { name: "generated by promptcot's pocket domain", licence: "MIT", rows: config.seeds.count }
        : { name: config.seeds.file, licence: "not stated: name it with --card" },
    ],
    models: [{ role: "writes rationale and problem", name: writer }],
    ...(against.length === 0
      ? {}
      : {
          decontamination: {
            ngram,
            benchmarks: against.map((path) => path.split("/").at(-1) as string),
            dropped: funnel.steps.find(({ step }) => step === "decontamination")?.dropped ?? 0,
          },
        }),
  };
}
