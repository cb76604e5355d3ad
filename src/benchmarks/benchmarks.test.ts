import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PromptCotError } from "../core/errors.ts";
import { pocketOracle, pocketSeeds } from "../domains/pocket/index.ts";
import { parseDataset } from "./hub.ts";
import { loadBenchmark } from "./load.ts";
import { isHeldOut } from "./pocket.ts";
import { benchmarkNamed, benchmarks } from "./registry.ts";

/** The published sets, read where they lie; they are no part of the repository. */
const SHARED = join(import.meta.dirname, "../../../shared/data");
const NOT_THERE = existsSync(SHARED) ? "" : ` (skipped: ${SHARED} is not there)`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "benchmarks-"));
});
afterAll(() => rm(folder, { recursive: true }));

const write = async (name: string, rows: readonly object[]) => {
  const path = join(folder, name);
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
};

const refusal = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof PromptCotError) return `${error.message} → ${error.next}`;
    throw error;
  }
  throw new Error("nothing was refused");
};

const load = (name: string, data?: string) => loadBenchmark(benchmarkNamed(name), { data });

describe("the registry", () => {
  it("suggests the name that was meant", () => {
    expect(() => benchmarkNamed("aime-25")).toThrow('unknown benchmark "aime-25". Did you mean "aime25"?');
    expect(() => benchmarkNamed("livecodebench")).toThrow('unknown benchmark "livecodebench"');
    expect(new Set(benchmarks.map(({ name }) => name)).size).toBe(10);
  });

  it("follows the paper: avg@16 at temperature 0.6 and top-p 0.95, one program, a rating from 8", () => {
    for (const { protocol } of benchmarks) expect(protocol).toMatchObject({ temperature: 0.6, topP: 0.95 });
    const samples = ["aime24", "aime25", "hmmt-feb-25", "lcb-v5", "lcb-v6", "codeforces"].map(
      (name) => benchmarkNamed(name).protocol.samples,
    );
    expect(samples).toEqual([16, 16, 16, 1, 1, 8]);
    expect(benchmarkNamed("codeforces").protocol.metric).toBe("elo");
  });
});

describe.skipIf(NOT_THERE !== "")(`the published sets${NOT_THERE}`, () => {
  it.each([
    ["aime24", 30],
    ["aime25", 30],
    ["hmmt-feb-25", 30],
    ["math500", 500],
    ["gsm8k", 1319],
    ["humaneval", 164],
    ["codeforces", 408],
  ])("%s has its %i problems, and its hash is known", async (name, count) => {
    const { tasks, pinned, file } = await load(name, SHARED);
    expect(tasks).toHaveLength(count);
    expect(pinned).toBeDefined();
    expect(file?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each(["lcb-v5", "lcb-v6"])("%s is refused: its file has no tests", async (name) => {
    expect(await refusal(load(name, SHARED))).toMatch(
      new RegExp(
        `${name}.jsonl cannot be used for ${name}: line 1 is refused \\(tests: missing.* → ${name} needs, in every row: prompt`,
      ),
    );
  });
});

describe("loading", () => {
  it("takes a problem's fields under the names that sets use", async () => {
    const rows = [
      { problem: "1+1?", answer: "2" },
      { question: "2+2?", answer: 4 },
      { problem: "3+3?", solution: "It is \\boxed{5}, no, \\boxed{\\frac{12}{2}}.", other: null },
    ];
    const { tasks, pinned, content } = await load("aime24", await write("aime24.jsonl", rows));
    expect(tasks.map(({ id, gold }) => [id, gold])).toEqual([
      ["aime24/0", { domain: "math", answer: "2" }],
      ["aime24/1", { domain: "math", answer: "4" }],
      ["aime24/2", { domain: "math", answer: "\\frac{12}{2}" }],
    ]);
    expect(pinned).toBeUndefined();
    // Ids, order of members and further columns are no part of the content; answers are.
    const same = rows.map((row, i) => ({ other: i, ...row, id: `x${i}` }));
    expect((await load("aime24", await write("same.jsonl", same))).content).toBe(content);
    const other = [...rows.slice(0, 2), { problem: "3+3?", answer: "7" }];
    expect((await load("aime24", await write("other.jsonl", other))).content).not.toBe(content);
  });

  it("takes the answer from GSM8K's original rows", async () => {
    const row = { question: "How many?", answer: "She sells 16 - 3 = <<16-3=13>>13.\n#### 1,300" };
    const { tasks } = await load("gsm8k", await write("gsm8k.jsonl", [row]));
    expect(tasks[0]?.gold).toEqual({ domain: "math", answer: "1300" });
  });

  it("takes programs with tests of any kind", async () => {
    const rows = [
      { id: "1", prompt: "Add.", tests: [{ input: "1 2", output: "3" }], rating: 800, contest: 1900, index: "A" },
      { id: "2", problem: "Add.", tests: [{ input: "1\n2", output: "3" }], fnName: "add", starter: "def add(a, b):" },
    ];
    const { tasks } = await load("lcb-v5", await write("lcb-v5.jsonl", rows));
    expect(tasks[0]).toMatchObject({ rating: 800, contest: { id: "1900", index: "A" } });
    expect(tasks[1]).toMatchObject({
      question: { starter: "def add(a, b):" },
      gold: { domain: "code", fnName: "add" },
    });
  });

  it("refuses a file without the fields, and says which line and what is needed", async () => {
    const bad = await write("bad.jsonl", [{ problem: "1+1?", answer: "2" }, { problem: "2+2?" }]);
    expect(await refusal(load("math500", bad))).toBe(
      "bad.jsonl cannot be used for math500: line 2 is refused (answer: missing; string is needed) (1 of 2 rows) → math500 needs, in every row: problem (or question), and answer (a text or a number; or a solution with the answer in \\boxed{}). docs/design/evaluation.md shows the formats",
    );
    const twice = await write("twice.jsonl", [
      { id: "a", problem: "1+1?", answer: "2" },
      { id: "a", problem: "2+2?", answer: "4" },
    ]);
    expect(await refusal(load("math500", twice))).toContain('two problems have the id "a"');
  });

  it("says where data may come from", async () => {
    expect(await refusal(load("aime24"))).toContain("--data hub to take HuggingFaceH4/aime_2024 from");
    expect(await refusal(load("lcb-v5", "hub"))).toContain("no data set on the Hub is known to hold lcb-v5");
    expect(await refusal(load("math500", join(folder, "nowhere")))).toContain("there is no file or folder");
    expect(await refusal(load("hmmt-feb-25", folder))).toContain("looked for hmmt-feb-25.jsonl, hmmt_feb_2025.jsonl");
  });
});

describe("the pocket benchmark", () => {
  it("is made of held-out skeletons, one problem each, with answers that the oracle confirms", async () => {
    const { tasks, pinned } = await load("pocket");
    expect(pinned).toBe("generated");
    expect(tasks).toHaveLength(200);
    const readings = tasks.map(({ question }) => pocketOracle.read(question.kind === "pocket" ? question.problem : ""));
    expect(readings.map((reading) => (reading.kind === "valid" ? reading.answer : reading.kind))).toEqual(
      tasks.map(({ gold }) => (gold.domain === "pocket" ? gold.answer : "")),
    );
    expect(new Set(readings.map(({ skeleton }) => skeleton)).size).toBe(200);
    expect(readings.every(({ skeleton }) => isHeldOut(skeleton))).toBe(true);
    // A tenth of what others generate is kept for it.
    const share = pocketSeeds({ count: 2000, seed: 1 }).filter(({ skeleton }) => isHeldOut(skeleton)).length / 2000;
    expect(share).toBeGreaterThan(0.07);
    expect(share).toBeLessThan(0.13);
  });
});

describe("data sets of the Hub", () => {
  const files = new Map<string, string>();
  const log: string[] = [];
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://hub");
    log.push(`${request.method} ${url.pathname}`);
    if (url.pathname.startsWith("/api/datasets/owner/data/tree/")) {
      const list = [...files].map(([path, text]) => ({
        ...{ type: "file", path, size: Buffer.byteLength(text) },
        oid: createHash("sha1")
          .update(`blob ${Buffer.byteLength(text)}\0`)
          .update(text)
          .digest("hex"),
      }));
      response.setHeader("content-type", "application/json");
      return response.end(JSON.stringify(list));
    }
    const file = files.get(url.pathname.replace(/^\/datasets\/owner\/data\/(resolve|raw)\/main\//, ""));
    if (file === undefined) return response.writeHead(404).end();
    response.setHeader("etag", '"x"');
    const bytes = Buffer.from(broken ? `${file}broken` : file);
    const range = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "");
    if (range === null) return response.end(bytes);
    const [from, to] = [Number(range[1]), Math.min(Number(range[2]), bytes.length - 1)];
    response.writeHead(206, { "content-range": `bytes ${from}-${to}/${bytes.length}` });
    return response.end(bytes.subarray(from, to + 1));
  });
  let broken = false;
  let options: { data: string; hubUrl: string; cache: string };
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    options = { data: "hf:owner/data", hubUrl: `http://127.0.0.1:${port}`, cache: join(folder, "cache") };
    files.set("README.md", "# data").set("train.jsonl", "{}").set("test.jsonl", '{"problem":"1+1?","answer":"2"}\n');
  });
  afterAll(() => server.close());
  const aime = benchmarkNamed("aime24");

  it("are fetched once, and again when they have changed", async () => {
    const first = await loadBenchmark(aime, options);
    expect(first.tasks[0]?.gold).toEqual({ domain: "math", answer: "2" });
    expect(first.file?.origin).toBe("hf:owner/data@main/test.jsonl");
    const fetched = () => log.filter((line) => line.startsWith("GET /datasets/")).length;
    const before = fetched();
    expect(before).toBeGreaterThan(0);
    await loadBenchmark(aime, options);
    expect(fetched()).toBe(before);
    files.set("test.jsonl", '{"problem":"1+1?","answer":"3"}\n');
    const second = await loadBenchmark(aime, options);
    expect(second.content).not.toBe(first.content);
    expect(await readFile(second.file?.path ?? "", "utf8")).toContain('"3"');
  });

  it("are refused where it is not clear which file is meant, or what arrived is something else", async () => {
    files.set("other/test.jsonl", "{}");
    expect(await refusal(loadBenchmark(aime, options))).toContain(
      "these files: train.jsonl, test.jsonl, other/test.jsonl",
    );
    const named = { ...options, data: "hf:owner/data@main/train.jsonl" };
    expect(await refusal(loadBenchmark(aime, named))).toContain("train.jsonl cannot be used for aime24");
    const cache = join(folder, "empty");
    broken = true;
    expect(await refusal(loadBenchmark(aime, { ...named, cache }))).toContain("not the one that was listed");
    broken = false;
    const left = await readdir(cache, { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
    expect(await refusal(loadBenchmark(aime, { ...options, data: "hf:owner/none" }))).toContain(
      "cannot fetch the data set owner/none (main)",
    );
  });

  it("are named with a revision and a file, if need be", () => {
    expect(parseDataset("hf:a/b")).toEqual({ repo: "a/b", revision: "main", file: undefined });
    expect(parseDataset("hf:a/b.c@v1/data/x.parquet")).toEqual({
      repo: "a/b.c",
      revision: "v1",
      file: "data/x.parquet",
    });
    expect(() => parseDataset("hf:b")).toThrow("does not name a data set");
  });
});
