import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { testBackend } from "../contract.case.ts";
import { embedded } from "../embedded/index.ts";
import { optimization, sums, untrained } from "../embedded/small-model.case.ts";
import { gguf, writeGguf } from "./index.ts";

// A model is trained first, which takes long on a busy machine.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

testBackend(
  "gguf",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "promptcot-gguf-"));
    const engine = embedded({ slots: 4, batchTokens: 256 });
    const { checkpoint, tokenizer } = await untrained(folder);
    const job = {
      from: checkpoint,
      rows: sums(tokenizer, 96),
      optimizer: "fresh",
      seed: 1,
      optimization: optimization(2),
    } as const;
    const trained = await engine.trainer.sft({ ...job, out: join(folder, "trained") }, {});
    await engine.close();
    return {
      backend: gguf({ threads: 1, lanes: 2 }),
      checkpoint: await writeGguf(trained.checkpoint.path, join(folder, "model.gguf")),
      prompts: ["Add 3 and 4.<|z|>", "Add 11 and 2.<|z|>", "Add", "Add 7 and"].map((text) => ({ kind: "text", text })),
      maxTokens: 24,
      impossible: { prompt: { kind: "ids", ids: new Array(200).fill(5) } },
      close: () => rm(folder, { recursive: true }),
    };
  },
  {
    "trains to a lower loss": "llama.cpp trains nothing here",
    "resumes an interrupted job to the same weights": "llama.cpp trains nothing here",
  },
);
