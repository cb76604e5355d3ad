import { spawnSync } from "node:child_process";
import { appendFile, mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openUsage, readUsage, type UsageLine } from "./usage.ts";

const line = (stage: string, requests: number): UsageLine => ({
  ...{ kind: "tokens", stage, backend: "b", source: "paid", requests, prompt: 10 * requests, completion: requests },
});

it("sums up by stage, cuts a torn line off, and goes on", async () => {
  const run = await mkdtemp(join(tmpdir(), "usage-"));
  expect(await readUsage(run)).toEqual([]);
  const first = await openUsage(run);
  first.append([line("a", 1), { kind: "time", stage: "a", seconds: 2 }]);
  first.append([line("b", 1), line("a", 2)]);
  first.close();
  await appendFile(join(run, "usage.jsonl"), '{"kind":"tokens","stage":"a","req');
  const summed = [line("a", 3), { kind: "time", stage: "a", seconds: 2 }, line("b", 1)];
  expect(await readUsage(run)).toEqual(summed);
  const second = await openUsage(run);
  expect(second.before).toEqual(summed);
  second.append([line("b", 4)]);
  second.close();
  expect(await readUsage(run)).toEqual([line("a", 3), { kind: "time", stage: "a", seconds: 2 }, line("b", 5)]);
  expect((await readFile(join(run, "usage.jsonl"), "utf8")).split("\n")).toHaveLength(5);
});

it.skipIf(process.platform === "win32")(
  "a write that finds no room leaves nothing behind, and the next one is whole",
  async () => {
    const run = await mkdtemp(join(tmpdir(), "usage-"));
    const child = join(import.meta.dirname, "usage.child.ts");
    // One block of 1,024 bytes: the system takes the beginning of the second line, and refuses its rest.
    const ended = spawnSync("bash", ["-c", `ulimit -f 1; exec "$0" "$@"`, process.execPath, child, run], {
      encoding: "utf8",
    });
    expect(ended).toMatchObject({ status: 0, stdout: "file-too-large\n" });
    expect((await readUsage(run)).map((line) => line.stage[0])).toEqual(["a", "c"]);
  },
);

it("names a line that it cannot read", async () => {
  const run = await mkdtemp(join(tmpdir(), "usage-"));
  await appendFile(join(run, "usage.jsonl"), '{"kind":"money"}\n');
  await expect(readUsage(run)).rejects.toMatchObject({
    code: "damaged-usage",
    message: expect.stringContaining("usage.jsonl:1"),
  });
});
