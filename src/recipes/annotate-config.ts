/** What a config may say of annotation by language models. */
import { z } from "zod";

export const AnnotateConfig = z
  .strictObject({
    domain: z.enum(["math", "code"]).default("math").describe("what kind of problems the seeds are"),
    concepts: z.int().min(1).max(20).default(5).describe("concepts a problem"), // §4: five in the released data
    temperature: z.number().nonnegative().default(0.7),
    maxTokens: z.int().min(1).default(4096).describe("for concepts, and for the rationale, reasoning included"),
  })
  .describe("how the models in roles.annotators are asked for concepts and rationales of seeds that come without");
export type AnnotateConfig = z.infer<typeof AnnotateConfig>;
