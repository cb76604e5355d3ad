/**
 * Fetches a data set's file from the Hugging Face Hub, once: a file is kept under the hash of its content, so that a data set that
 * changed is fetched anew and one that did not is not. Reads no rows.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { downloadFile, HubApiError, listFiles } from "@huggingface/hub";
import { messageOf, PromptCotError } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import { exists, makeFolder } from "../journal/files.ts";

export interface HubOptions {
  /** Another Hub than the public one. */
  hubUrl?: string | undefined;
  /** For data sets that are not public. */
  token?: string | undefined;
  /** Where files are kept; by default `~/.cache/promptcot/hub`. */
  cache?: string | undefined;
}

export interface Dataset {
  repo: string;
  revision: string;
  /** The file, or the beginning of its path; left out where the data set has only one, or only one for testing. */
  file?: string | undefined;
}

/** `hf:owner/name[@revision][/file]` */
export function parseDataset(text: string): Dataset {
  const found = /^hf:([\w.-]+\/[\w.-]+)(?:@([\w.-]+))?(?:\/(.+))?$/.exec(text);
  if (found?.[1] === undefined) {
    throw new PromptCotError({
      boundary: "config",
      code: "bad-dataset",
      message: `"${text}" does not name a data set`,
      next: "write hf:owner/name, with @revision and /file behind it if need be",
    });
  }
  return { repo: found[1], revision: found[2] ?? "main", file: found[3] };
}

/** @returns the file on this machine, and where it came from */
export async function downloadDataset(
  dataset: Dataset,
  options: HubOptions & CallOptions,
): Promise<{ path: string; origin: string }> {
  const { path: file, id } = await chooseFile(dataset, options);
  const cache = options.cache ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "promptcot", "hub");
  const path = join(cache, ...dataset.repo.split("/"), id, basename(file));
  const origin = `hf:${dataset.repo}@${dataset.revision}/${file}`;
  if (await exists(path)) return { path, origin };
  options.onEvent?.({ kind: "note", message: `fetching ${origin}` });
  await makeFolder(dirname(path));
  const blob = await asking(dataset, () =>
    downloadFile({
      repo: { type: "dataset", name: dataset.repo },
      path: file,
      revision: dataset.revision,
      xet: false,
      ...hub(options),
    }),
  );
  if (blob === null) throw refused(dataset, "the file is not there");
  const part = `${path}.${process.pid}.part`;
  try {
    await writeFile(part, blob.stream(), { signal: options.signal });
    await checkContent(part, id, blob.size, dataset);
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
  return { path, origin };
}

function hub({ hubUrl, token }: HubOptions) {
  return { ...(hubUrl === undefined ? {} : { hubUrl }), ...(token === undefined ? {} : { accessToken: token }) };
}

const DATA = /\.(jsonl|parquet)(\.gz|\.zst)?$/;

async function chooseFile(dataset: Dataset, options: HubOptions): Promise<{ path: string; id: string }> {
  const files: { path: string; id: string }[] = [];
  await asking(dataset, async () => {
    const repo = { type: "dataset" as const, name: dataset.repo };
    for await (const entry of listFiles({ repo, recursive: true, revision: dataset.revision, ...hub(options) })) {
      const id = entry.lfs?.oid ?? entry.oid;
      if (entry.type === "file" && id !== undefined && DATA.test(entry.path)) files.push({ path: entry.path, id });
    }
  });
  const named = files.filter(({ path }) => dataset.file === undefined || path.startsWith(dataset.file));
  const candidates = named.length > 1 ? named.filter(({ path }) => /(^|[/_-])test/.test(path)) : named;
  const [only, ...others] = candidates;
  if (only !== undefined && others.length === 0) return only;
  const listed = (named.length > 0 ? named : files).map(({ path }) => path).join(", ");
  throw new PromptCotError({
    boundary: "data",
    code: "which-file",
    message: `the data set ${dataset.repo} has ${listed === "" ? "no JSONL or Parquet file" : `these files: ${listed}`}`,
    next: `name the one to use: hf:${dataset.repo}/FILE`,
  });
}

/** What arrived is what was listed: SHA-256 of a large file, git's id of a small one. */
async function checkContent(path: string, id: string, size: number, dataset: Dataset): Promise<void> {
  const hash = id.length === 64 ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  if (hash.digest("hex") !== id) throw refused(dataset, "the file that arrived is not the one that was listed");
}

async function asking<T>(dataset: Dataset, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PromptCotError) throw error;
    throw refused(dataset, messageOf(error), error);
  }
}

function refused(dataset: Dataset, why: string, cause?: unknown): PromptCotError {
  const status = cause instanceof HubApiError ? cause.statusCode : undefined;
  return new PromptCotError({
    boundary: "data",
    code: "hub-refused",
    message: `cannot fetch the data set ${dataset.repo} (${dataset.revision}): ${why}`,
    next:
      status === 401 || status === 403 || status === 404
        ? "check its name; for one that is not public set HF_TOKEN"
        : "check the network, or give a local file by --data",
    cause,
  });
}
