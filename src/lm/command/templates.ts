/**
 * Ready templates for LLaMA-Factory and axolotl: supervised fine-tuning, whole weights or LoRA, over rows that are tokenized already.
 * Neither takes reference log-probabilities that are given, so DPO is left to TRL and to the embedded engine.
 */
import { join } from "node:path";
import type { SftJob, Trainer } from "../contract.ts";
import { visibleDevices } from "../external/devices.ts";
import { type Keys, yaml } from "../external/yaml.ts";
import { type Plan, type Setting, trainByPlan } from "./plan.ts";
import {
  AxolotlOptions,
  LlamaFactoryOptions,
  type ResolvedAxolotlOptions,
  type ResolvedLlamaFactoryOptions,
} from "./template-options.ts";

export { AxolotlOptions, LlamaFactoryOptions } from "./template-options.ts";

export function llamaFactory(options: LlamaFactoryOptions = {}): Trainer {
  const resolved = LlamaFactoryOptions.parse(options);
  const { env: given, python: _, program: __, ...settings } = resolved;
  const spread = { FORCE_TORCHRUN: "1", NPROC_PER_NODE: String(resolved.processes) };
  const env = { ...(resolved.processes > 1 ? spread : {}), ...visibleDevices(resolved.processes, given) };
  const trainer = { ...resolved, name: "llama-factory", env, settings: { "llama-factory": settings } };
  return {
    name: "llama-factory",
    sft: (job, call) => trainByPlan(job, trainer, (setting) => llamaFactoryPlan(job, setting, resolved), call),
  };
}

export function axolotl(options: AxolotlOptions = {}): Trainer {
  const resolved = AxolotlOptions.parse(options);
  const { program: _, env: given, ...settings } = resolved;
  const env = visibleDevices(resolved.processes, given);
  const trainer = { ...resolved, name: "axolotl", env, settings: { axolotl: settings } };
  return {
    name: "axolotl",
    sft: (job, call) => trainByPlan(job, trainer, (setting) => axolotlPlan(job, setting, resolved), call),
  };
}

/** The keys that both take over from transformers' Trainer under its own names. */
function optimizerKeys({ optimization: { schedule, ...rest }, seed }: SftJob): Keys {
  return {
    learning_rate: rest.learningRate,
    warmup_steps: schedule.warmupSteps,
    lr_scheduler_kwargs: { min_lr_rate: schedule.kind === "constant" ? 1 : schedule.floor },
    weight_decay: rest.weightDecay,
    adam_beta1: rest.beta1,
    adam_beta2: rest.beta2,
    adam_epsilon: rest.epsilon,
    max_grad_norm: rest.clipNorm,
    seed,
  };
}

/** As trl/config.ts explains: this one is exactly our schedule. */
const SCHEDULER = "cosine_warmup_with_min_lr";

/** LLaMA-Factory loads rows that are tokenized already from a folder in the datasets package's own form. */
const TO_DISK = `
import shutil, sys
from datasets import DatasetDict, load_dataset
rows, out, cache = sys.argv[1:]
data = load_dataset("json", data_files=rows, split="train", cache_dir=cache)
shutil.rmtree(out, ignore_errors=True)
DatasetDict({"train": data}).save_to_disk(out)
`;

function llamaFactoryPlan(job: SftJob, at: Setting, options: ResolvedLlamaFactoryOptions): Plan {
  const { lora, precision } = options;
  const tokenized = join(at.folder, "tokenized");
  const merged = join(at.folder, "merged");
  const common: Keys = { model_name_or_path: at.from, template: "empty", trust_remote_code: false };
  const keys: Keys = {
    ...common,
    ...{ stage: "sft", do_train: true, finetuning_type: lora === undefined ? "full" : "lora" },
    ...(lora === undefined
      ? {}
      : {
          ...{ lora_rank: lora.rank, lora_alpha: lora.alpha, lora_dropout: lora.dropout },
          lora_target: lora.targets === "all-linear" ? "all" : lora.targets.join(","),
        }),
    // A name must be there; with tokenized_path nothing of it is read.
    ...{ dataset: "promptcot", tokenized_path: tokenized, cutoff_len: at.longest, packing: false },
    ...{ output_dir: at.out, num_train_epochs: job.optimization.epochs },
    ...{ per_device_train_batch_size: at.perDevice, gradient_accumulation_steps: at.accumulation },
    ...{ ...optimizerKeys(job), lr_scheduler_type: SCHEDULER },
    ...{ bf16: precision === "mixed", pure_bf16: precision === "bfloat16" },
    ...{ disable_gradient_checkpointing: !options.gradientCheckpointing },
    ...{ logging_steps: 1, save_strategy: "steps", save_steps: options.saveEvery, save_total_limit: 2 },
    ...{ report_to: "none", plot_loss: false, disable_tqdm: true },
    ...options.extra,
  };
  const merge: Keys = {
    ...{ ...common, adapter_name_or_path: at.out, finetuning_type: "lora" },
    ...{ export_dir: merged, export_size: 5, export_device: "cpu", export_legacy_format: false },
  };
  return {
    rows: "tokens",
    files: { "train.yaml": yaml(keys), ...(lora === undefined ? {} : { "merge.yaml": yaml(merge) }) },
    run: [
      [options.python, "-c", TO_DISK, at.data, tokenized, join(at.folder, "datasets")],
      [options.program, "train", "train.yaml"],
      ...(lora === undefined ? [] : [[options.program, "export", "merge.yaml"]]),
    ],
    ...(lora === undefined ? { result: at.out } : { result: merged, adapter: at.out }),
    expect: [],
    progress: { kind: "transformers", output: at.out },
  };
}

function axolotlPlan(job: SftJob, at: Setting, options: ResolvedAxolotlOptions): Plan {
  const { lora, precision } = options;
  const keys: Keys = {
    base_model: at.from,
    // Without a type, columns input_ids, attention_mask and labels are taken as they are.
    datasets: [{ path: at.data, ds_type: "json" }],
    dataset_prepared_path: join(at.folder, "prepared"),
    ...{ sequence_len: at.longest, excess_length_strategy: "raise", sample_packing: false, val_set_size: 0 },
    ...(lora === undefined
      ? {}
      : {
          ...{ adapter: "lora", lora_r: lora.rank, lora_alpha: lora.alpha, lora_dropout: lora.dropout },
          ...(lora.targets === "all-linear" ? { lora_target_linear: true } : { lora_target_modules: lora.targets }),
        }),
    ...{ output_dir: at.out, num_epochs: job.optimization.epochs },
    ...{ micro_batch_size: at.perDevice, gradient_accumulation_steps: at.accumulation },
    ...{ ...optimizerKeys(job), lr_scheduler: SCHEDULER, optimizer: "adamw_torch" },
    ...(precision === "bfloat16" ? { bfloat16: true } : { bf16: precision === "mixed" }),
    gradient_checkpointing: options.gradientCheckpointing,
    ...{ logging_steps: 1, save_strategy: "steps", save_steps: options.saveEvery, save_total_limit: 2 },
    auto_resume_from_checkpoints: true,
    ...options.extra,
  };
  const launcher = options.processes > 1 ? ["--", `--num_processes=${options.processes}`] : [];
  return {
    rows: "tokens",
    files: { "train.yaml": yaml(keys) },
    run: [
      [options.program, "train", "train.yaml", ...launcher],
      ...(lora === undefined ? [] : [[options.program, "merge-lora", "train.yaml"]]),
    ],
    ...(lora === undefined ? { result: at.out } : { result: join(at.out, "merged"), adapter: at.out }),
    expect: [],
    progress: { kind: "transformers", output: at.out },
  };
}
