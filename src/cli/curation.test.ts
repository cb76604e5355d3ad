import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { within } from "../../test/e2e/command.ts";
import { rng } from "../core/rng.ts";
import { runCommand } from "./command.child.ts";

const CHILD = join(import.meta.dirname, "command.child.ts");
let folder: string;
const at = (name: string) => join(folder, name);
const lines = (name: string) =>
  readFileSync(at(name), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [CHILD, ...args], { stdio: ["ignore", "pipe", "pipe"] });
}

function run(args: readonly string[]): Promise<{ status: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = start(args);
    let [out, err] = ["", ""];
    child.stdout?.on("data", (piece) => (out += piece));
    child.stderr?.on("data", (piece) => (err += piece));
    child.on("close", (status) => resolve({ status, out, err }));
  });
}

/** Starts the command and kills it without warning as soon as `seen` says so; false if it ended by itself. */
async function killWhen(args: readonly string[], seen: () => boolean): Promise<boolean> {
  const child = start(args);
  let ended = false;
  const end = new Promise<void>((resolve) => child.on("close", () => resolve(void (ended = true))));
  while (!ended && !seen()) await new Promise((resolve) => setTimeout(resolve, 5));
  const killed = !ended;
  child.kill("SIGKILL");
  await end;
  return killed;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "curation-"));
  const random = rng(1);
  const words = "apple pear plum train river stone glass window garden letter candle basket ribbon marble".split(" ");
  const text = () =>
    `${Array.from({ length: 25 }, () => (random.next() < 0.1 ? random.int(90) : random.pick(words))).join(" ")}. Find the ${random.pick(words)}?`;
  const texts = Array.from({ length: 6000 }, text);
  const rows = texts.map((problem, i) => ({
    id: `r${i}`,
    problem: i % 10 === 0 ? (texts[Math.floor(i / 2)] as string) : problem,
    concepts: [random.pick(words), random.pick(words), random.pick(words)],
  }));
  const broken = [...rows.map((row) => JSON.stringify(row)), "{broken", JSON.stringify({ id: "x", other: 1 })];
  await writeFile(at("in.jsonl"), `${broken.join("\n")}\n`);
  await writeFile(
    at("bench.jsonl"),
    `${[5, 77, 300].map((i) => JSON.stringify({ id: `b${i}`, question: texts[i] })).join("\n")}\n`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const commands = {
  dedup: (to: string) => [
    "dedup",
    "--input",
    at("in.jsonl"),
    "--output",
    at(`${to}.kept.jsonl`),
    "--rejects",
    at(`${to}.rejects.jsonl`),
    "--index",
    at(`${to}.index`),
  ],
  decontaminate: (to: string) => [
    "decontaminate",
    "--input",
    at("in.jsonl"),
    "--against",
    at("bench.jsonl"),
    "--output",
    at(`${to}.kept.jsonl`),
    "--rejects",
    at(`${to}.rejects.jsonl`),
  ],
  filter: (to: string) => [
    "filter",
    "--input",
    at("in.jsonl"),
    "--output",
    at(`${to}.kept.jsonl`),
    "--rejects",
    at(`${to}.rejects.jsonl`),
    "--max-words",
    "27",
  ],
  "sample-concepts": (to: string) => [
    "sample-concepts",
    "--input",
    at("in.jsonl"),
    "--output",
    at(`${to}.kept.jsonl`),
    "--sets",
    "300",
    "--size",
    "3",
    "--threads",
    "1",
  ],
};

describe.each(Object.keys(commands) as (keyof typeof commands)[])("promptcot %s", (name) => {
  it("gives the same output after being killed at any moment", async () => {
    const whole = await run(commands[name](`${name}-whole`));
    expect(whole, whole.err).toMatchObject({ status: 0 });
    const cut = commands[name](`${name}-cut`);
    const work = at(`${name}-cut.kept.jsonl.work`);
    const started = Date.now();
    await killWhen(cut, () => existsSync(work) || Date.now() - started > 700);
    await killWhen(cut, () => existsSync(join(work, "rows")));
    const resumed = await run(cut);
    expect(resumed, resumed.err).toMatchObject({ status: 0 });
    for (const part of ["kept", "rejects"]) {
      const file = at(`${name}-whole.${part}.jsonl`);
      if (existsSync(file))
        expect(readFileSync(at(`${name}-cut.${part}.jsonl`), "utf8")).toBe(readFileSync(file, "utf8"));
    }
    expect(resumed.out).toBe(whole.out.replaceAll(`${name}-whole`, `${name}-cut`));
    const unusable = `2 rows cannot be used as they are; the first: ${at("in.jsonl")}:6001: not JSON`;
    expect(name === "sample-concepts" ? whole.err : whole.out).toContain(unusable);
  }, 300_000);
});

describe("what is dropped", () => {
  it("by dedup is in the rejects with the survivor and the likeness; bad rows are there, too", () => {
    const rejects = lines("dedup-whole.rejects.jsonl");
    const kept = lines("dedup-whole.kept.jsonl");
    expect(kept.length + rejects.length).toBe(6002);
    expect(rejects.filter((row) => row.rejected === undefined).map(({ reason }) => reason)).toEqual([
      expect.stringContaining("not JSON"),
      "missing",
    ]);
    expect(rejects[0].rejected).toMatchObject({ by: "dedup", kind: "exact", jaccard: 1 });
    const place = /in\.jsonl:(\d+)$/.exec(rejects[0].rejected.survivorAt);
    const survivor = JSON.parse(readFileSync(at("in.jsonl"), "utf8").split("\n")[Number(place?.[1]) - 1] ?? "");
    expect(survivor.problem).toBe(rejects[0].problem);
    expect(rejects.length).toBeGreaterThan(250);
  });

  it("by decontaminate is in the rejects with the span", () => {
    const found = lines("decontaminate-whole.rejects.jsonl").filter((row) => row.rejected !== undefined);
    expect(found.length).toBeGreaterThanOrEqual(3);
    for (const { rejected } of found)
      expect(rejected).toMatchObject({ by: "decontaminate", benchmark: expect.stringMatching(/^bench\.jsonl:b/) });
  });

  it("by filter is in the rejects with the filter's name", async () => {
    const found = lines("filter-whole.rejects.jsonl").filter((row) => row.rejected !== undefined);
    expect(found.every(({ rejected }) => rejected.filter === "length")).toBe(true);
    expect(found.length).toBeGreaterThan(0);
  });
});

describe("mistakes on the command line", () => {
  it.each([
    [["dedup", "--input", "a", "--output", "b", "--rejects", "c", "--treshold", "0.5"], "--threshold"],
    [
      ["filter", "--input", "a", "--output", "b.jsonl", "--rejects", "c.jsonl", "--filters", "prof"],
      'Did you mean "proof"',
    ],
    [["dedup", "--input", "a", "--output", "b.jsonl", "--rejects", "c.jsonl", "--threshold", "7"], "threshold"],
    [["sample-concepts", "--input", "a", "--output", "b.jsonl", "--sets", "many"], "--sets"],
    [["export", "--input", "a", "--output", "b", "--format", "trl"], "trl-sft"],
  ])("are refused with a hint: %j", async (args, hint) => {
    await expect(runCommand(args as string[])).rejects.toThrow(hint);
  });
});

describe("a field that is not there", () => {
  it("is found under its usual names, or refused with those that there are", async () => {
    await writeFile(
      at("asked.jsonl"),
      '{"id": "a", "prompt": "How much is 1 + 1?", "x": {"y": "How much is 2 + 2?"}}\n',
    );
    const to = (name: string) => ["--output", at(`${name}.jsonl`), "--rejects", at(`${name}.rejects.jsonl`)];
    await runCommand(["filter", "--input", at("asked.jsonl"), ...to("found")]);
    expect(lines("found.jsonl")).toHaveLength(1);
    await runCommand(["filter", "--input", at("asked.jsonl"), ...to("nested"), "--field", "x.y"]);
    expect(lines("nested.jsonl")).toHaveLength(1);
    for (const command of ["filter", "dedup", "decontaminate"]) {
      const more = command === "decontaminate" ? ["--against", at("bench.jsonl")] : [];
      const args = [command, "--input", at("asked.jsonl"), ...to("lost"), "--field", "problem", ...more];
      await expect(runCommand(args)).rejects.toThrow('the first row has no text in "problem"');
      expect(existsSync(at("lost.jsonl"))).toBe(false);
    }
    const against = ["dedup", "--input", at("in.jsonl"), ...to("lost"), "--against", at("card-less.jsonl")];
    await writeFile(at("card-less.jsonl"), '{"title": "none"}\n');
    await expect(runCommand(against)).rejects.toThrow("no text in");
  });
});

describe("promptcot export", () => {
  it("gives the same folder after being killed", async () => {
    const args = (to: string) => [
      ...["export", "--input", at("in.jsonl"), "--format", "problems", "--output", at(to), "--source", "s"],
      ...["--splits", "train=0.6,test=0.4", "--as", "parquet"],
    ];
    expect(await run(args("whole"))).toMatchObject({ status: 0 });
    await killWhen(args("cut"), () => existsSync(at("cut")));
    await killWhen(args("cut"), () => existsSync(at("cut/train.parquet")));
    const resumed = await run(args("cut"));
    expect(resumed.out).toContain("− cannot be used as it is");
    expect(resumed.err).toContain(`the first: ${at("in.jsonl")}:6001: not JSON`);
    const names = ["README.md", "lineage.jsonl", "test.parquet", "train.parquet"];
    expect(readdirSync(at("cut")).sort()).toEqual(names);
    for (const name of names) expect(readFileSync(at(`cut/${name}`))).toEqual(readFileSync(at(`whole/${name}`)));
  }, 300_000);

  it("writes nothing where no row has what the format needs, and says what they lack", async () => {
    await writeFile(at("bare.jsonl"), '{"problem": "How much is 1 + 1?"}\n');
    const args = ["export", "--input", at("bare.jsonl"), "--output", at("none"), "--format", "trl-dpo"];
    await expect(runCommand(args)).rejects.toThrow("of 1 rows, 1 have no chosen");
    expect(existsSync(at("none"))).toBe(false);
    await expect(runCommand([...args, at("run")])).rejects.toThrow("a run and --input were both named");
  });

  it("leaves a split without rows out, of the files and of the card", async () => {
    await writeFile(at("one.jsonl"), '{"id": "a", "problem": "How much is 1 + 1?", "level": "easy"}\n');
    await runCommand(["export", "--input", at("one.jsonl"), "--output", at("one"), "--format", "problems"]);
    const [full, empty] = existsSync(at("one/train.jsonl")) ? ["train", "test"] : ["test", "train"];
    expect(lines(`one/${full}.jsonl`)).toEqual([{ id: "a", problem: "How much is 1 + 1?", level: "easy" }]);
    expect(existsSync(at(`one/${empty}.jsonl`))).toBe(false);
    expect(readFileSync(at("one/README.md"), "utf8")).not.toContain(`${empty}.jsonl`);
  });

  it("writes splits, a card and what the trainer asks for", async () => {
    const rows = Array.from({ length: 60 }, (_, i) => ({
      problem: `How many ${["pears", "plums", "figs"][i % 3]} are ${i} and ${7 * i}?`,
      response: i === 5 ? "" : `It is ${8 * i}.`,
    }));
    await writeFile(at("good.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
    await writeFile(at("card.json"), JSON.stringify({ licence: "MIT", seeds: [{ name: "own", licence: "MIT" }] }));
    const { status, out, err } = await run([
      "export",
      "--input",
      at("good.jsonl"),
      "--format",
      "llama-factory-sft",
      "--output",
      at("data"),
      "--splits",
      "train=0.5,test=0.5",
      "--card",
      at("card.json"),
    ]);
    expect(status, err).toBe(0);
    expect(out).toContain("− no response");
    const files = ["train", "test"].map((split) => lines(`data/${split}.jsonl`));
    expect(files.flat()).toHaveLength(59);
    const lineage = lines("data/lineage.jsonl");
    expect(lineage.map(({ split, row }) => [split, row])).toEqual([
      ...(files[0] ?? []).map((_, row) => ["train", row]),
      ...(files[1] ?? []).map((_, row) => ["test", row]),
    ]);
    expect(readFileSync(at("data/README.md"), "utf8")).toContain('license: "mit"');
    expect(JSON.parse(readFileSync(at("data/dataset_info.json"), "utf8"))).toHaveProperty(
      "data_train.file_name",
      "train.jsonl",
    );
  });
});

it("an empty input ends with exit code 3, and where a command left it empty it is told which", async () => {
  await writeFile(at("two.jsonl"), ["a", "b"].map((id) => `${JSON.stringify({ id, problem: "Find x?" })}\n`).join(""));
  const emptied = await within([
    ...["filter", "--input", at("two.jsonl"), "--output", at("none.jsonl"), "--rejects", at("none-rejects.jsonl")],
    ...["--min-words", "500"],
  ]);
  expect([emptied.code, emptied.stdout]).toEqual([0, expect.stringContaining("no row is left")]);
  const next = (input: string) => [
    "dedup",
    "--input",
    at(input),
    "--output",
    at("o.jsonl"),
    "--rejects",
    at("r.jsonl"),
  ];
  const stopped = await within(next("none.jsonl"));
  expect([stopped.code, stopped.stderr]).toEqual([
    3,
    expect.stringContaining("`filter`, which wrote it, kept none of 2"),
  ]);
  await writeFile(at("void.jsonl"), "");
  expect(await within(next("void.jsonl"))).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("void.jsonl has no rows\n"),
  });
});
