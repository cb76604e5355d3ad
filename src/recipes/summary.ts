/** All numbers of a run, read back from its journals into `summary.json`. Computes nothing that the journals do not say. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { Funnel, funnelTally } from "../analyses/funnel.ts";
import { qualityTally, SynthesisQuality } from "../analyses/synthesis.ts";
import { writeFileAtomic } from "../journal/files.ts";
import { annotationsJournal } from "../stages/annotate.ts";
import { Gate } from "../stages/coldstart.ts";
import { SetSource, setSourceJournal } from "../stages/concept-sets.ts";
import { Alarm, RoundStatistics } from "../stages/em/alarms.ts";
import { RoundMeasure, roundMeasure } from "../stages/em/measure.ts";
import { RoundNoise } from "../stages/em/noise.ts";
import { Measurement } from "../stages/em/records.ts";
import { roundsJournal } from "../stages/em/round.ts";
import { type JournalKind, recordsSoFar } from "../stages/stage.ts";
import { CURATION_STEPS, dropOf, synthesized } from "../stages/synthesized.ts";
import { putAsideJournal } from "../stages/within-context.ts";
import { pocketTruth } from "./pocket-solver.ts";
import { readRun } from "./run-config.ts";
import { rejectedJournal } from "./seeds.ts";
import { SelfPlaySummary, selfPlaySummary } from "./selfplay-summary.ts";

export const Summary = z.strictObject({
  recipe: z.string(),
  scale: z.string(),
  seed: z.number(),
  /** Wall-clock seconds of all acts, resumed ones included. */
  seconds: z.number(),
  acts: z.array(z.strictObject({ act: z.string(), seconds: z.number() })),
  /** `putAside`: triples too long for the models' context, or otherwise unfit to be taught. */
  annotations: z.strictObject({ triples: z.number(), failed: z.number(), putAside: z.number() }),
  /** Rows of the user's file that could not be used. */
  seedsRejected: z.number(),
  coldStart: Gate.nullable(),
  em: z.strictObject({
    rounds: z.array(
      RoundMeasure.extend({
        round: z.number(),
        statistics: RoundStatistics.nullable(),
        noise: RoundNoise.optional(),
        alarms: z.array(Alarm),
      }),
    ),
  }),
  /** Test pairs, read once at the end: with the models of the cold start, and with those of EM. */
  test: z.strictObject({ before: RoundMeasure, after: RoundMeasure }).nullable(),
  /** Where the concept sets came from; null if the run has not come so far. */
  concepts: SetSource.nullable(),
  synthesis: SynthesisQuality,
  /** What became of the problems asked for: every step of curation, with reasons and examples. */
  funnel: Funnel,
  /** What a solver made of the problems; null if there was no self-play. */
  selfPlay: SelfPlaySummary.nullable(),
});
export type Summary = z.infer<typeof Summary>;

const gateJournal = { journal: "coldstart/gate", schema: Gate, version: 1 };
export const testJournal = (when: "before" | "after") => ({ journal: `test/${when}`, schema: Measurement, version: 1 });

/** Reads the run in `folder`; stages that have not run are empty or null. @throws PromptCotError where there is no run */
export async function summarise(folder: string): Promise<Summary> {
  const { config } = await readRun(folder);
  const read = <T>(kind: JournalKind<T>) => recordsIfAny(folder, kind);
  const annotated = await read(annotationsJournal);
  const rounds = await read(roundsJournal("em"));
  const [gate] = await read(gateJournal);
  const [before, after] = [await read(testJournal("before")), await read(testJournal("after"))];
  const acts = await readActs(folder);
  return {
    recipe: config.recipe,
    scale: config.scale,
    seed: config.seed,
    seconds: acts.reduce((sum, { seconds }) => sum + seconds, 0),
    acts,
    annotations: {
      triples: annotated.filter(({ ok }) => ok).length,
      failed: annotated.filter(({ ok }) => !ok).length,
      putAside: (await read(putAsideJournal)).length,
    },
    seedsRejected: (await read(rejectedJournal)).length,
    coldStart: gate ?? null,
    em: {
      rounds: rounds.map(({ measure, q: _, p: __, ...round }) => ({ ...measure, ...round })),
    },
    test: after.length === 0 ? null : { before: roundMeasure(before), after: roundMeasure(after) },
    concepts: (await read(setSourceJournal))[0] ?? null,
    ...(await synthesisOf(folder, config.recipe === "pocket")),
    selfPlay: await selfPlaySummary(folder, config.recipe === "pocket" ? pocketTruth : undefined),
  };
}

/** Writes `summary.json` and returns what is in it. */
export async function writeSummary(folder: string): Promise<Summary> {
  const summary = await summarise(folder);
  await writeFileAtomic(join(folder, "summary.json"), `${JSON.stringify(summary, null, 2)}\n`);
  return summary;
}

async function synthesisOf(folder: string, hasOracle: boolean): Promise<Pick<Summary, "synthesis" | "funnel">> {
  const quality = qualityTally(hasOracle);
  const funnel = funnelTally(CURATION_STEPS);
  for await (const entry of synthesized({ folder })) {
    const { written, curation, reading } = entry;
    quality.add({
      asked: written.ok ? written.problem.concepts : written.concepts,
      written: written.ok,
      duplicate: curation !== undefined && curation.duplicate !== null,
      kept: curation?.kept === true,
      reading: reading ?? null,
    });
    funnel.add(dropOf(entry));
  }
  return { synthesis: quality.quality(), funnel: funnel.funnel() };
}

/** All records of a journal, none if the run has not come so far. */
export async function recordsIfAny<T>(folder: string, kind: JournalKind<T>): Promise<T[]> {
  return Array.fromAsync(recordsSoFar({ folder }, kind));
}

const ActTime = z.object({ event: z.literal("act"), act: z.string(), seconds: z.number() });

/** Seconds by act, summed over resumes, in the order in which acts first ended. */
async function readActs(folder: string): Promise<{ act: string; seconds: number }[]> {
  const text = await readFile(join(folder, "times.jsonl"), "utf8").catch(() => "");
  const acts = new Map<string, number>();
  for (const line of text.split("\n")) {
    // The file is appended to without ceremony: its last line may be torn.
    const entry = ActTime.safeParse(tryJson(line));
    if (entry.success) acts.set(entry.data.act, (acts.get(entry.data.act) ?? 0) + entry.data.seconds);
  }
  return [...acts].map(([act, seconds]) => ({ act, seconds }));
}

function tryJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
