/** What a config may say of training by a program of the user's. Strict: a mistyped key or placeholder is an error. Launches nothing. */
import { z } from "zod";
import { nearest } from "../../core/errors.ts";
import { elsewhere, holdsCredentials, plainEnvironment } from "../credentials.ts";

/** What stands between braces in a command, a file or a path, with what it becomes. */
export const PLACEHOLDERS = {
  from: "folder of the checkpoint to start from",
  folder: "the job's own folder, kept until the job is done",
  data: "file with the rows",
  out: "folder for the trained weights, within {folder}",
  rows: "number of rows",
  steps: "optimizer steps of the whole job",
  longest: "tokens of the longest row",
  epochs: "passes over the rows",
  batchSize: "rows per optimizer step",
  perDeviceBatch: "rows that a process holds at once",
  accumulation: "batchSize / (processes × perDeviceBatch)",
  processes: "training processes",
  learningRate: "full learning rate",
  schedule: "constant or cosine, after the warm-up",
  floor: "where cosine ends, as a share of the learning rate; 1 for constant",
  warmupSteps: "steps of warm-up",
  weightDecay: "AdamW's decoupled weight decay",
  beta1: "AdamW's first decay",
  beta2: "AdamW's second decay",
  epsilon: "AdamW's epsilon",
  clipNorm: "greatest global norm of a gradient",
  seed: "32-bit seed",
  beta: "DPO's beta; empty for SFT",
  nllWeight: "weight of the NLL term of DPO; empty for SFT",
} as const;
export type Placeholder = keyof typeof PLACEHOLDERS;

/** A bare word between single braces; what JSON and shells write between braces is none. `{{word}}` stays as `{word}`. */
export const PLACEHOLDER = /\{\{(\w+)\}\}|\{([A-Za-z]\w*)\}/g;

const Template = z.string().superRefine((text, context) => {
  for (const [, , name] of text.matchAll(PLACEHOLDER)) {
    if (name === undefined || Object.hasOwn(PLACEHOLDERS, name)) continue;
    const guess = nearest(name, Object.keys(PLACEHOLDERS));
    const cure =
      guess === undefined ? `; known: ${Object.keys(PLACEHOLDERS).join(", ")}` : `. Did you mean "{${guess}}"?`;
    context.addIssue({ code: "custom", message: `unknown placeholder "{${name}}"${cure}` });
  }
});

const Argv = z
  .array(Template)
  .min(1)
  .refine((argv) => !holdsCredentials(argv.join(" ")), { error: elsewhere("the program") })
  .describe("A program and its arguments, one by one; no shell takes part.");

export const ROW_FORMATS = ["tokens", "text", "alpaca", "messages"] as const;

const FileName = z
  .string()
  .regex(/^[\w][\w.-]*$/)
  .describe("Name of a file in {folder}.");

const Pattern = z.string().superRefine((text, context) => {
  try {
    if (!new RegExp(`${text}|`).exec("")?.groups || !text.includes("(?<loss>"))
      context.addIssue({ code: "custom", message: "needs a group named loss: (?<loss>[0-9.]+)" });
  } catch {
    context.addIssue({ code: "custom", message: "is no regular expression" });
  }
});

export const Recipe = z.strictObject({
  rows: z
    .enum(ROW_FORMATS)
    .describe(
      "Form of the rows: `tokens` are ids and labels as they are; the others are text, used only where it tokenizes to the same ids.",
    ),
  files: z.record(FileName, Template).default({}).describe("Files to write into {folder} before the start."),
  run: z.array(Argv).min(1).describe("Commands, run one after the other in {folder}; exit code 0 means success."),
  result: Template.default("{out}").describe("Folder in which whole weights (model*.safetensors) appear."),
  adapter: Template.optional().describe("Folder in which a LoRA adapter appears (adapter_*), to be kept for servers."),
  expect: z.array(Template).default([]).describe("Further files that must be there at the end."),
  loss: Pattern.optional().describe("Finds the loss of a step in a line of output; a group `step` may number it."),
});
export type Recipe = z.output<typeof Recipe>;

const count = z.int().positive();

/** What all trainers by command can be told. */
export const shared = {
  processes: count.default(1).describe("Training processes, usually one per GPU."),
  perDeviceBatch: count
    .optional()
    .describe(
      "Rows that a process holds at once; the rest of a batch is accumulated. Left out: the greatest fit up to 8.",
    ),
  maxLength: count.optional().describe("Refuses longer rows before launch. Left out: that of the longest row."),
  env: plainEnvironment("the program").default({}).describe("Environment variables of the program."),
};

export const CommandOptions = z
  .strictObject({ ...shared, sft: Recipe.optional(), dpo: Recipe.optional() })
  .refine(({ sft, dpo }) => sft !== undefined || dpo !== undefined, {
    error: "say what to run: sft, dpo or both",
  })
  .describe("Trains by any program: files are written, commands run, and the weights taken from where they appear.");
export type CommandOptions = z.input<typeof CommandOptions>;
export type ResolvedCommandOptions = z.output<typeof CommandOptions>;
