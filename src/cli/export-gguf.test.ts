import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { untrained } from "../lm/embedded/small-model.case.ts";
import { ggufCheckpoint, writeGguf } from "../lm/gguf/index.ts";
import { main } from "./main.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-export-gguf-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("writes the file that the library writes, and says what it is", async () => {
  const { checkpoint } = await untrained(folder);
  const out = join(folder, "model.gguf");
  const said = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  expect(await main(["export-gguf", checkpoint.path, out])).toBe(0);
  expect(said.mock.calls.flat().join("")).toMatch(/model\.gguf: 0\.\d MB in float32, content [0-9a-f]{32}/);
  said.mockRestore();
  expect((await ggufCheckpoint(out)).hash).toBe((await writeGguf(checkpoint.path, join(folder, "again.gguf"))).hash);
});

it("says what is wrong with a folder that is no checkpoint", async () => {
  const complaint = vi.spyOn(console, "error").mockReturnValue(undefined);
  expect(await main(["export-gguf", tmpdir(), join(folder, "x.gguf")])).toBe(4);
  expect(complaint.mock.calls.flat().join("")).toMatch(/holds no checkpoint/);
  complaint.mockRestore();
});
