/** An open GGUF file: its lanes, sampler and scorer, in this process. */
import { Template } from "@huggingface/jinja";
import type { LlamaModel, Token } from "node-llama-cpp";
import { messageOf, PromptCotError, throwIfStopped } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import { contentId } from "../../core/hash.ts";
import type { Checkpoint, Model, SampleRequest, TokenIds, Tokenizer } from "../contract.ts";
import { ggufCheckpoint } from "./hash.ts";
import { type Lanes, openLanes } from "./lanes.ts";
import { llamaLibrary } from "./library.ts";
import type { GgufOptions } from "./options.ts";
import { type SamplingEngine, sample } from "./sample.ts";
import { score } from "./score.ts";
import { TokenizerMetadata, tokenizerOf } from "./tokenizer.ts";

/** Part of every identity: raised when a change here changes answers' last bits. */
const NUMERICS = 1;

/**
 * @throws PromptCotError `checkpoint-changed` if the file is not the one that the checkpoint names, `no-gguf`, `bad-gguf`,
 * `bad-tokenizer`, `no-memory`, and those of `llamaLibrary`
 */
export async function openGguf(checkpoint: Checkpoint, options: GgufOptions, call: CallOptions): Promise<Model> {
  const found = await ggufCheckpoint(checkpoint.path);
  if (found.hash !== checkpoint.hash) throw changed(checkpoint, found);
  throwIfStopped(call.signal);
  const llama = await llamaLibrary(options.gpu);
  const model = await load(checkpoint.path, options, call);
  try {
    const metadata = TokenizerMetadata.parse(model.fileInfo.metadata.tokenizer);
    const tokenizer = tokenizerOf(model, metadata, checkpoint.path);
    const contextLength = Math.min(options.contextLength, model.trainContextSize);
    const threads = options.threads ?? llama.cpuMathCores;
    const { lanes: count, cache } = options;
    const vocabSize = metadata.ggml.tokens.length;
    const laneOptions = { lanes: count, threads, contextLength, vocabSize, cache };
    const lanes = await openLanes(model, laneOptions).catch((cause: unknown) => {
      throw noMemory(checkpoint.path, cause);
    });
    const { release } = llama.llamaCppRelease;
    const build = { release, gpu: llama.gpu, cache, threads, contextLength };
    return opened(contentId({ gguf: NUMERICS, checkpoint: checkpoint.hash, ...build }), model, tokenizer, lanes, {
      contextLength,
      chat: metadata.chat_template,
    });
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

function opened(
  identity: string,
  model: LlamaModel,
  tokenizer: Tokenizer,
  lanes: Lanes,
  { contextLength, chat }: { contextLength: number; chat: string | undefined },
): Model {
  const template = chat === undefined ? undefined : new Template(chat);
  const { bosString, eosString } = model.tokens;
  const special = { bos_token: bosString ?? "", eos_token: eosString ?? "" };
  const sampling: SamplingEngine = {
    ...{ lanes, contextLength, tokenizer },
    ends: (id) => model.isEogToken(id as Token),
    promptIds: (prompt) => promptIds(prompt, tokenizer, template, special),
  };
  const scoring = { lanes, contextLength, vocabSize: tokenizer.vocabSize };
  let closing: Promise<void> | undefined;
  return {
    identity,
    tokenizer,
    contextLength,
    sampler: { sample: (requests, call) => sample(sampling, requests, call) },
    scorer: { score: (requests, call) => score(scoring, requests, call) },
    close: () => {
      closing ??= lanes.close().then(() => model.dispose());
      return closing;
    },
  };
}

async function load(path: string, { gpu }: GgufOptions, { signal, onEvent }: CallOptions): Promise<LlamaModel> {
  const llama = await llamaLibrary(gpu);
  let told = 0;
  try {
    return await llama.loadModel({
      modelPath: path,
      ...(gpu ? {} : { gpuLayers: 0 }),
      ...(signal ? { loadSignal: signal } : {}),
      onLoadProgress(share) {
        const percent = Math.floor(100 * share);
        if (percent < told + 5) return;
        told = percent;
        onEvent?.({ kind: "progress", done: percent, total: 100, unit: "% of the model loaded" });
      },
    });
  } catch (cause) {
    throwIfStopped(signal);
    throw badGguf(path, cause);
  }
}

function promptIds(
  prompt: SampleRequest["prompt"],
  tokenizer: Tokenizer,
  chat: Template | undefined,
  special: { bos_token: string; eos_token: string },
): TokenIds | { reason: string } {
  switch (prompt.kind) {
    case "ids":
      return prompt.ids;
    case "text":
      return tokenizer.encode(prompt.text);
    case "messages": {
      if (!chat) return { reason: "the file has no chat template: give the prompt as text or ids" };
      try {
        const messages = [...prompt.messages];
        return tokenizer.encode(chat.render({ messages, add_generation_prompt: true, ...special }));
      } catch (error) {
        return { reason: `the chat template failed: ${messageOf(error)}` };
      }
    }
    default:
      return prompt satisfies never;
  }
}

function changed(checkpoint: Checkpoint, found: Checkpoint): PromptCotError {
  return new PromptCotError({
    boundary: "storage",
    code: "checkpoint-changed",
    message: `${checkpoint.path} holds ${found.hash}, not ${checkpoint.hash} as recorded`,
    next: "restore the file, or start a new run from what it holds now",
  });
}

function badGguf(path: string, cause: unknown): PromptCotError {
  return new PromptCotError({
    boundary: "data",
    code: "bad-gguf",
    message: `llama.cpp cannot load ${path}: ${messageOf(cause)}`,
    next: "fetch or make the file anew; a newer node-llama-cpp knows newer architectures",
    cause,
  });
}

function noMemory(path: string, cause: unknown): PromptCotError {
  return new PromptCotError({
    boundary: "environment",
    code: "no-memory",
    message: `no context can be made for ${path}: ${messageOf(cause)}`,
    next: "lower `contextLength` or `lanes`, or set `cache` to f16",
    cause,
  });
}
