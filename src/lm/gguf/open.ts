/** An open GGUF file: its lanes, sampler and scorer, in this process. Of a checkpoint folder it makes one first. */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Llama, LlamaModel, Token } from "node-llama-cpp";
import { messageOf, PromptCotError, throwIfStopped } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import { contentId } from "../../core/hash.ts";
import { promptIds, type RenderChat, renderChat } from "../chat-template.ts";
import type { Checkpoint, Model, Tokenizer } from "../contract.ts";
import { ggufCheckpoint } from "./hash.ts";
import { type Lanes, openLanes } from "./lanes.ts";
import { llamaLibrary } from "./library.ts";
import type { GgufOptions } from "./options.ts";
import { type SamplingEngine, sample } from "./sample.ts";
import { score } from "./score.ts";
import { TokenizerMetadata, tokenizerOf } from "./tokenizer.ts";
import { writeGguf } from "./write.ts";

/** Part of every identity: raised when a change here changes answers' last bits. */
const NUMERICS = 1;

/** The format's number for files without quantized tensors. */
const ALL_FLOAT32 = 0;

/**
 * @throws PromptCotError `checkpoint-changed` if the path no longer holds what the checkpoint names, `bad-gguf`, `bad-tokenizer`,
 * `no-memory`, and those of `ggufCheckpoint`, `writeGguf` and `llamaLibrary`
 */
export async function openGguf(checkpoint: Checkpoint, options: GgufOptions, call: CallOptions): Promise<Model> {
  const found = await ggufCheckpoint(checkpoint.path);
  if (found.hash !== checkpoint.hash) throw changed(checkpoint, found);
  throwIfStopped(call.signal);
  const llama = await llamaLibrary(options.gpu);
  const file = await fileOf(checkpoint.path);
  try {
    throwIfStopped(call.signal);
    const loaded = await load(llama, file.path, options, call);
    // A mapped file need not have a name, and what has none is not left behind by a process that is killed.
    if (process.platform !== "win32") await file.remove();
    try {
      return await prepared(llama, loaded, checkpoint, options, file.remove);
    } catch (error) {
      await loaded.dispose();
      throw error;
    }
  } catch (error) {
    await file.remove();
    throw error;
  }
}

/** The file to load, which a folder's checkpoint gets for as long as it is open. */
async function fileOf(path: string): Promise<{ path: string; remove(): Promise<void> }> {
  if (!(await stat(path)).isDirectory()) return { path, remove: () => Promise.resolve() };
  const scratch = await mkdtemp(join(tmpdir(), "promptcot-gguf-"));
  const remove = () => rm(scratch, { recursive: true, force: true });
  try {
    return { path: (await writeGguf(path, join(scratch, "model.gguf"))).path, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function prepared(
  llama: Llama,
  model: LlamaModel,
  checkpoint: Checkpoint,
  options: GgufOptions,
  remove: () => Promise<void>,
): Promise<Model> {
  const metadata = TokenizerMetadata.parse(model.fileInfo.metadata.tokenizer);
  const tokenizer = tokenizerOf(model, metadata, checkpoint.path);
  const contextLength = Math.min(options.contextLength, model.trainContextSize);
  const threads = options.threads ?? llama.cpuMathCores;
  const { lanes: count, cache = model.fileInfo.metadata.general.file_type === ALL_FLOAT32 ? "f32" : "f16" } = options;
  const vocabSize = metadata.ggml.tokens.length;
  const lanes = await openLanes(model, { lanes: count, threads, contextLength, vocabSize, cache }).catch(
    (cause: unknown) => {
      throw noMemory(checkpoint.path, cause);
    },
  );
  const { release } = llama.llamaCppRelease;
  const build = { release, gpu: llama.gpu, cache, threads, contextLength };
  const identity = contentId({ gguf: NUMERICS, checkpoint: checkpoint.hash, ...build });
  const close = async () => {
    await lanes.close();
    await model.dispose();
    await remove();
  };
  const { bosString, eosString } = model.tokens;
  const special = { bos_token: bosString ?? "", eos_token: eosString ?? "" };
  const template = metadata.chat_template;
  const chat = template === undefined ? undefined : renderChat(template, special, checkpoint.path);
  return opened({ identity, model, tokenizer, lanes, contextLength, chat, close });
}

interface Parts {
  identity: string;
  model: LlamaModel;
  tokenizer: Tokenizer;
  lanes: Lanes;
  contextLength: number;
  chat: RenderChat | undefined;
  close(): Promise<void>;
}

function opened({ identity, model, tokenizer, lanes, contextLength, chat, close }: Parts): Model {
  const sampling: SamplingEngine = {
    ...{ lanes, contextLength, tokenizer },
    ends: (id) => model.isEogToken(id as Token),
    promptIds: (prompt) => promptIds(prompt, tokenizer, chat, "the file"),
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
      closing ??= close();
      return closing;
    },
  };
}

async function load(
  llama: Llama,
  path: string,
  { gpu }: GgufOptions,
  { signal, onEvent }: CallOptions,
): Promise<LlamaModel> {
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
