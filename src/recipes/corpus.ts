/**
 * A run's harvest as rows, for export: curated problems or attempted tasks, preference pairs of self-play, right solutions. Read from
 * the journals as streams; decides nothing that the stages have not decided.
 */
import { barChart, standalone } from "../analyses/chart.ts";
import type { CardInput } from "../curate/export/card.ts";
import type { Need } from "../curate/export/formats.ts";
import { type Row, textAt } from "../rows/row.ts";
import { synthesized } from "../stages/synthesized.ts";
import { type RunCard, runCard } from "./corpus-card.ts";
import { passRates } from "./pass-rates.ts";
import { answers, playedPairs, solutions, taskTexts } from "./played.ts";
import { type AnyConfig, readAnyRun, writesProblems } from "./run-config.ts";
import { columnsOf, problemRow, taskOrigins } from "./task-origins.ts";

/**
 * What a row of a run is: a curated problem (of a post-training run: a problem that was attempted), or what was made of an
 * attempted problem.
 */
export type Harvest = "problems" | "pairs" | "solutions";

function harvestFor(needs: readonly Need[]): Harvest {
  if (needs.includes("chosen") || needs.includes("rejected")) return "pairs";
  return needs.includes("response") ? "solutions" : "problems";
}

export interface OpenHarvest {
  harvest: Harvest;
  rows(): AsyncIterable<{ row: Row; text: string }>;
  card: Partial<CardInput>;
  /** What became of the problems, or of whatever the rows were made of. */
  chart: { title: string; svg: string };
}

/** @throws PromptCotError `data` where there is no run */
export async function openHarvest(folder: string, needs: readonly Need[]): Promise<OpenHarvest> {
  const { manifest, config } = await readAnyRun(folder);
  const harvest = harvestFor(needs);
  const { card, ...chart } = await runCard(folder, config, harvest);
  return {
    harvest,
    card,
    chart: { title: titleOf(chart), svg: standalone(funnelChart(chart)) },
    async *rows() {
      for await (const row of harvestRows({ folder, manifest, config }, harvest)) {
        const text = textAt(row, "problem");
        if (text !== undefined) yield { row, text };
      }
    },
  };
}

const titleOf = ({ of }: Pick<RunCard, "of">): string => `What became of the ${of}`;

function funnelChart({ funnel: { asked, steps }, of, unit }: Omit<RunCard, "card">): string {
  const bar = (name: string, value: number, colour: 1 | "muted") => ({
    name,
    value,
    colour,
    text: value.toLocaleString("en"),
  });
  const bars = [bar(of, asked, "muted"), ...steps.map(({ step, left }) => bar(`left after ${step}`, left, 1))];
  return barChart({ label: titleOf({ of }), x: unit, bars });
}

type Run = { folder: string; config: AnyConfig } & Pick<Awaited<ReturnType<typeof readAnyRun>>, "manifest">;

/** Rows with `id`, which `promptcot explain` takes, `problem`, and what the harvest is about. */
function harvestRows(run: Run, harvest: Harvest): AsyncGenerator<Row> {
  switch (harvest) {
    case "problems":
      return writesProblems(run.config) ? problemRows(run) : taskRows(run);
    case "pairs":
      return pairRows(run);
    case "solutions":
      return solutionRows(run);
    default:
      return harvest satisfies never;
  }
}

async function* problemRows(run: Run): AsyncGenerator<Row> {
  const gold = await answers(run);
  for await (const { written, curation, reading } of synthesized(run)) {
    if (!written.ok || !curation?.kept) continue;
    const answer = written.problem.answer ?? gold.get(written.problem.id) ?? reading?.answer;
    yield { ...problemRow(written.problem), ...(answer === undefined ? {} : { answer }) };
  }
}

/** The rows of the user's file that became tasks, with the answer that is believed and how often the solver was right. */
async function* taskRows(run: Run): AsyncGenerator<Row> {
  const gold = await answers(run);
  const rates = await passRates(run.folder);
  const { byId } = await taskOrigins(run.folder, run.manifest, run.config);
  for (const [id, problem] of await taskTexts(run)) {
    const answer = gold.get(id);
    yield {
      ...{ ...columnsOf(byId.get(id)), id, problem },
      ...(answer === undefined ? {} : { answer }),
      ...rates.get(id),
    };
  }
}

async function* pairRows(run: Run): AsyncGenerator<Row> {
  const tasks = await taskTexts(run);
  const gold = await answers(run);
  for await (const { id, taskId, round, chosen, rejected } of playedPairs(run))
    yield { id, task: taskId, round, problem: tasks.get(taskId), answer: gold.get(taskId), chosen, rejected };
}

async function* solutionRows(run: Run): AsyncGenerator<Row> {
  const tasks = await taskTexts(run);
  const gold = await answers(run);
  for await (const { id, taskId, round, response } of solutions(run))
    yield { id, task: taskId, round, problem: tasks.get(taskId), answer: gold.get(taskId), response };
}
