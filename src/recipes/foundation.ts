/**
 * The base model of a run: a checkpoint that is there already, or a tokenizer trained on the training texts alone with
 * freshly initialised weights. Trains no weights.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { PromptCotError } from "../core/errors.ts";
import type { Triple } from "../core/records.ts";
import { exists } from "../journal/files.ts";
import type { Checkpoint, Tokenizer } from "../lm/contract.ts";
import { trainBpe } from "../lm/embedded/bpe.ts";
import { initCheckpoint, openCheckpoint, readTokenizerFiles } from "../lm/embedded/checkpoint.ts";
import { readTokenizer } from "../lm/embedded/tokenizer.ts";
import { specialTokens } from "../stages/em/format.ts";
import { recordOnce, recordsOf, type StageContext } from "../stages/stage.ts";
import type { Config } from "./config.ts";

export interface Foundation {
  base: Checkpoint;
  tokenizer: Tokenizer;
}

/** Made once per run; a run that is resumed finds it. */
export async function foundation(
  context: StageContext,
  config: Config,
  triples: readonly Triple[],
): Promise<Foundation> {
  const { model } = config;
  const base = "from" in model ? await given(context, model) : await fresh(context, model, triples);
  return { base, tokenizer: readTokenizer(await readTokenizerFiles(base.path), base.path) };
}

type Model = Config["model"];

async function fresh(
  context: StageContext,
  { vocabulary, ...sizes }: Exclude<Model, { from: string }>,
  triples: readonly Triple[],
): Promise<Checkpoint> {
  const out = join(context.folder, "checkpoints", "base");
  if (!(await exists(out))) {
    const files = trainBpe(
      triples.flatMap(({ concepts, rationale, problem }) => [concepts.join("; "), rationale, problem]),
      { vocabSize: vocabulary, specialTokens, eosToken: "<|end|>", padToken: "<|pad|>" },
    );
    await initCheckpoint({ config: sizes, tokenizer: files, seed: context.rng.fork("base").uint32(), out });
  }
  return openCheckpoint(out);
}

/** A model folder from outside the run, named by its content. */
const GivenBase = z.strictObject({ path: z.string(), hash: z.string() });
const givenJournal = { journal: "base", schema: GivenBase, version: 1 };

async function given(
  context: StageContext,
  { from, contextLength }: Extract<Model, { from: string }>,
): Promise<Checkpoint> {
  context.onEvent?.({ kind: "note", message: `reading ${from}, to name it by its content` });
  const base = await openCheckpoint(from);
  const longest = await contextOf(from);
  if (longest !== undefined && contextLength > longest) {
    throw new PromptCotError({
      boundary: "config",
      code: "context-too-long",
      message: `model.contextLength is ${contextLength}, and ${from} holds ${longest} tokens`,
      next: `set model.contextLength to ${longest} or less`,
    });
  }
  await recordOnce(context, givenJournal, "base", { path: from, hash: base.hash });
  const [first] = await Array.fromAsync(recordsOf(context, givenJournal));
  if (first !== undefined && first.hash !== base.hash) {
    throw new PromptCotError({
      boundary: "data",
      code: "base-changed",
      message: `${from} is no longer the model that this run started from (${first.hash.slice(0, 12)}, now ${base.hash.slice(0, 12)})`,
      next: "put the old folder back to go on with the run, or start a new one in another folder (--out)",
    });
  }
  return base;
}

const Positions = z.looseObject({ max_position_embeddings: z.number().int().positive().optional() });

/** The tokens that a model says it can hold. */
async function contextOf(folder: string): Promise<number | undefined> {
  const config = Positions.safeParse(JSON.parse(await readFile(join(folder, "config.json"), "utf8")));
  return config.data?.max_position_embeddings;
}
