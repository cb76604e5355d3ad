/** An open checkpoint: its weights in memory, its compiled functions, its sampler and scorer. Trains nothing. */
import { PromptCotError } from "../../core/errors.ts";
import { contentId } from "../../core/hash.ts";
import { chatOf, promptIds, type RenderChat } from "../chat-template.ts";
import type { Checkpoint, Model, TokenIds, Tokenizer } from "../contract.ts";
import { openCheckpoint, readCheckpoint } from "./checkpoint.ts";
import type { ModelConfig } from "./config.ts";
import {
  bucket,
  cacheNames,
  compileDecode,
  compilePrefill,
  compileScore,
  floats,
  type Runner,
  type Shelf,
  shapeKeyOf,
  shelf,
  type WeightArrays,
  weightArrays,
} from "./graphs.ts";
import { type SamplingEngine, sample, type Workspace, workspace } from "./sample.ts";
import { type ScoringEngine, score } from "./score.ts";
import type { PromptCache } from "./slots.ts";
import { readTokenizer } from "./tokenizer.ts";

/** Part of every identity: raised when a change of the engine changes answers' last bits. */
const NUMERICS = 2;

/** Sampling and scoring use one thread per operator; several cores are used by lanes (lanes.ts). */
const THREADS = 1;

export interface EngineOptions {
  /** Sequences in one decoding step. */
  slots: number;
  /** Tokens, padding included, in one run over whole sequences. */
  batchTokens: number;
}

/** Prompts in one prefill. */
const PREFILL_ROWS = 8;

/** At most so many scores of tokens (256 MB) at once, which bounds batches of models with large vocabularies. */
const MOST_SCORES = 2 ** 26;

/** A model that both samples and scores, and says how many sequences of a length it scores at once. */
export interface OpenModel extends Model {
  readonly sampler: NonNullable<Model["sampler"]>;
  readonly scorer: NonNullable<Model["scorer"]>;
  scoreRows(time: number): number;
}

/** @throws PromptCotError `checkpoint-changed` if the folder no longer holds what the checkpoint's hash names. */
export async function openModel(checkpoint: Checkpoint, options: EngineOptions, shared: Shelf): Promise<OpenModel> {
  const found = await openCheckpoint(checkpoint.path);
  if (found.hash !== checkpoint.hash) throw changed(checkpoint, found);
  const content = await readCheckpoint(checkpoint.path);
  const tokenizer = readTokenizer(content.tokenizer, checkpoint.path);
  const { config } = content;
  const weights = weightArrays(config, content.weights);
  const own = shelf();
  const chat = chatOf(content.tokenizer, checkpoint.path);
  const sampling = samplingEngine(config, tokenizer, weights, chat, options, shared, own);
  const scoring = scoringEngine(config, weights, options, shared);
  return {
    identity: contentId({ embedded: NUMERICS, checkpoint: checkpoint.hash, ...options }),
    tokenizer,
    contextLength: config.contextLength,
    sampler: { sample: (requests, call) => sample(sampling, requests, call) },
    scorer: { score: (requests, call) => score(scoring, requests, call) },
    scoreRows: scoring.scoreRows,
    close: () => own.release(),
  };
}

function samplingEngine(
  config: ModelConfig,
  tokenizer: Tokenizer,
  weights: WeightArrays,
  chat: RenderChat | undefined,
  { slots }: EngineOptions,
  shared: Shelf,
  own: Shelf,
): SamplingEngine {
  const spare: Workspace[] = [];
  const key = shapeKeyOf(config);
  return {
    config,
    tokenizer,
    slots,
    prefillRows: PREFILL_ROWS,
    promptBucket: bucket,
    decode: (capacity) =>
      own.get(`decode ${capacity}`, () => compileDecode(config, weights, { slots, capacity }, THREADS)),
    async prefill(prompts) {
      const time = bucket(prompts.reduce((most, prompt) => Math.max(most, prompt.length), 0));
      const runner = await shared.get(`prefill ${PREFILL_ROWS}×${time} ${key}`, () =>
        compilePrefill(config, PREFILL_ROWS, time, THREADS),
      );
      return prefill(config, runner, weights, prompts, time);
    },
    promptIds: (prompt) => promptIds(prompt, tokenizer, chat, "the checkpoint"),
    borrow: () => spare.pop() ?? workspace(config, slots),
    giveBack: (space) => void spare.push(space),
  };
}

async function prefill(
  config: ModelConfig,
  runner: Runner,
  weights: WeightArrays,
  prompts: readonly TokenIds[],
  time: number,
): Promise<PromptCache[]> {
  const ids = new Int32Array(PREFILL_ROWS * time);
  for (const [row, prompt] of prompts.entries()) ids.set(prompt, row * time);
  // The last layer's keys and values need neither its feed-forward part nor the head.
  const needed = runner.inputs.flatMap(({ name }) => (weights[name] ? [[name, weights[name]] as const] : []));
  const outputs = await runner.run({ ids, ...Object.fromEntries(needed) });
  const size = config.keyValueHeads * time * config.headDim;
  const arrays = cacheNames(config).map((name) => floats(outputs, name));
  return prompts.map((prompt, row) => ({
    arrays: arrays.map((array) => array.subarray(row * size, (row + 1) * size)),
    time,
    length: prompt.length,
  }));
}

function scoringEngine(
  config: ModelConfig,
  weights: WeightArrays,
  { batchTokens }: EngineOptions,
  shared: Shelf,
): ScoringEngine {
  const key = shapeKeyOf(config);
  const most = Math.min(batchTokens, Math.floor(MOST_SCORES / config.vocabSize));
  const rowsAt = (time: number) => Math.max(1, Math.floor(most / time));
  return {
    config,
    scoreRows: rowsAt,
    async scoreBatch(ids, targets, time) {
      const rows = rowsAt(time);
      const runner = await shared.get(`score ${rows}×${time} ${key}`, () => compileScore(config, rows, time, THREADS));
      return floats(await runner.run({ ids, targets, ...weights }), "logProbs");
    },
  };
}

function changed(checkpoint: Checkpoint, found: Checkpoint): PromptCotError {
  return new PromptCotError({
    boundary: "storage",
    code: "checkpoint-changed",
    message: `${checkpoint.path} holds ${found.hash}, not ${checkpoint.hash} as recorded`,
    next: "restore the folder, or start a new run from what it holds now",
  });
}
