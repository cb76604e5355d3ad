/** All numbers of a post-training run, read back from its journals into `summary.json`. */
import { join } from "node:path";
import { z } from "zod";
import { PromptCotError } from "../core/errors.ts";
import { writeFileAtomic } from "../journal/files.ts";
import { tracesJournal } from "../stages/distill.ts";
import { TrainingRecord } from "../stages/em/records.ts";
import { recordsSoFar } from "../stages/stage.ts";
import { readAnyRun, writesProblems } from "./run-config.ts";
import { SelfPlaySummary, selfPlaySummary } from "./selfplay-summary.ts";
import type { SolverConfig } from "./solver-config.ts";

export const SolverSummary = z.strictObject({
  recipe: z.string(),
  scale: z.string(),
  seed: z.number(),
  selfPlay: SelfPlaySummary.nullable(),
  /** What became of the teacher's traces, and the training on them. */
  distillation: z
    .strictObject({
      traces: z.number().int(),
      kept: z.number().int(),
      /** Rejects by reason. */
      rejected: z.record(z.string(), z.number().int()),
      /** Mean tokens of prompt and trace, as the student reads them. */
      meanTokens: z.number(),
      training: TrainingRecord.nullable(),
    })
    .nullable(),
});
export type SolverSummary = z.infer<typeof SolverSummary>;

/** @throws as `readAnyRun`; PromptCotError `data`/`other-recipe` for a run that writes problems */
export async function writeSolverSummary(folder: string): Promise<SolverSummary> {
  const { recipe, scale, seed } = await readSolverRun(folder);
  const selfPlay = await selfPlaySummary(folder, undefined);
  const summary = {
    ...{ recipe, scale, seed, distillation: await distillation(folder) },
    selfPlay: recipe === "math-sft" ? null : selfPlay,
  };
  await writeFileAtomic(join(folder, "summary.json"), `${JSON.stringify(summary, null, 2)}\n`);
  return summary;
}

async function readSolverRun(folder: string): Promise<SolverConfig> {
  const { config } = await readAnyRun(folder);
  if (!writesProblems(config)) return config;
  throw new PromptCotError({
    boundary: "data",
    code: "other-recipe",
    message: `${folder} is a run of the recipe ${config.recipe}, which writes problems`,
    next: "name a run of the recipes math-selfplay, code-selfplay or math-sft",
  });
}

async function distillation(folder: string): Promise<SolverSummary["distillation"]> {
  const counts = { traces: 0, kept: 0, tokens: 0 };
  const rejected: Record<string, number> = {};
  for await (const trace of recordsSoFar({ folder }, tracesJournal("distill"))) {
    counts.traces++;
    if (trace.kept) {
      counts.kept++;
      counts.tokens += trace.tokens;
    } else rejected[trace.reason] = (rejected[trace.reason] ?? 0) + 1;
  }
  if (counts.traces === 0) return null;
  const kind = { journal: "training/distill", schema: TrainingRecord, version: 1 };
  const [training] = await Array.fromAsync(recordsSoFar({ folder }, kind));
  const meanTokens = counts.kept === 0 ? 0 : counts.tokens / counts.kept;
  return { traces: counts.traces, kept: counts.kept, rejected, meanTokens, training: training ?? null };
}
