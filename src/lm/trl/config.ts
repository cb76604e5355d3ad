/** A job as the keys of a TRL config. Writes no files. */
import type { Optimization } from "../contract.ts";
import { splitBatch } from "../external/batches.ts";
import { refusal } from "../external/job.ts";
import type { Keys, Value } from "../external/yaml.ts";
import { type ResolvedTrlOptions, trlIssues } from "./options.ts";
import type { Task } from "./task.ts";

/** Where a job's files lie. */
export interface Places {
  model: string;
  data: string;
  output: string;
  /** A checkpoint of the trainer's own to go on from. */
  resume: string | undefined;
}

/**
 * What all methods share. The schedule is exactly ours: `cosine_warmup_with_min_lr` warms up in equal parts whose last has the full
 * rate, and with a floor of 1 it stays there.
 * @throws PromptCotError `trainer`/`unfit-job` if the batch does not divide or the optimizer's state should be carried
 */
export function commonKeys(
  job: { optimization: Optimization; optimizer: "fresh" | "carry"; seed: number },
  options: ResolvedTrlOptions,
  places: Places,
  answersPerRow: number,
): Keys {
  const { optimization } = job;
  const batchSize = optimization.batchSize * answersPerRow;
  const [issue] = trlIssues(options, { optimization: { batchSize }, optimizer: job.optimizer });
  const split = splitBatch(batchSize, options);
  if (issue !== undefined || typeof split === "string") {
    throw refusal("unfit-job", issue ?? "", "change the config of this fit or of the trainer");
  }
  const { schedule } = optimization;
  const { lora } = options;
  return {
    ...options.extra,
    model_name_or_path: places.model,
    datasets: [{ path: "json", data_files: places.data, split: "train" }],
    output_dir: places.output,
    num_train_epochs: optimization.epochs,
    per_device_train_batch_size: split.perDevice,
    gradient_accumulation_steps: split.accumulation,
    learning_rate: optimization.learningRate,
    lr_scheduler_type: "cosine_warmup_with_min_lr",
    lr_scheduler_kwargs: JSON.stringify({ min_lr_rate: schedule.kind === "constant" ? 1 : schedule.floor }),
    warmup_steps: schedule.warmupSteps,
    weight_decay: optimization.weightDecay,
    adam_beta1: optimization.beta1,
    adam_beta2: optimization.beta2,
    adam_epsilon: optimization.epsilon,
    max_grad_norm: optimization.clipNorm,
    seed: job.seed,
    dtype: options.precision === "bfloat16" ? "bfloat16" : "float32",
    bf16: options.precision === "mixed",
    gradient_checkpointing: options.gradientCheckpointing,
    ...(options.cpu ? { use_cpu: true } : {}),
    ...(lora === undefined
      ? {}
      : {
          use_peft: true,
          ...{ lora_r: lora.rank, lora_alpha: lora.alpha, lora_dropout: lora.dropout },
          lora_target_modules: lora.targets === "all-linear" ? ["all-linear"] : lora.targets,
        }),
    logging_steps: 1,
    logging_nan_inf_filter: false,
    disable_tqdm: true,
    report_to: "none",
    save_strategy: "steps",
    save_steps: options.saveEvery,
    save_total_limit: 2,
    ...(places.resume === undefined ? {} : { resume_from_checkpoint: places.resume }),
  };
}

/** @throws PromptCotError `trainer`/`unfit-job` if the config's further keys are ones that this kind of job sets */
export function ownedTwice({ kind, keys, options }: Task): void {
  const twice = Object.keys(keys).filter((key) => key in options.extra);
  if (twice.length === 0) return;
  throw refusal("unfit-job", `extra.${twice[0]} is set by every ${kind} job`, "leave it out of extra");
}

/** What goes to `accelerate launch`. */
export function launchKeys({ processes, accelerate = {} }: ResolvedTrlOptions): Keys {
  const { config, machines, machineRank, mainProcessIp, mainProcessPort } = accelerate;
  const keys: Record<string, Value | undefined> = {
    accelerate_config: config,
    num_processes: processes,
    num_machines: machines,
    machine_rank: machineRank,
    main_process_ip: mainProcessIp,
    main_process_port: mainProcessPort,
  };
  return Object.fromEntries(
    Object.entries(keys).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
