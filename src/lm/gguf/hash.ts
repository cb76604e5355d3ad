/** Names what the gguf backend opens by its content. Opens no model. */
import { open, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { messageOf, PromptCotError } from "../../core/errors.ts";
import { contentId, sha256File } from "../../core/hash.ts";
import type { Checkpoint } from "../contract.ts";
import { openCheckpoint } from "../embedded/checkpoint.ts";

/** Hashes of files that this process has read, until a file changes: some of them are large. */
const known = new Map<string, { size: number; modified: number; hash: string }>();

/**
 * Names a GGUF file, or a checkpoint folder, by its content.
 * @throws PromptCotError `no-gguf` if it is neither, `no-checkpoint` if the folder holds none
 */
export async function ggufCheckpoint(path: string): Promise<Checkpoint> {
  const where = resolve(path);
  const found = await stat(where).catch((cause: unknown) => {
    throw noGguf(path, cause);
  });
  if (found.isDirectory()) return openCheckpoint(path);
  try {
    const { size, mtimeMs: modified } = found;
    const before = known.get(where);
    if (before?.size === size && before.modified === modified) return { path, hash: before.hash };
    if (!(await startsAsGguf(where))) throw new Error("it does not begin as GGUF files do");
    const hash = contentId({ gguf: await sha256File(where) });
    known.set(where, { size, modified, hash });
    return { path, hash };
  } catch (cause) {
    throw noGguf(path, cause);
  }
}

async function startsAsGguf(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.toString("latin1") === "GGUF";
  } finally {
    await file.close();
  }
}

function noGguf(path: string, cause: unknown): PromptCotError {
  return new PromptCotError({
    boundary: "storage",
    code: "no-gguf",
    message: `${path} is not a GGUF file: ${messageOf(cause)}`,
    next: "give the path of a .gguf file (of a split one the first part), or a checkpoint folder in Hugging Face layout",
    cause,
  });
}
