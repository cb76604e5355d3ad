/**
 * What one can ask of a language model. A backend offers some of it; what it lacks is refused when a run is composed.
 * Token ids end to end: what was sampled is what is scored and what is trained on.
 */

import type { Failure } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";

export type TokenIds = readonly number[];

export interface Tokenizer {
  /** Hash of the vocabulary and rules: equal hashes give equal ids for equal text. */
  readonly hash: string;
  readonly vocabSize: number;
  /** Text to ids. Special tokens spelt in the text become their single ids; none is added. */
  encode(text: string): number[];
  /** Ids to text. Special tokens are spelt out unless `skipSpecial`. */
  decode(ids: TokenIds, options?: { skipSpecial?: boolean }): string;
  /** The id of one token of the vocabulary, special ones included, or undefined. */
  idOf(token: string): number | undefined;
}

export interface ChatMessage {
  role: "system" | "user" | "assistant";
  content: string;
}

/** What a model is asked to continue. */
export type Text =
  | { kind: "ids"; ids: TokenIds }
  | { kind: "text"; text: string }
  | { kind: "messages"; messages: readonly ChatMessage[] };

export interface SampleRequest {
  /** The caller's name for the request, unique within a call; not part of its content. */
  id: string;
  prompt: Text;
  maxTokens: number;
  /** 0 is greedy. */
  temperature: number;
  /** 1 keeps the whole distribution. */
  topP: number;
  /** Generation ends after one of these; the ending token id is the last of `ids`, and an ending text is cut from `text`. */
  stop: { ids?: TokenIds; texts?: readonly string[] };
  /** 32-bit seed of this request alone: same model, prompt and parameters give the same answer in any batch (embedded backend). */
  seed: number;
}

export type SampleResult = SampleAnswer | (Failure & { id: string });

export interface SampleAnswer {
  ok: true;
  id: string;
  /** The generated text, special tokens left out. */
  text: string;
  /** The reasoning that a server reported apart from the text. */
  reasoning?: string;
  /** The generated ids, the stop token included; undefined where a server does not give them. */
  ids?: TokenIds;
  /** Natural-log probabilities of `ids` under the untempered model; undefined where not offered. */
  logprobs?: readonly number[];
  /** `stop`: a stop token or text was met. `length`: maxTokens or the context ran out. */
  finish: "stop" | "length";
  /** `atMost`: the server told no counts, and these are the most that it can have been. */
  usage: { promptTokens: number; completionTokens: number; atMost?: true };
}

export interface ScoreRequest {
  id: string;
  /** At least one token. */
  prefix: TokenIds;
  /** At least one token. */
  completion: TokenIds;
  /** Which of several scores of the same ids; 0 if not said. Each is asked for, even where one is known: servers' last digits vary. */
  repeat?: number;
}

export type ScoreResult =
  | {
      ok: true;
      id: string /** Natural-log probability of each completion token given all before it. */;
      logprobs: readonly number[];
    }
  | (Failure & { id: string });

/** Each request is answered exactly once, in any order. An item that fails is a `Failure`; a dead backend throws. */
export interface Sampler {
  sample(requests: readonly SampleRequest[], options: CallOptions): AsyncIterable<SampleResult>;
}

/** Scores text that it is given; never samples. Each request is answered exactly once, in any order. */
export interface Scorer {
  score(requests: readonly ScoreRequest[], options: CallOptions): AsyncIterable<ScoreResult>;
}

/** Weights, tokenizer and config in Hugging Face layout (or what a toy backend keeps instead), named by content. */
export interface Checkpoint {
  /** Folder on disk. */
  path: string;
  /** Content hash of weights, config and tokenizer; the optimizer's state is not part of it. */
  hash: string;
}

/** A checkpoint opened for use. */
export interface Model {
  /** Content identity for records and ledger keys: nothing that leaves it unchanged may change an answer. */
  readonly identity: string;
  /** Absent where ids cannot be exchanged. */
  readonly tokenizer?: Tokenizer;
  /** Prompt and completion together, in tokens. */
  readonly contextLength: number;
  readonly sampler?: Sampler;
  readonly scorer?: Scorer;
  close(): Promise<void>;
}

/** Opens checkpoints for sampling and scoring. A backend is a value: `embedded({...})`, `openai({ url, model })`. */
export interface Backend {
  readonly name: string;
  readonly offers: { sample: boolean; score: boolean };
  open(checkpoint: Checkpoint, options: CallOptions): Promise<Model>;
}

export interface TrainRow {
  id: string;
  ids: TokenIds;
  /** 1 where the token counts in the loss; same length as `ids`. Position 0 cannot be predicted and must be 0. */
  targets: ArrayLike<number>;
  /** Weight of the row's loss; 1 is ordinary, 0 is not allowed. */
  weight: number;
}

export type Schedule =
  | { kind: "constant"; warmupSteps: number }
  /** Falls from the learning rate to `floor` × the learning rate over the job. */
  | { kind: "cosine"; warmupSteps: number; floor: number };

export interface Optimization {
  epochs: number;
  /** Rows per optimizer step. */
  batchSize: number;
  learningRate: number;
  schedule: Schedule;
  weightDecay: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Gradients with a larger global norm are scaled down to it. */
  clipNorm: number;
}

interface JobBase {
  /** The checkpoint to start from. */
  from: Checkpoint;
  /** Folder for the resulting checkpoint; an unfinished job in it is resumed. */
  out: string;
  optimization: Optimization;
  /** Whether AdamW's moments continue from `from` (where it holds them) or start at zero. */
  optimizer: "fresh" | "carry";
  /** Order of the rows and whatever else is drawn. */
  seed: number;
}

/** Maximum likelihood: minimises Σ weight·targets·(−log p) / Σ weight·targets over each batch. */
export interface SftJob extends JobBase {
  rows: readonly TrainRow[];
}

export interface PreferenceRow {
  id: string;
  prompt: TokenIds;
  chosen: TokenIds;
  rejected: TokenIds;
  /** Summed natural-log probabilities under the reference model, computed once. */
  reference: { chosen: number; rejected: number };
  weight: number;
}

/** Direct preference optimisation (Rafailov et al. 2023, eq. 7), with an optional NLL term on the chosen answer. */
export interface DpoJob extends JobBase {
  rows: readonly PreferenceRow[];
  beta: number;
  /** Weight of the mean NLL per token of the chosen answer; 0 leaves it out. */
  nllWeight: number;
}

/** A prompt to learn from by trial. */
export interface TrialRow {
  id: string;
  prompt: TokenIds;
}

/** One of the answers that the model in training gave to a row's prompt. */
export interface Trial {
  /** The row's id. */
  id: string;
  ids: TokenIds;
  /** The ids as text, special tokens left out. */
  text: string;
}

/**
 * Group-relative policy optimisation (Shao et al. 2024): the trainer samples `generations` answers to each prompt, and those that
 * earn more than their group's mean become more likely. `optimization.batchSize` counts prompts.
 */
export interface GrpoJob extends JobBase {
  rows: readonly TrialRow[];
  generations: number;
  maxTokens: number;
  temperature: number;
  topP: number;
  /** Weight of the divergence from the model that starts; 0 leaves it out. */
  beta: number;
  /** What each trial earns, in order; undefined where nobody can say, and then it teaches nothing. */
  reward(trials: readonly Trial[], options: CallOptions): Promise<readonly (number | undefined)[]>;
  /** Names the rewards: part of the job's identity. */
  rewardId: string;
}

export interface Trained {
  checkpoint: Checkpoint;
  steps: number;
  /** Target tokens that took part in the loss, over all epochs. */
  targetTokens: number;
  /** Mean loss of each step, in order (nats per target token for SFT). */
  losses: readonly number[];
}

export interface Trainer {
  readonly name: string;
  sft(job: SftJob, options: CallOptions): Promise<Trained>;
  dpo?(job: DpoJob, options: CallOptions): Promise<Trained>;
  grpo?(job: GrpoJob, options: CallOptions): Promise<Trained>;
}
