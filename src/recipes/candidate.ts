/** Finds the model that is to be evaluated: a checkpoint's folder, a GGUF file, or a backend named in a config. */
import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { type Family, familyOf } from "../benchmarks/families.ts";
import { PromptCotError } from "../core/errors.ts";
import { chatTemplateOf } from "../lm/chat-template.ts";
import type { Backend, Checkpoint } from "../lm/contract.ts";
import { openCheckpoint, readTokenizerFiles } from "../lm/embedded/checkpoint.ts";
import { embedded } from "../lm/embedded/index.ts";
import { gguf, ggufCheckpoint } from "../lm/gguf/index.ts";
import { metered } from "../lm/meter.ts";
import { type Resources, speakerNamed, tokenizerOf } from "./backends.ts";
import type { Config } from "./config.ts";
import type { Candidate } from "./evaluation.ts";
import type { SolverConfig } from "./solver-config.ts";

export type CandidateSource =
  /** A checkpoint's folder, or a `.gguf` file; `context` is the room that a GGUF model is given, in tokens. */
  | { kind: "path"; path: string; threads: number; context: number }
  /** `path`: the model to open there, if not the backend's own. */
  | { kind: "backend"; name: string; config: Config | SolverConfig; path: string | undefined };

/** What the model is called, before it is found. */
export function nameOf(source: CandidateSource): string {
  return source.kind === "path" ? source.path : (source.path ?? source.name);
}

/** A candidate and what ends it. @throws PromptCotError where there is no such model */
export async function findCandidate(
  source: CandidateSource,
  resources: Resources,
  family: Family | undefined,
): Promise<{ candidate: Candidate; close(): Promise<void> }> {
  if (source.kind === "path") return fromPath(source, resources, family);
  const { speaker, served, close } = speakerNamed(resources, source.config, source.name, source.path);
  const { backend } = speaker;
  const name = nameOf(source);
  try {
    const checkpoint = await speaker.checkpoint();
    const guess = family ?? (await guessFamily(backend, checkpoint, name));
    return { candidate: { name, backend, checkpoint, family: guess, served }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function fromPath(
  { path, threads, context }: Extract<CandidateSource, { kind: "path" }>,
  { account }: Resources,
  family: Family | undefined,
) {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || (!found.isDirectory() && !path.endsWith(".gguf"))) throw noModel(path);
  if (found.isDirectory()) {
    const checkpoint = await openCheckpoint(path);
    const engine = embedded({ threads });
    const backend = metered(engine, account.meter("embedded"));
    const guess = family ?? (await guessFamily(backend, checkpoint, basename(resolve(path))));
    return {
      candidate: { name: path, backend, checkpoint, family: guess, served: false },
      close: () => engine.close(),
    };
  }
  const checkpoint = await ggufCheckpoint(path);
  const backend = metered(gguf({ lanes: threads, threads: 1, contextLength: context }), account.meter("gguf"));
  const guess = family ?? (await guessFamily(backend, checkpoint, basename(path)));
  return {
    candidate: { name: path, backend, checkpoint, family: guess, served: false },
    close: () => Promise.resolve(),
  };
}

/**
 * By the model's own files: a folder's tokenizer and chat template; of a single file the vocabulary, once it is open. A hosted model
 * has no files to look at, and is taken for a chat model, as is a single file that is no solver of ours.
 */
async function guessFamily(backend: Backend, checkpoint: Checkpoint, name: string): Promise<Family> {
  const found = await stat(checkpoint.path).catch(() => undefined);
  if (found === undefined) return familyOf({ name, hasToken: () => false, hasChatTemplate: true });
  if (found.isDirectory()) {
    const tokenizer = await tokenizerOf(checkpoint);
    const hasToken = (token: string) => tokenizer.idOf(token) !== undefined;
    const hasChatTemplate = chatTemplateOf(await readTokenizerFiles(checkpoint.path)) !== undefined;
    return familyOf({ name, hasToken, hasChatTemplate });
  }
  const model = await backend.open(checkpoint, {});
  try {
    return familyOf({ name, hasToken: (token) => model.tokenizer?.idOf(token) !== undefined, hasChatTemplate: true });
  } finally {
    await model.close();
  }
}

function noModel(path: string): PromptCotError {
  return new PromptCotError({
    boundary: "config",
    code: "no-model",
    message: `there is no model in ${path}`,
    next: "give the folder of a checkpoint in Hugging Face layout, a .gguf file, or a backend of a config: --config FILE --backend NAME",
  });
}
