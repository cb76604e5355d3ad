/** What long work says while it runs. Events inform; they never carry results. */

export type WorkEvent =
  | { kind: "progress"; done: number; total: number; unit: string }
  /** One optimizer step: mean loss per target token (nats), gradient norm before clipping, learning rate used. */
  | {
      kind: "train-step";
      step: number;
      steps: number;
      loss: number;
      gradNorm: number;
      learningRate: number;
      tokens: number;
    }
  | { kind: "note"; message: string }
  /** A stage begins: `folder` and its journal within it name it. What is said from now on, and what is used, is of this stage. */
  | { kind: "stage"; folder: string; journal: string };

/** Options that every long call takes. */
export interface CallOptions {
  /** Stops the work between units; what was finished stays valid. */
  signal?: AbortSignal | undefined;
  onEvent?: ((event: WorkEvent) => void) | undefined;
}
