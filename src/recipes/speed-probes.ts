/**
 * How long a backend takes over given work, found out by giving it some: twice, so that what is prepared once is told apart from
 * what each token takes. Chooses neither backends nor work.
 */
import { join } from "node:path";
import type { Backend, Checkpoint, Model, Optimization, ScoreRequest, Trainer, TrainRow } from "../lm/contract.ts";
import type { StageContext } from "../stages/stage.ts";

/** Seconds that a piece of work takes: so many to begin, and so many for each unit. */
export interface Speed {
  start: number;
  /** For each token written (samples), read (scores) or taught (training). */
  perToken: number;
}

/** @param work Returns how many tokens it was over. */
export async function speedOver(
  context: StageContext,
  backend: Backend,
  checkpoint: Checkpoint,
  work: (model: Model) => Promise<number>,
): Promise<Speed> {
  const start = performance.now();
  const model = await backend.open(checkpoint, context);
  const opening = (performance.now() - start) / 1000;
  try {
    const time = async () => {
      const start = performance.now();
      const tokens = await work(model);
      return { tokens: Math.max(1, tokens), seconds: (performance.now() - start) / 1000 };
    };
    context.onEvent?.({ kind: "note", message: "a probe of speed" });
    // The first time includes what is prepared once: compiling, connecting.
    const first = await time();
    const second = await time();
    const perToken = second.seconds / second.tokens;
    return { start: opening + Math.max(0, first.seconds - second.seconds), perToken };
  } finally {
    await model.close();
  }
}

export function scoringSpeed(
  context: StageContext,
  backend: Backend,
  checkpoint: Checkpoint,
  requests: readonly ScoreRequest[],
): Promise<Speed> {
  const tokens = requests.reduce((sum, { prefix, completion }) => sum + prefix.length + completion.length, 0);
  return speedOver(context, backend, checkpoint, async ({ scorer }) => {
    if (scorer === undefined) throw new Error("a scorer that does not score");
    for await (const _ of scorer.score(requests, context));
    return tokens;
  });
}

const STEPS = { short: 2, long: 6 };

/** Two jobs of SFT: the first one shows what is prepared once, the second one the speed. */
export async function trainingSpeed(
  context: StageContext,
  trainer: Trainer,
  job: { name: string; from: Checkpoint; optimization: Optimization },
  rows: (count: number) => TrainRow[],
): Promise<Speed> {
  const optimization = { ...job.optimization, epochs: 1 };
  const time = async (steps: number) => {
    const out = join(context.folder, "speed", `${job.name}-${steps}`);
    const taught = rows(steps * optimization.batchSize);
    const start = performance.now();
    const done = await trainer.sft(
      { from: job.from, out, rows: taught, optimization, optimizer: "fresh", seed: 1 },
      context,
    );
    return { tokens: done.targetTokens, seconds: (performance.now() - start) / 1000 };
  };
  const short = await time(STEPS.short);
  const long = await time(STEPS.long);
  // The long job finds compiled what the short one needed.
  const perToken = long.seconds / Math.max(1, long.tokens);
  return { start: Math.max(0, short.seconds - perToken * short.tokens), perToken };
}
