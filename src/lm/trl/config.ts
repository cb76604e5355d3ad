/** A job as the keys of a TRL config, and the config as YAML. Writes no files. */
import type { DpoJob, Optimization, SftJob } from "../contract.ts";
import { refusal } from "../external/job.ts";
import { type ResolvedTrlOptions, splitBatch, trlIssues } from "./options.ts";

export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };
export type Keys = Record<string, Value>;

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
  longest: number,
): Keys {
  const { optimization } = job;
  const [issue] = trlIssues(options, job);
  const split = splitBatch(optimization.batchSize, options);
  if (issue !== undefined || typeof split === "string") {
    throw refusal("unfit-job", issue ?? "", "change the config of this fit or of the trainer");
  }
  const { schedule } = optimization;
  const { lora } = options;
  return {
    ...(options.extra as Keys),
    model_name_or_path: places.model,
    datasets: [{ path: "json", data_files: places.data, split: "train" }],
    output_dir: places.output,
    max_length: options.maxLength ?? longest,
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

/** The keys that `dpo` adds: reference log-probabilities come with the rows. */
export function dpoKeys({ beta, nllWeight }: DpoJob): Keys {
  return {
    beta,
    precompute_ref_log_probs: true,
    ...(nllWeight > 0 ? { loss_type: ["sigmoid", "sft"], loss_weights: [1, nllWeight] } : { loss_type: ["sigmoid"] }),
  };
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

/** Optimizer steps of a job whose rows are not packed. */
export function stepsOf({ rows, optimization }: SftJob | DpoJob): number {
  return optimization.epochs * Math.ceil(rows.length / optimization.batchSize);
}

/** Keys as YAML: one a line, values in flow style. */
export function yaml(keys: Keys): string {
  return Object.entries(keys)
    .map(([key, value]) => `${key}: ${flow(value)}\n`)
    .join("");
}

function flow(value: Value): string {
  if (typeof value === "number") return number(value);
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  return `{${Object.entries(value)
    .map(([key, member]) => `${JSON.stringify(key)}: ${flow(member)}`)
    .join(", ")}}`;
}

/** YAML 1.1, which Python's parser reads, takes `1e-8` for a text: a float needs its point. */
function number(value: number): string {
  const text = String(value);
  return /^-?\d+e/.test(text) ? text.replace("e", ".0e") : text;
}
