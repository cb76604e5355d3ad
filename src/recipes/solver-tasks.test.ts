import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { rng } from "../core/rng.ts";
import { inline } from "../exec/inline.ts";
import type { SolverRecipe } from "./solver-config.ts";
import { readHeldOut, readTasks } from "./solver-tasks.ts";

let folder = "";
let file = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-tasks-"));
  file = join(folder, "problems.jsonl");
  const tests = [{ input: "1", output: "2" }];
  const rows = [
    { id: "a", problem: "1 + 1?", answer: "2" },
    { id: "t", problem: "Add one.", tests, fnName: "inc" },
    { id: "both", problem: "Add one to 1.", answer: "2", tests },
    { id: "none", problem: "What now?", tests: [] },
    { id: "broken" },
  ];
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(recipe: SolverRecipe) {
  const notes: string[] = [];
  const context = {
    ...{ folder: join(folder, recipe), rng: rng(1), executor: inline() },
    onEvent: (event: { kind: string; message?: string }) =>
      void (event.kind === "note" && notes.push(event.message ?? "")),
  };
  const tasks = await readTasks(context, { recipe, problems: { file, strict: false } });
  return { golds: tasks.map(({ id, gold }) => [id, gold?.kind]), notes, context };
}

it("takes from a row what the recipe grades by, counts what it cannot use as unlabelled, and says so", async () => {
  const math = await read("math-selfplay");
  expect(math.golds).toEqual([
    ["a", "answer"],
    ["t", undefined],
    ["both", "answer"],
    ["none", undefined],
  ]);
  expect(math.notes).toEqual([expect.stringContaining("put aside 1 rows"), expect.stringContaining("1 rows of")]);
  expect(math.notes[1]).toContain("bring tests and not an answer, by which math-selfplay grades");
  const code = await read("code-selfplay");
  expect(code.golds).toEqual([
    ["a", undefined],
    ["t", "tests"],
    ["both", "tests"],
    ["none", undefined],
  ]);
  expect(code.notes[1]).toContain("bring an answer and not tests");
});

it("refuses held-out problems without what the recipe grades by", async () => {
  const { context } = await read("math-sft");
  const held = join(folder, "held.jsonl");
  await writeFile(held, `${JSON.stringify({ id: "a", problem: "1 + 1?", answer: "2" })}\n`);
  expect(await readHeldOut(context, "math-selfplay", held)).toHaveLength(1);
  await expect(readHeldOut(context, "code-selfplay", held)).rejects.toMatchObject({
    code: "no-gold",
    message: expect.stringContaining("1 held-out problems have no tests, a first"),
  });
});
