/** Finds the model that is to be evaluated: a checkpoint's folder, or a backend named in a config with its own model. */
import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { z } from "zod";
import { type Family, familyOf } from "../benchmarks/families.ts";
import { PromptCotError } from "../core/errors.ts";
import type { Checkpoint } from "../lm/contract.ts";
import { openCheckpoint, readTokenizerFiles } from "../lm/embedded/checkpoint.ts";
import { embedded } from "../lm/embedded/index.ts";
import { metered } from "../lm/meter.ts";
import { type Resources, speakerNamed, tokenizerOf } from "./backends.ts";
import type { Config } from "./config.ts";
import type { Candidate } from "./evaluation.ts";

export type CandidateSource =
  | { kind: "folder"; path: string; threads: number }
  /** `path`: the model to open there, if not the backend's own. */
  | { kind: "backend"; name: string; config: Config; path: string | undefined };

/** A candidate and what ends it. @throws PromptCotError where there is no such model */
export async function findCandidate(
  source: CandidateSource,
  resources: Resources,
  family: Family | undefined,
): Promise<{ candidate: Candidate; close(): Promise<void> }> {
  if (source.kind === "folder") return fromFolder(source, resources, family);
  const { speaker, served, close } = speakerNamed(resources, source.config, source.name, source.path);
  const checkpoint = await speaker.checkpoint();
  const name = source.path ?? source.name;
  const guess = family ?? (await guessFamily(checkpoint, name));
  return { candidate: { name, backend: speaker.backend, checkpoint, family: guess, served }, close };
}

async function fromFolder(
  { path, threads }: Extract<CandidateSource, { kind: "folder" }>,
  { account }: Resources,
  family: Family | undefined,
) {
  if (!(await stat(path).catch(() => undefined))?.isDirectory()) throw noModel(path);
  const checkpoint = await openCheckpoint(path);
  const engine = embedded({ threads });
  const candidate: Candidate = {
    name: path,
    backend: metered(engine, account.meter("embedded")),
    checkpoint,
    family: family ?? (await guessFamily(checkpoint, basename(resolve(path)))),
    served: false,
  };
  return { candidate, close: () => engine.close() };
}

/** A hosted model has no files to look at: it is asked as a chat model. */
async function guessFamily(checkpoint: Checkpoint, name: string): Promise<Family> {
  if (!(await stat(checkpoint.path).catch(() => undefined))?.isDirectory()) {
    return familyOf({ name, hasToken: () => false, hasChatTemplate: true });
  }
  const tokenizer = await tokenizerOf(checkpoint);
  const files = await readTokenizerFiles(checkpoint.path);
  const template = z.looseObject({ chat_template: z.unknown() }).safeParse(JSON.parse(files.tokenizerConfigJson));
  return familyOf({
    name,
    hasToken: (token) => tokenizer.idOf(token) !== undefined,
    hasChatTemplate: template.data?.chat_template !== undefined,
  });
}

function noModel(path: string): PromptCotError {
  return new PromptCotError({
    boundary: "config",
    code: "no-model",
    message: `there is no model in ${path}`,
    next: "give the folder of a checkpoint in Hugging Face layout, or a backend of a config: --config FILE --backend NAME",
  });
}
