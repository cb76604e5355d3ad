/** What differs between the kinds of jobs that TRL trains. Launches nothing. */
import type { DpoJob, SftJob } from "../contract.ts";
import { type Job, refusal } from "../external/job.ts";
import type { Keys } from "../external/yaml.ts";
import type { ResolvedTrlOptions } from "./options.ts";
import { dpoLine, sftLine } from "./rows.ts";

export interface Task {
  kind: "sft" | "dpo" | "grpo";
  job: Job;
  /** Keys besides those that all kinds share. */
  keys: Keys;
  /** The dataset, a JSON line for each row. */
  lines(): Iterable<string>;
  /** What a row of the job is to TRL's batches: a row, or so many answers. */
  answersPerRow: number;
  /** A script of ours in place of TRL's own. */
  script?: string;
  /** Steps of the whole job, where they can be told beforehand. */
  steps: number | undefined;
  options: ResolvedTrlOptions;
}

export function sftTask(job: SftJob, options: ResolvedTrlOptions, longest: number, steps: number): Task {
  return {
    ...{ kind: "sft", job, options, answersPerRow: 1 },
    keys: { max_length: options.maxLength ?? longest },
    lines: () => job.rows.values().map(sftLine),
    steps: options.extra.packing === true ? undefined : steps,
  };
}

/**
 * DPO from given references. TRL's NLL term is a mean over a micro-batch's tokens, ours over each row's: with one row at a time they
 * are the same.
 * @throws PromptCotError `trainer`/`unfit-job`
 */
export function dpoTask(job: DpoJob, options: ResolvedTrlOptions, longest: number, steps: number): Task {
  const { beta, nllWeight } = job;
  const terms: Keys =
    nllWeight > 0 ? { loss_type: ["sigmoid", "sft"], loss_weights: [1, nllWeight] } : { loss_type: ["sigmoid"] };
  if (nllWeight > 0 && (options.perDeviceBatch ?? 1) !== 1) {
    const message = `an NLL term by TRL needs one row at a time, and perDeviceBatch is ${options.perDeviceBatch}`;
    throw refusal("unfit-job", message, "set perDeviceBatch to 1, or nllWeight to 0");
  }
  return {
    ...{ kind: "dpo", job, steps, script: "dpo.py", answersPerRow: 1 },
    keys: { max_length: options.maxLength ?? longest, beta, precompute_ref_log_probs: true, ...terms },
    lines: () => job.rows.values().map(dpoLine),
    options: nllWeight > 0 ? { ...options, perDeviceBatch: 1 } : options,
  };
}
