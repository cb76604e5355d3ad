/**
 * Writes whole files and folders so that a reader sees the old one or the new one, never a part; and says in plain words what the
 * file system refused. It does not append: that is the journal.
 */
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { PromptCotError } from "../core/errors.ts";
import { failPoint } from "./fail-point.ts";

/**
 * Replaces `path` by `data`: temporary file beside it, fsync, rename, fsync of the folder. Parent folders are made.
 * A temporary file left by a killed process is overwritten by the next write of the same path.
 * @throws PromptCotError boundary `storage`
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  await writeStreamAtomic(path, async (file) => {
    await file.writeFile(data);
  });
}

/**
 * As `writeFileAtomic`, for content that is written piece by piece: `fill` gets the temporary file's handle and its path.
 * If `fill` throws, the temporary file is removed and `path` is as it was.
 */
export async function writeStreamAtomic(
  path: string,
  fill: (file: FileHandle, temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = temporaryOf(path);
  try {
    await makeFolder(dirname(path));
    const file = await open(temporary, "w");
    try {
      await fill(file, temporary);
      await file.sync();
    } finally {
      await file.close();
    }
    failPoint("write-temporary");
    await rename(temporary, path);
    failPoint("rename");
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw storageError(error, path, "write");
  }
}

/**
 * Makes the folder `path` appear whole: `fill` writes into a temporary folder beside it, every file and folder in it is fsynced, then it
 * is renamed. A folder is never replaced (no file system swaps folders portably): name folders by content or step, and point to the
 * current one from a file. A temporary folder left by a killed process is emptied first.
 * @throws PromptCotError boundary `storage`, code `exists` if `path` exists
 */
export async function writeFolderAtomic(path: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = temporaryOf(path);
  try {
    await makeFolder(dirname(path));
    if (await exists(path)) {
      throw new PromptCotError({
        boundary: "storage",
        code: "exists",
        message: `${path} exists already`,
        next: "choose another folder, or move this one away",
      });
    }
    await rm(temporary, { recursive: true, force: true });
    await makeFolder(temporary);
    await fill(temporary);
    await syncTree(temporary);
    failPoint("write-temporary");
    await rename(temporary, path);
    failPoint("rename");
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw storageError(error, path, "write");
  }
}

/** Makes a folder and its missing parents, each flushed into the folder above it. */
export async function makeFolder(path: string): Promise<void> {
  try {
    const first = await makeMissing(resolve(path));
    if (first === undefined) return;
    const top = dirname(first);
    for (let folder = resolve(path); folder !== top; ) {
      folder = dirname(folder);
      await syncFolder(folder);
    }
  } catch (error) {
    throw storageError(error, path, "make the folder");
  }
}

/**
 * Makes a folder, and first its parents where they are missing; returns the highest folder that it made. Node's own recursion never
 * comes back where the parent is there and the system says "no such folder" all the same, as it does under /proc.
 */
async function makeMissing(path: string): Promise<string | undefined> {
  const once = await makeOne(path);
  if (typeof once === "string") return once === "made" ? path : undefined;
  const parent = dirname(path);
  if (errnoOf(once.error) !== "ENOENT" || parent === path) throw once.error;
  const first = await makeMissing(parent);
  const again = await makeOne(path);
  if (typeof again === "string") return first ?? (again === "made" ? path : undefined);
  throw again.error;
}

/** Makes one folder, and says what came of it. */
async function makeOne(path: string): Promise<"made" | "there" | { error: unknown }> {
  try {
    await mkdir(path);
    return "made";
  } catch (error) {
    return (await stat(path).catch(() => undefined))?.isDirectory() ? "there" : { error };
  }
}

/** Flushes a folder's list of names. Without it, a file that was just made or renamed may be gone after a power cut. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return; // folders cannot be opened there
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await (await open(path, "r")).close();
    return true;
  } catch (error) {
    return errnoOf(error) !== "ENOENT" && errnoOf(error) !== "ENOTDIR";
  }
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) {
      const file = await open(path, "r+");
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    }
  }
  await syncFolder(folder);
}

// One name per target, without a process id: what a killed process leaves is overwritten, so no junk gathers.
function temporaryOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.tmp`);
}

export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

/**
 * The user's view of an error of the file system; an error that is none is returned as it is.
 * @param doing what failed, as in "could not ‹doing› ‹path›"
 */
export function storageError(error: unknown, path: string, doing: string): unknown {
  if (error instanceof PromptCotError) return error;
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  // Elsewhere `-` stands for standard input.
  const asked = path === "-" && errno === "ENOENT" ? "ESPIPE" : errno;
  const known = STORAGE[asked] ?? { code: "io-error", why: `the file system answered ${errno}`, next: IO_NEXT };
  return new PromptCotError({
    boundary: "storage",
    code: known.code,
    message: `could not ${doing} ${path}: ${known.why}`,
    next: known.next,
    cause: error,
  });
}

const AGAIN = "then run the same command again: it goes on from what was committed";
const IO_NEXT = `check the disk, ${AGAIN}`;
const FULL = { code: "disk-full", why: "no space is left on the disk", next: `free some space, ${AGAIN}` };
const READ_ONLY = {
  code: "not-writable",
  why: "this user may not write there, or the disk is read-only",
  next: "choose a folder that you can write to, or change its permissions, and run the same command again",
};
const NOT_A_FOLDER = {
  code: "not-a-folder",
  why: "a file stands where a folder is needed",
  next: "move that file away or choose another folder, and run the same command again",
};
const STORAGE: Record<string, { code: string; why: string; next: string }> = {
  ENOSPC: FULL,
  EDQUOT: { ...FULL, why: "the disk quota is used up" },
  EFBIG: {
    code: "file-too-large",
    why: "the file would grow over the size that this system or `ulimit -f` allows",
    next: `raise the limit, ${AGAIN}`,
  },
  EROFS: READ_ONLY,
  EACCES: READ_ONLY,
  EPERM: READ_ONLY,
  ENOTDIR: NOT_A_FOLDER,
  EEXIST: NOT_A_FOLDER,
  EISDIR: { code: "not-a-file", why: "it is a folder, and a file is needed", next: "choose another path" },
  ESPIPE: {
    code: "not-a-file",
    why: "it is a pipe, and it must be read more than once",
    next: "write what comes through it into a file first, and name that",
  },
  ENOENT: { code: "missing-file", why: "it does not exist", next: "check the path" },
  EMFILE: {
    code: "too-many-files",
    why: "this process may not open more files",
    next: `raise \`ulimit -n\`, ${AGAIN}`,
  },
};
