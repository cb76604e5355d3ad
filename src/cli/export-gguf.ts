/** `promptcot export-gguf CHECKPOINT OUT`: a checkpoint as one GGUF file, for llama.cpp and what is built on it. */
import { stat } from "node:fs/promises";
import { Command } from "commander";
import { writeGguf } from "../lm/gguf/index.ts";

export function exportGgufCommand(): Command {
  return new Command("export-gguf")
    .description("write a checkpoint as a GGUF file in float32, for llama.cpp, Ollama and the gguf backend")
    .argument("<checkpoint>", "folder in Hugging Face layout (llama, qwen2, qwen3), such as RUN/checkpoints/…")
    .argument("<out>", "the new .gguf file; replaced if it is there")
    .action(async (checkpoint: string, out: string) => {
      const { hash } = await writeGguf(checkpoint, out);
      const { size } = await stat(out);
      process.stdout.write(`${out}: ${(size / 1e6).toFixed(1)} MB in float32, content ${hash}\n`);
    });
}
