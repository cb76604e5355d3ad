/** What a config may say of a model in a GGUF file. Strict: a mistyped key is an error. */
import { z } from "zod";

export const GgufOptions = z
  .strictObject({
    contextLength: z
      .int()
      .min(2)
      .default(4096)
      .describe("Prompt and completion together, in tokens; at most what the model was trained for."),
    lanes: z
      .int()
      .min(1)
      .max(16)
      .default(1)
      .describe("Requests at work at once, each with `threads` threads and a cache of its own."),
    threads: z.int().min(1).optional().describe("Of each lane; default: as many as llama.cpp recommends."),
    cache: z
      .enum(["f32", "f16"])
      .optional()
      .describe(
        "Precision of attention: f32 is exact; f16 takes half the memory, as llama.cpp's own programs do, and its rounding is lost in " +
          "that of quantized weights. Default: f32 for a model in float32, else f16.",
      ),
    gpu: z
      .boolean()
      .default(false)
      .describe("Computes on a GPU, where the installed node-llama-cpp has a build for it."),
  })
  .describe("A GGUF file, run in this process by llama.cpp.");

/** As a config spells it: defaults may be left out. */
export type GgufConfig = z.input<typeof GgufOptions>;
export type GgufOptions = z.infer<typeof GgufOptions>;
