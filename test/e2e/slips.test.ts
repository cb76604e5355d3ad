/** What people type wrong: each slip is named, with what would be right, and never shown as a stack. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../../src/core/hash.ts";
import { openRun } from "../../src/journal/run.ts";
import { resolveAny } from "../../src/recipes/config.ts";
import { ROOT, within } from "./command.ts";

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slips-"));
  await writeFile(
    at("a.jsonl"),
    '{"id":"a","problem":"How much is 1 + 1?"}\n{"id":"b","problem":"What is 7 times 8?"}\n',
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const dedup = (...more: string[]) => ["dedup", "--output", at("k.jsonl"), "--rejects", at("r.jsonl"), ...more];

describe("a slip in an option", () => {
  it("is named with what was meant, also where the option is a required one", async () => {
    const { code, stderr } = await within(dedup("--inptu", at("a.jsonl")));
    expect(code).toBe(2);
    expect(stderr).toContain("unknown option '--inptu'");
    expect(stderr).toContain("Did you mean --input?");
    expect((await within(dedup())).stderr).toContain("required option '--input <file>' not specified");
  });

  it("in its value is told with the values that there are", async () => {
    const input = ["--input", at("a.jsonl")];
    for (const [option, value, needed] of [
      ["--threshold", "1.5", "--threshold must be at most 1"],
      ["--threshold", "0", "--threshold must be more than 0"],
      ["--threshold", "half", "--threshold must be a number"],
      ["--shingle", "2.5", "--shingle must be a whole number"],
      ["--measure", "cosine", "--measure must be one of jaccard, containment"],
    ] as const) {
      const { code, stderr } = await within(dedup(...input, option, value));
      expect([code, stderr.trim().split("\n")[0]]).toEqual([2, needed]);
    }
  });
});

describe("an input that is none", () => {
  it("because it is a pipe is told so, however it is spelt", { timeout: 300_000 }, async () => {
    const grade = ["grade", "math", "--output", at("v.jsonl"), "--input"];
    expect((await within([...grade, "-"])).stderr).toContain("could not read -: it is a pipe");
    const bin = join(ROOT, "bin", "promptcot.js");
    const words = [bin, ...dedup("--input", "/dev/stdin")].map((word) => `'${word}'`).join(" ");
    const piped = promisify(execFile)("bash", ["-c", `cat '${at("a.jsonl")}' | '${process.execPath}' ${words}`]);
    await expect(piped).rejects.toMatchObject({
      code: 4,
      stderr: expect.stringContaining("could not read /dev/stdin: it is a pipe, and it must be read more than once"),
    });
  });

  it("because no line is a row is told with the first line's reason", async () => {
    await writeFile(at("array.json"), JSON.stringify([{ id: "a", problem: "How much is 1 + 1?" }], null, 2));
    const { code, stderr } = await within(dedup("--input", at("array.json")));
    expect(code).toBe(3);
    expect(stderr).toContain("no line can be read as a row; the first: ");
    expect(stderr).toContain("array.json:1: not JSON");
  });

  it("because it is no config is told in words", async () => {
    const missing = await within(["run", at("none.json")]);
    expect([missing.code, missing.stderr]).toEqual([
      2,
      `\ncould not read the config ${at("none.json")}: it does not exist\n→ write one with \`promptcot init\`\n`,
    ]);
    expect((await within(["run", folder])).stderr).toContain("it is a folder, and a file is needed");
  });
});

it("a command that is given twice says that there was nothing left to do", async () => {
  const twice = dedup("--input", at("a.jsonl"));
  expect((await within(twice)).stdout).not.toContain("nothing was left to do");
  expect((await within(twice)).stdout).toContain("nothing was left to do: an earlier command had finished this");
});

it("a run that has not come to its problems yet is told from one that kept none", async () => {
  const config = resolveAny({ recipe: "pocket", scale: "tiny" }, [], "test") as Json;
  await (await openRun(at("run"), { config, seed: 1, versions: {}, threads: 1, inputs: [] })).close();
  const { code, stderr } = await within(["export", at("run"), "--format", "problems", "--output", at("data")]);
  expect(code).toBe(3);
  expect(stderr).toContain(`see how far the run is with \`promptcot status ${at("run")}\``);
});
