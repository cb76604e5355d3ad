/**
 * Checkpoints in Hugging Face layout: a folder written whole or not at all, and named by its content.
 * Holds weights, config and tokenizer, and beside them what training needs to go on. Never runs a model.
 *
 *   config.json · generation_config.json · tokenizer.json · tokenizer_config.json · model.safetensors   (hashed)
 *   chat_template.jinja, where there is one                                                             (hashed)
 *   optimizer.safetensors · training.json                                                               (not hashed)
 */
import { access, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { messageOf, PromptCotError } from "../../core/errors.ts";
import { contentId, sha256File } from "../../core/hash.ts";
import { type Rng, rng } from "../../core/rng.ts";
import { failPoint } from "../../journal/fail-point.ts";
import { errnoOf, storageError } from "../../journal/files.ts";
import type { Checkpoint } from "../contract.ts";
import type { TokenizerFiles } from "./bpe.ts";
import { configJson, type ModelConfig, type NewModel, newConfig, parseConfig } from "./config.ts";
import { parameterList } from "./model.ts";
import { type NamedTensor, readSafetensors, writeSafetensors } from "./safetensors.ts";
import { readTokenizer } from "./tokenizer.ts";

/** What a checkpoint holds, in memory. */
export interface CheckpointContent {
  config: ModelConfig;
  tokenizer: TokenizerFiles;
  /** By Hugging Face parameter name; row-major, as PyTorch's `Linear` keeps them: [out][in]. */
  weights: ReadonlyMap<string, NamedTensor>;
}

/** A file beside the model that is not part of its content. */
export interface ExtraFile {
  name: string;
  bytes: readonly Uint8Array[];
}

const CONTENT =
  /^(config|generation_config|tokenizer|tokenizer_config)\.json$|^chat_template\.jinja$|^model.*\.safetensors(\.index\.json)?$/;
const CHAT_TEMPLATE = "chat_template.jinja";
const INDEX = "model.safetensors.index.json";

/**
 * Writes a checkpoint folder: first under a temporary name beside `out`, then renamed.
 * @throws PromptCotError `checkpoint-exists` if `out` is there with other content; those of `storageError` if the disk refuses.
 */
export async function writeCheckpoint(
  out: string,
  content: CheckpointContent,
  extras: readonly ExtraFile[] = [],
): Promise<Checkpoint> {
  const { config, tokenizer } = content;
  const eos = config.eosIds.length === 1 ? config.eosIds[0] : config.eosIds;
  const generation = { ...(config.eosIds.length === 0 ? {} : { eos_token_id: eos }) };
  const files: ExtraFile[] = [
    { name: "config.json", bytes: [jsonBytes(configJson(config))] },
    { name: "generation_config.json", bytes: [jsonBytes(generation)] },
    { name: "tokenizer.json", bytes: [Buffer.from(tokenizer.tokenizerJson)] },
    { name: "tokenizer_config.json", bytes: [Buffer.from(tokenizer.tokenizerConfigJson)] },
    ...(tokenizer.chatTemplate === undefined
      ? []
      : [{ name: CHAT_TEMPLATE, bytes: [Buffer.from(tokenizer.chatTemplate)] }]),
    { name: "model.safetensors", bytes: writeSafetensors(content.weights, { format: "pt" }) },
    ...extras,
  ];
  // Always of one name, so that what a killed process left behind does not pile up.
  const temporary = `${out}.tmp`;
  try {
    await rm(temporary, { recursive: true, force: true });
    await writeFolder(temporary, files);
    const hash = await hashFolder(temporary);
    await moveInto(temporary, out, hash);
    return { path: out, hash };
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw storageError(error, out, "write");
  }
}

/** Names a folder in Hugging Face layout by its content. @throws PromptCotError `no-checkpoint` if it is none. */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  await findModel(path);
  return { path, hash: await hashFolder(path) };
}

/**
 * Reads a checkpoint whole, shards included.
 * @throws PromptCotError `no-checkpoint`, `bad-checkpoint` (a weight is missing or of the wrong shape), and those of
 * `parseConfig` and `readSafetensors`.
 */
export async function readCheckpoint(path: string): Promise<CheckpointContent> {
  return { ...(await readModel(path)), tokenizer: await readTokenizerFiles(path) };
}

/** Config and weights alone, for a folder that may have no tokenizer. Throws as `readCheckpoint`. */
export async function readModel(path: string): Promise<Omit<CheckpointContent, "tokenizer">> {
  const files = await findModel(path);
  const config = parseConfig(await readJson(join(path, "config.json")), join(path, "config.json"));
  const stored = new Map<string, NamedTensor>();
  for (const file of files) {
    for (const [name, tensor] of (await readSafetensors(join(path, file))).tensors) stored.set(name, tensor);
  }
  const weights = new Map<string, NamedTensor>();
  for (const { name, shape } of parameterList(config)) {
    const tensor = stored.get(name);
    if (!tensor) throw badCheckpoint(path, `the weight "${name}" is missing`);
    if (tensor.shape.join() !== shape.join())
      throw badCheckpoint(path, `the weight "${name}" has shape [${tensor.shape}], the config asks for [${shape}]`);
    weights.set(name, tensor);
  }
  return { config, weights };
}

/** The tokenizer's files in a folder. @throws PromptCotError `no-tokenizer`. */
export async function readTokenizerFiles(path: string): Promise<TokenizerFiles> {
  try {
    const [tokenizerJson, tokenizerConfigJson, chatTemplate] = await Promise.all([
      readFile(join(path, "tokenizer.json"), "utf8"),
      readFile(join(path, "tokenizer_config.json"), "utf8"),
      readIfThere(join(path, CHAT_TEMPLATE)),
    ]);
    return { tokenizerJson, tokenizerConfigJson, ...(chatTemplate === undefined ? {} : { chatTemplate }) };
  } catch (cause) {
    throw new PromptCotError({
      boundary: "storage",
      code: "no-tokenizer",
      message: `${path} has no tokenizer: ${messageOf(cause)}`,
      next: "give a folder with tokenizer.json and tokenizer_config.json",
      cause,
    });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

export interface InitOptions {
  config: NewModel;
  tokenizer: TokenizerFiles;
  seed: number;
  /** Folder of the new checkpoint. */
  out: string;
}

/**
 * Writes an untrained model for the tokenizer's vocabulary: weights normal with `initializerRange`, norms 1, biases 0,
 * as transformers initialises. Generation ends after the tokenizer's `eos_token`.
 */
export async function initCheckpoint({ config: sizes, tokenizer, seed, out }: InitOptions): Promise<Checkpoint> {
  const config = newConfig(sizes, vocabularyOf(tokenizer, out));
  const root = rng(seed).fork("init");
  const weights = new Map<string, NamedTensor>();
  for (const { name, shape } of parameterList(config)) {
    const data = new Float32Array(shape.reduce((product, n) => product * n, 1));
    if (name.endsWith("norm.weight")) data.fill(1);
    else if (name.endsWith(".weight")) fillNormal(data, config.initializerRange, root.fork(name));
    weights.set(name, { data, shape });
  }
  return writeCheckpoint(out, { config, tokenizer, weights });
}

function vocabularyOf(files: TokenizerFiles, where: string): { size: number; eosIds: number[] } {
  const tokenizer = readTokenizer(files, where);
  const Config = z.looseObject({ eos_token: z.union([z.string(), z.looseObject({ content: z.string() })]).nullish() });
  const eos = Config.parse(JSON.parse(files.tokenizerConfigJson)).eos_token;
  const id = eos == null ? undefined : tokenizer.idOf(typeof eos === "string" ? eos : eos.content);
  return { size: tokenizer.vocabSize, eosIds: id === undefined ? [] : [id] };
}

function fillNormal(data: Float32Array, deviation: number, random: Rng): void {
  for (let i = 0; i < data.length; i++) data[i] = deviation * random.normal();
}

/** Writes and syncs files into a new folder. */
async function writeFolder(folder: string, files: readonly ExtraFile[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { name, bytes } of files) {
    const file = await open(join(folder, name), "wx");
    try {
      for (const part of bytes) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
  }
  await syncFolder(folder);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function moveInto(temporary: string, out: string, hash: string): Promise<void> {
  if (await exists(out)) {
    if ((await hashFolder(out)) !== hash) {
      throw new PromptCotError({
        boundary: "storage",
        code: "checkpoint-exists",
        message: `${out} already holds something else`,
        next: "choose another folder, or remove this one",
      });
    }
    await rm(temporary, { recursive: true });
    return;
  }
  failPoint("write-temporary");
  await rename(temporary, out);
  failPoint("rename");
  await syncFolder(dirname(out));
}

/** 128 bits of a hash over the names and contents of the model's files. */
async function hashFolder(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => CONTENT.test(name)).sort();
  const files: Record<string, string> = {};
  for (const name of names) files[name] = await sha256File(join(folder, name));
  return contentId({ checkpoint: files });
}

/** Names of the weight files. */
async function findModel(path: string): Promise<string[]> {
  if (await exists(join(path, INDEX))) {
    const Index = z.looseObject({ weight_map: z.record(z.string(), z.string()) });
    const index = Index.safeParse(await readJson(join(path, INDEX)));
    if (!index.success) throw badCheckpoint(path, `${INDEX} has no weight_map`);
    const shards = [...new Set(Object.values(index.data.weight_map))].sort();
    const stray = shards.find((shard) => basename(shard) !== shard);
    if (stray) throw badCheckpoint(path, `${INDEX} points outside its folder ("${stray}")`);
    return shards;
  }
  if ((await exists(join(path, "config.json"))) && (await exists(join(path, "model.safetensors"))))
    return ["model.safetensors"];
  throw new PromptCotError({
    boundary: "storage",
    code: "no-checkpoint",
    message: `${path} holds no checkpoint (config.json and model.safetensors)`,
    next: "give a model folder in Hugging Face layout",
  });
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw badCheckpoint(path, messageOf(cause), cause);
  }
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

function badCheckpoint(path: string, why: string, cause?: unknown): PromptCotError {
  return new PromptCotError({
    boundary: "storage",
    code: "bad-checkpoint",
    message: `${path}: ${why}`,
    next: "fetch or write the checkpoint again",
    cause,
  });
}
