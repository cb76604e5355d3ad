/** What a config may say of low-rank adapters. */
import { z } from "zod";

export const Lora = z
  .strictObject({
    rank: z.int().positive().default(16),
    alpha: z.number().positive().default(32).describe("The adapter's product is scaled by alpha / rank."),
    dropout: z.number().min(0).lt(1).default(0),
    targets: z
      .union([z.literal("all-linear"), z.array(z.string().min(1)).min(1)])
      .default("all-linear")
      .describe("Names of the modules that get an adapter."),
  })
  .describe("Trains an adapter: kept for servers, and merged into whole weights.");
export type Lora = z.infer<typeof Lora>;
