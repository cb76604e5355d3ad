/** What a config may say of training by TRL. Strict: a mistyped key is an error. Launches nothing. */
import { z } from "zod";
import type { Optimization } from "../contract.ts";
import { elsewhere, namesCredentials, plainEnvironment } from "../credentials.ts";
import { splitBatch } from "../external/batches.ts";
import { Lora } from "../external/lora.ts";

const count = z.int().positive();

export const Accelerate = z
  .strictObject({
    config: z
      .string()
      .min(1)
      .optional()
      .describe(
        "An accelerate config file, or a name of TRL's own: fsdp1, fsdp2, zero1, zero2, zero3, multi_gpu, single_gpu.",
      ),
    machines: count.optional(),
    machineRank: z.int().nonnegative().optional(),
    mainProcessIp: z.string().min(1).optional(),
    mainProcessPort: z.int().min(1).max(65_535).optional(),
  })
  .describe("How the training processes are spread: DeepSpeed, FSDP, several machines.");
export type Accelerate = z.infer<typeof Accelerate>;

/** Keys of TRL's that the job or another option of ours sets. */
const OWN = [
  ..."model_name_or_path datasets dataset_name output_dir max_length learning_rate lr_scheduler_type".split(" "),
  ..."lr_scheduler_kwargs warmup_steps warmup_ratio weight_decay adam_beta1 adam_beta2 adam_epsilon".split(" "),
  ..."max_grad_norm num_train_epochs max_steps per_device_train_batch_size gradient_accumulation_steps seed".split(" "),
  ..."data_seed logging_steps logging_strategy save_strategy save_steps save_total_limit report_to use_cpu".split(" "),
  ..."bf16 fp16 dtype gradient_checkpointing disable_tqdm resume_from_checkpoint use_peft lora_r lora_alpha".split(" "),
  ..."lora_dropout lora_target_modules num_processes accelerate_config".split(" "),
];

const Extra = z
  .record(z.string(), z.json())
  .refine((extra) => OWN.every((key) => !(key in extra)), {
    error: `these keys are set by the job or by other options here: ${OWN.join(", ")}`,
  })
  .refine((extra) => !namesCredentials(Object.keys(extra)), { error: elsewhere("the trainer") })
  .describe("Further keys of TRL's own config, checked against the installed release before anything is launched.");

export const TrlOptions = z
  .strictObject({
    python: z
      .string()
      .min(1)
      .default("python3")
      .describe("The interpreter in whose environment trl, peft and torch are installed."),
    cpu: z.boolean().default(false).describe("Trains on the CPU even where there is a GPU."),
    precision: z
      .enum(["float32", "mixed", "bfloat16"])
      .default("float32")
      .describe("float32 throughout; float32 weights computed with in bfloat16; bfloat16 weights."),
    processes: count.default(1).describe("Training processes, usually one per GPU."),
    perDeviceBatch: count
      .optional()
      .describe(
        "Rows that a process holds at once; the rest of a batch is accumulated. Left out: the greatest fit up to 8.",
      ),
    maxLength: count.optional().describe("Refuses longer rows before launch. Left out: that of the longest row."),
    gradientCheckpointing: z.boolean().default(true).describe("Less memory for a fifth more time."),
    lora: Lora.optional(),
    accelerate: Accelerate.optional(),
    saveEvery: count.default(100).describe("Steps between checkpoints: what at most is done again after a kill."),
    env: plainEnvironment("the trainer")
      .default({})
      .describe("Environment variables of the trainer, such as CUDA_VISIBLE_DEVICES."),
    extra: Extra.default({}),
  })
  .refine(({ cpu, processes }) => !cpu || processes === 1, {
    error: "accelerate starts a single process on the CPU",
    path: ["processes"],
  })
  .describe("Trains by TRL (Hugging Face), in a Python environment of yours.");

/** As written in a config or by a caller: everything has a default. */
export type TrlOptions = z.input<typeof TrlOptions>;
export type ResolvedTrlOptions = z.output<typeof TrlOptions>;

/**
 * Why this trainer cannot carry out such a job, in sentences; for whoever composes a run, before anything is spent.
 * Empty if it can.
 */
export function trlIssues(
  options: ResolvedTrlOptions,
  fit: { optimization: Pick<Optimization, "batchSize">; optimizer: "fresh" | "carry" },
): string[] {
  const split = splitBatch(fit.optimization.batchSize, options);
  return [
    ...(typeof split === "string" ? [split] : []),
    ...(fit.optimizer === "carry" ? ["TRL starts AdamW's moments at zero: set optimizer to fresh"] : []),
  ];
}
