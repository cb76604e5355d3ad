import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { poolAvailable } from "../domains/code/available.case.ts";
import { gradeCommand } from "./grade.ts";

let folder: string;
let printed: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-grade-"));
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation(() => true);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

async function gradeMath(rows: readonly string[], ...args: string[]): Promise<Record<string, unknown>[]> {
  const [input, output] = [join(folder, "rows.jsonl"), join(folder, "verdicts.jsonl")];
  await writeFile(input, `${rows.join("\n")}\n`);
  await gradeCommand().parseAsync(["math", "--input", input, "--output", output, ...args], { from: "user" });
  const text = await readFile(output, "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const row = (id: number, gold: string, response: string) => JSON.stringify({ id, gold, response });

describe("grade math", () => {
  it("gives one verdict per row, in order, on one thread and on two", async () => {
    const rows = [
      row(1, "\\frac12", "so \\boxed{0.5}"),
      row(2, "7", "The answer is 8."),
      row(3, "\\frac13", "\\boxed{0.3333}"),
    ];
    for (const threads of ["1", "2"]) {
      const verdicts = await gradeMath(rows, "--threads", threads, "--overwrite");
      expect(verdicts.map(({ id, verdict }) => [id, verdict])).toEqual([
        ["1", "correct"],
        ["2", "wrong"],
        ["3", "wrong"],
      ]);
    }
    expect(printed).toMatch(/correct .* 1 {2}33\.3 %/);
  });

  it("keeps to the profile that is asked for", async () => {
    const [verdict] = await gradeMath([row(1, "\\frac13", "\\boxed{0.3333}")], "--profile", "lenient");
    expect(verdict?.verdict).toBe("correct");
  });

  it("sets rows aside that it cannot read, with line and reason", async () => {
    const verdicts = await gradeMath([row(1, "7", "\\boxed{7}"), '{"id":2,"gold":"7"}', "{not json"]);
    expect(verdicts).toHaveLength(1);
    expect(printed).toContain("2 rows cannot be used as they are; the first: ");
    expect(printed).toContain("rows.jsonl:2: response: missing");
    const rejects = await readFile(join(folder, "verdicts.jsonl.rejects.jsonl"), "utf8");
    expect(rejects).toContain("response");
    expect(rejects.trim().split("\n")).toHaveLength(2);
  });

  it("says so where no row can be read", async () => {
    const [input, output] = [join(folder, "rows.jsonl"), join(folder, "verdicts.jsonl")];
    await writeFile(input, '{"id":1}\n{"id":2}\n');
    await gradeCommand().parseAsync(["math", "--input", input, "--output", output], { from: "user" });
    expect(printed).toContain("2 rows cannot be used as they are; the first: ");
    expect(await readFile(output, "utf8")).toBe("");
  });
});

describe.skipIf(!poolAvailable)("grade code", () => {
  it("judges programs and responses, and sets aside rows whose tests cannot be read", {
    timeout: 120_000,
  }, async () => {
    const [input, output] = [join(folder, "rows.jsonl"), join(folder, "verdicts.jsonl")];
    const sum = { input: "1 2", output: "3" };
    const rows = [
      { id: 1, code: "print(sum(map(int, input().split())))", tests: [sum] },
      { id: 2, response: "```python\nprint(4)\n```", tests: [sum] },
      { id: 3, code: "print(3)", tests: [{ input: [1, 2], output: 3 }] },
      { id: 4, code: "def half(x):\n    return x / 2", fnName: "half", tests: [{ input: "6", output: "3.0" }] },
      { id: 5, code: "print(3)", response: "print(3)", tests: [sum] },
    ];
    await writeFile(input, rows.map((row) => JSON.stringify(row)).join("\n"));
    await gradeCommand().parseAsync(["code", "--input", input, "--output", output, "--threads", "1"], { from: "user" });
    const lines = async (file: string): Promise<Record<string, unknown>[]> =>
      (await readFile(file, "utf8"))
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect((await lines(output)).map(({ id, verdict, reason }) => [id, verdict, reason])).toEqual([
      ["1", "correct", "passed"],
      ["2", "wrong", "wrong answer"],
      ["4", "correct", "passed"],
    ]);
    const rejects = await lines(`${output}.rejects.jsonl`);
    expect(rejects.map(({ line }) => line)).toEqual([3, 5]);
    expect(rejects[0]?.reason).toBe(
      "test 0 (counted from 0): input: Invalid input: expected string, received array; output: neither a text nor texts; " +
        "give inputs and outputs as texts: {input, output}; with a function name, one JSON value per line of input",
    );
    expect(printed).toContain("2 rows cannot be used as they are; the first: ");
    expect(printed).toMatch(/wrong · wrong answer +1/);
  });
});
