import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PromptCotError } from "../core/errors.ts";
import { makeFolder, storageError, writeFileAtomic, writeFolderAtomic, writeStreamAtomic } from "./files.ts";

let scratch: string;
let count = 0;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "promptcot-files-"));
});
afterAll(() => rm(scratch, { recursive: true }));
const fresh = () => join(scratch, String(count++));

test("a file is replaced whole, in folders that are made", async () => {
  const path = join(fresh(), "a", "b.json");
  await writeFileAtomic(path, "one");
  await writeFileAtomic(path, new TextEncoder().encode("zwölf"));
  expect(await readFile(path, "utf8")).toBe("zwölf");
  expect(await readdir(join(path, ".."))).toEqual(["b.json"]);
});

test("a file stays as it was if its content fails to come", async () => {
  const path = join(fresh(), "b.json");
  await writeFileAtomic(path, "one");
  const failing = writeStreamAtomic(path, async (file) => {
    await file.write("half of ");
    throw new Error("no more");
  });
  await expect(failing).rejects.toThrow("no more");
  expect(await readFile(path, "utf8")).toBe("one");
  expect(await readdir(join(path, ".."))).toEqual(["b.json"]);
});

test("a folder appears whole or not at all, and is never replaced", async () => {
  const path = join(fresh(), "checkpoint");
  const failing = writeFolderAtomic(path, async (temporary) => {
    await writeFile(join(temporary, "weights"), "1");
    throw new Error("no more");
  });
  await expect(failing).rejects.toThrow("no more");
  expect(await readdir(join(path, ".."))).toEqual([]);
  // What a killed process left is not mixed in.
  await writeFileAtomic(join(path, "..", ".checkpoint.tmp", "stale"), "x");
  const fill = (temporary: string) => writeFileAtomic(join(temporary, "sub", "weights"), "2");
  await writeFolderAtomic(path, fill);
  expect(await readdir(path, { recursive: true })).toEqual(["sub", join("sub", "weights")]);
  await expect(writeFolderAtomic(path, fill)).rejects.toMatchObject({ boundary: "storage", code: "exists" });
});

test("folders are made with their parents, by several at once, and where they are there already", async () => {
  const path = join(fresh(), "a", "b", "c");
  await Promise.all([makeFolder(path), makeFolder(path), makeFolder(join(path, ".."))]);
  await makeFolder(path);
  expect(await readdir(join(path, ".."))).toEqual(["c"]);
  await writeFile(join(path, "file"), "");
  await expect(makeFolder(join(path, "file", "d"))).rejects.toMatchObject({ boundary: "storage" });
});

// Node's own recursive mkdir does not come back from this one.
test.runIf(process.platform === "linux")("a folder that cannot be is refused", async () => {
  await expect(makeFolder("/proc/promptcot/run")).rejects.toMatchObject({ boundary: "storage" });
});

test("an error of the file system names path, cause and next step; others pass through", () => {
  const full = storageError(Object.assign(new Error("x"), { code: "ENOSPC" }), "/runs/a", "append to");
  expect(full).toBeInstanceOf(PromptCotError);
  expect(full).toMatchObject({
    boundary: "storage",
    code: "disk-full",
    message: "could not append to /runs/a: no space is left on the disk",
  });
  const odd = storageError(Object.assign(new Error("x"), { code: "EDOM" }), "/a", "read");
  expect(odd).toMatchObject({ code: "io-error", message: expect.stringContaining("EDOM") });
  const bug = new TypeError("ours");
  expect(storageError(bug, "/a", "read")).toBe(bug);
  const noErrno = Object.assign(new Error("x"), { code: "ERR_INVALID_ARG_TYPE" });
  expect(storageError(noErrno, "/a", "read")).toBe(noErrno);
});
