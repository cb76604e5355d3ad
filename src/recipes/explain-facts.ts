/** What the histories of rows have in common: facts, and how a problem came to be written. */
import type { Json } from "../core/hash.ts";
import type { Problem } from "../core/records.ts";
import { TrainingRecord } from "../stages/em/records.ts";
import { roundsJournal } from "../stages/em/round.ts";
import { recordsIfAny } from "./summary.ts";

/** One fact of a row's history: what it is called, and what is known. */
export interface Fact {
  name: string;
  value: Json;
}

export interface Facts {
  [name: string]: Json | undefined;
}

/** Facts in their order; what is undefined is not known, and is left out. */
export function facts(values: Facts): Fact[] {
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
}

/** A problem as it was written, by what. */
export async function factsOfWritten(folder: string, written: Problem): Promise<Facts> {
  const { id, concepts, level, rationale, problem, seed, model } = written;
  return {
    ...{ id, concepts, level, rationale, problem },
    ...{ seed, checkpoint: model, "trained by": (await trainings(folder)).get(model) },
  };
}

/** checkpoint hash → the training job that made it. */
async function trainings(folder: string): Promise<Map<string, Json>> {
  const rounds = await recordsIfAny(folder, roundsJournal("em"));
  const cold = await Promise.all(
    ["coldstart/p", "coldstart/q"].map((name) =>
      recordsIfAny(folder, { journal: `training/${name}`, schema: TrainingRecord, version: 1 }),
    ),
  );
  const records = [...cold.flat(), ...rounds.flatMap(({ q, p }) => [q, p].filter((record) => record !== null))];
  return new Map(
    records.map(({ hash, name, checkpoint, steps, targetTokens }) => [hash, { name, checkpoint, steps, targetTokens }]),
  );
}
