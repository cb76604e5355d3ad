/** What a formal domain's oracle says of each written problem: exact measures of synthesis. Rejects nothing. */
import { z } from "zod";
import type { Problem } from "../core/records.ts";
import type { Oracle } from "../domains/contract.ts";
import type { JournalReader } from "../journal/journal.ts";
import { type Items, journaled, type StageContext } from "./stage.ts";

export const ProblemReading = z.strictObject({
  problemId: z.string(),
  grammatical: z.boolean(),
  valid: z.boolean(),
  reason: z.string(),
  concepts: z.array(z.string()),
  steps: z.number().int(),
  answer: z.string().optional(),
  skeleton: z.string(),
  /** Whether every concept that was asked for is used. */
  allConcepts: z.boolean(),
  /** Whether no seed has this skeleton. */
  novel: z.boolean(),
});
export type ProblemReading = z.infer<typeof ProblemReading>;

export const readingsJournal = { journal: "synthesis/readings", schema: ProblemReading, version: 1 };

export async function readProblems(
  context: StageContext,
  options: { oracle: Oracle; problems: Items<Problem>; seedSkeletons: ReadonlySet<string>; shardSize: number },
): Promise<JournalReader<ProblemReading>> {
  return journaled(context, {
    ...readingsJournal,
    items: options.problems,
    shardSize: options.shardSize,
    unit: "problems",
    worker: async (shard) =>
      shard.items.map(({ id, problem, concepts }): ProblemReading => {
        const reading = options.oracle.read(problem);
        const used = reading.kind === "ungrammatical" ? [] : [...reading.concepts];
        return {
          problemId: id,
          grammatical: reading.kind !== "ungrammatical",
          valid: reading.kind === "valid",
          reason: reading.kind === "valid" ? "" : reading.reason,
          concepts: used,
          steps: reading.kind === "ungrammatical" ? 0 : reading.steps.length,
          ...(reading.kind === "valid" ? { answer: reading.answer } : {}),
          skeleton: reading.skeleton,
          allConcepts: concepts.every((concept) => used.includes(concept)),
          novel: !options.seedSkeletons.has(reading.skeleton),
        };
      }),
  });
}
