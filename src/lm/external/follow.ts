/** What transformers' Trainer, and so TRL, prints and keeps: log lines as they come, and the state in its checkpoints. Runs nothing. */
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { PromptCotError } from "../../core/errors.ts";
import type { WorkEvent } from "../../core/events.ts";
import { exists } from "../../journal/files.ts";
import { refusal } from "./job.ts";

/**
 * The numbers of a log line, or undefined if it is none. The line is a Python dictionary as `print` shows it; values are numbers or
 * texts of numbers, rounded to four digits.
 */
export function parseLogLine(line: string): Map<string, number> | undefined {
  const text = line.trim();
  if (!(text.startsWith("{'") && text.endsWith("}"))) return undefined;
  const numbers = new Map<string, number>();
  for (const [, key = "", quoted, bare] of text.matchAll(/'([^']+)': (?:'([^']*)'|([^,}]+))/g)) {
    const value = (quoted ?? bare ?? "").trim();
    numbers.set(key, /^[+-]?(nan|inf)$/i.test(value) ? Number.NaN : Number(value));
  }
  return numbers;
}

export interface FollowOptions {
  /** Steps that were done before this start. */
  done: number;
  /** Steps of the whole job, if they can be told beforehand. */
  total: number | undefined;
  epochs: number;
  onEvent: ((event: WorkEvent) => void) | undefined;
}

/**
 * Turns log lines into events.
 * @throws PromptCotError `trainer`/`diverged` on a loss or a gradient that is not finite; `other-steps` where the course of epochs shows
 * another batch than the job's
 */
export function follower(options: FollowOptions): (line: string) => void {
  let step = options.done;
  let tokens = 0;
  return (line) => {
    const found = parseLogLine(line);
    const loss = found?.get("loss");
    if (found === undefined || loss === undefined || !found.has("learning_rate")) return;
    step++;
    const gradNorm = found.get("grad_norm") ?? 0;
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
      const message = `the loss of step ${step} is ${loss}, or its gradient is not finite`;
      throw refusal("diverged", message, "lower the learning rate, or lengthen the warm-up");
    }
    const read = found.get("num_tokens") ?? 0;
    const epoch = found.get("epoch") ?? 0;
    if (options.total !== undefined) checkPace(step, epoch, options.total, options.epochs);
    options.onEvent?.({
      kind: "train-step",
      step,
      steps: options.total ?? Math.max(step, Math.round((step / (epoch || 1)) * options.epochs)),
      ...{ loss, gradNorm, learningRate: found.get("learning_rate") ?? 0 },
      tokens: Math.max(0, read - tokens),
    });
    tokens = Math.max(tokens, read);
  };
}

/** The last batch of an epoch may be much smaller than the others, so a step's epoch is off by up to a step. */
function checkPace(step: number, epoch: number, total: number, epochs: number): void {
  const expected = (step * epochs) / total;
  if (Math.abs(epoch - expected) > (1.01 * epochs) / total + 0.01 * expected) throw otherSteps(step, epoch, total);
}

/** A job whose trainer took other batches than it was told: fewer processes started, or one spread over several devices. */
function otherSteps(step: number, epoch: number, total: number): PromptCotError {
  return refusal(
    "other-steps",
    `step ${step} of a job of ${total} ended at epoch ${epoch}: the trainer's batches are not the job's`,
    "see whether as many training processes start as `processes` says, each with one device",
  );
}

/** @throws PromptCotError `trainer`/`other-steps` if a finished run took another number of steps than its job has */
export function checkSteps({ step }: TrainerState, total: number | undefined, epochs: number): void {
  if (total !== undefined && step !== total) throw otherSteps(step, epochs, total);
}

const State = z.looseObject({
  global_step: z.int().nonnegative(),
  log_history: z.array(z.looseObject({ step: z.int(), loss: z.number().optional() })),
});

export interface TrainerState {
  folder: string;
  step: number;
  /** Mean loss of each step so far. */
  losses: number[];
  /** All that was logged, step by step. */
  history: readonly Readonly<Record<string, unknown>>[];
}

/**
 * The last whole checkpoint of a run, by its state file, which the trainer writes after all else. Later ones, torn by a kill, are
 * removed, since the trainer would trip over them.
 */
export async function lastCheckpoint(output: string): Promise<TrainerState | undefined> {
  if (!(await exists(output))) return undefined;
  const steps = (await readdir(output))
    .flatMap((name) => /^checkpoint-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
  for (const step of steps) {
    const folder = join(output, `checkpoint-${step}`);
    const state = State.safeParse(await stateIn(folder));
    if (state.success && state.data.global_step === step) {
      const losses = state.data.log_history.flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
      return { folder, step, losses, history: state.data.log_history };
    }
    await rm(folder, { recursive: true, force: true });
  }
  return undefined;
}

async function stateIn(folder: string): Promise<unknown> {
  try {
    // Python writes NaN where a run diverged, which JSON does not know.
    return JSON.parse((await readFile(join(folder, "trainer_state.json"), "utf8")).replaceAll(/\bNaN\b/g, "null"));
  } catch {
    return undefined;
  }
}
