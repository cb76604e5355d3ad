/**
 * The embedded engine as a backend: Llama-family decoders sampled, scored and trained in this process, without a server,
 * a GPU or Python. It chooses no models and knows no stage.
 */
import type { CallOptions } from "../../core/events.ts";
import type { Backend, Checkpoint, Model } from "../contract.ts";
import { shelf } from "./graphs.ts";
import { inLanes, openLanes } from "./lanes.ts";
import { type EngineOptions, openModel } from "./open.ts";
import { type EmbeddedTrainer, type TrainerOptions, trainer } from "./train.ts";

export { type BpeOptions, type TokenizerFiles, trainBpe } from "./bpe.ts";
export { type InitOptions, initCheckpoint, openCheckpoint, readTokenizerFiles } from "./checkpoint.ts";
export type { Architecture, ModelConfig, NewModel } from "./config.ts";
export { readTokenizer } from "./tokenizer.ts";

export interface EmbeddedOptions extends Partial<EngineOptions>, Partial<TrainerOptions> {
  /**
   * Cores to use; 1 by default, since other work may share them. In training, threads within one operator (another number
   * gives other last digits); in sampling and scoring, lanes side by side, whose number changes nothing in the answers.
   */
  threads?: number;
}

export interface Embedded extends Backend {
  readonly trainer: EmbeddedTrainer;
  open(checkpoint: Checkpoint, options?: CallOptions): Promise<Model>;
  /** Frees all that was compiled. Models that are still open can no longer be used. */
  close(): Promise<void>;
}

/** Defaults: 32 slots and 2,048 tokens a run (docs/design/embedded.md, "Speed"), state saved every 200 steps. */
export function embedded(options: EmbeddedOptions = {}): Embedded {
  const { threads = 1, slots = 32, batchTokens = 2048, saveEvery = 200 } = options;
  const engine: EngineOptions = { slots, batchTokens };
  const shared = shelf();
  const lanes = openLanes(threads - 1, engine);
  const training = trainer({ threads, saveEvery });
  return {
    name: "embedded",
    offers: { sample: true, score: true },
    trainer: training,
    async open(checkpoint) {
      const own = await openModel(checkpoint, engine, shared);
      return threads === 1 ? own : inLanes(own, checkpoint, engine, lanes);
    },
    async close() {
      await lanes.close();
      await training.release();
      await shared.release();
    },
  };
}
