/** What a config may say of training by LLaMA-Factory or axolotl. Strict: a mistyped key is an error. */
import { z } from "zod";
import { elsewhere, namesCredentials } from "../credentials.ts";
import { Lora } from "../external/lora.ts";
import { shared } from "./options.ts";

const own = {
  ...shared,
  precision: z
    .enum(["float32", "mixed", "bfloat16"])
    .default("mixed")
    .describe("As for trl; mixed computes in bfloat16."),
  gradientCheckpointing: z.boolean().default(true),
  lora: Lora.optional(),
  saveEvery: z.int().positive().default(100).describe("Steps between checkpoints."),
  extra: z
    .record(z.string(), z.json())
    .refine((extra) => !namesCredentials(Object.keys(extra)), { error: elsewhere("the program") })
    .default({})
    .describe("Further keys of the program's own config; they go over ours."),
};

export const LlamaFactoryOptions = z
  .strictObject({
    program: z.string().min(1).default("llamafactory-cli"),
    python: z.string().min(1).default("python3").describe("An interpreter that has the datasets package."),
    ...own,
  })
  .describe("Trains by LLaMA-Factory.");
export type LlamaFactoryOptions = z.input<typeof LlamaFactoryOptions>;
export type ResolvedLlamaFactoryOptions = z.output<typeof LlamaFactoryOptions>;

export const AxolotlOptions = z
  .strictObject({ program: z.string().min(1).default("axolotl"), ...own })
  .describe("Trains by axolotl.");
export type AxolotlOptions = z.input<typeof AxolotlOptions>;
export type ResolvedAxolotlOptions = z.output<typeof AxolotlOptions>;
