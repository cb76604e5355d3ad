/** The journal of rounds: one record each, with all that a round measured. */
import { z } from "zod";
import { Alarm, RoundStatistics } from "./alarms.ts";
import { RoundMeasure } from "./measure.ts";
import { RoundNoise } from "./noise.ts";
import { TrainingRecord } from "./records.ts";

/** Round 0 is the cold start, measured only. */
export const Round = z.strictObject({
  round: z.number().int().nonnegative(),
  measure: RoundMeasure,
  /** Null for round 0 and for the controls without an E-step. */
  statistics: RoundStatistics.nullable(),
  /** What scoring twice found; absent where it was not asked for. */
  noise: RoundNoise.optional(),
  alarms: z.array(Alarm),
  q: TrainingRecord.nullable(),
  p: TrainingRecord.nullable(),
});
export type Round = z.infer<typeof Round>;

/** The journal's place within a run, schema and version. */
export function roundsJournal(name: string) {
  return { journal: `${name}/rounds`, schema: Round, version: 1 };
}
