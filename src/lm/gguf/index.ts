/**
 * llama.cpp as a backend: GGUF files sampled and scored in this process, on a laptop too. Needs the optional package
 * node-llama-cpp; trains nothing.
 */
import { PromptCotError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import type { Backend, Checkpoint, Model } from "../contract.ts";
import { openGguf } from "./open.ts";
import { type GgufConfig, GgufOptions } from "./options.ts";

export { ggufCheckpoint } from "./hash.ts";
export { type LibraryFacts, libraryFacts } from "./library.ts";
export { type GgufConfig, GgufOptions } from "./options.ts";
export { writeGguf } from "./write.ts";

export interface Gguf extends Backend {
  /** The checkpoint is a .gguf file or a folder in Hugging Face layout, named by `ggufCheckpoint`. */
  open(checkpoint: Checkpoint, options?: CallOptions): Promise<Model>;
}

/** @throws PromptCotError `bad-options` if `config` is not as `GgufOptions` says; the package is looked for when a file is opened */
export function gguf(config: GgufConfig = {}): Gguf {
  const parsed = GgufOptions.safeParse(config);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new PromptCotError({
      boundary: "config",
      code: "bad-options",
      message: `gguf backend: ${issue?.path.join(".") || "options"}: ${issue?.message ?? "invalid"}`,
      next: "see docs/backends/gguf.md for a config to copy",
    });
  }
  const options = parsed.data;
  return {
    name: "gguf",
    offers: { sample: true, score: true },
    open: (checkpoint, call = {}) => openGguf(checkpoint, options, call),
  };
}
