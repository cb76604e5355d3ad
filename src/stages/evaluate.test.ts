import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Stopped } from "../core/errors.ts";
import { rng } from "../core/rng.ts";
import type { Grader } from "../domains/contract.ts";
import { inline } from "../exec/inline.ts";
import type { Backend, SampleRequest } from "../lm/contract.ts";
import { scripted } from "../lm/scripted.ts";
import { wordTokenizer } from "../lm/word-tokenizer.ts";
import { type Evaluation, evaluate, judgementsJournal, responsesJournal } from "./evaluate.ts";
import { recordsOf, type StageContext } from "./stage.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function context(more: Partial<StageContext> = {}): Promise<StageContext> {
  const folder = await mkdtemp(join(tmpdir(), "evaluate-"));
  folders.push(folder);
  return { folder, rng: rng(1), executor: inline(), ...more };
}

const tokenizer = wordTokenizer(["right", "wrong", "odd", "long", "question", "a", "b", "c"], ["<|end|>"]);

/** Right for a, wrong for b; for c cut off, unanswered, then not to be judged. */
function solver(asked: SampleRequest[], stopAfter = Number.POSITIVE_INFINITY, abort?: AbortController): Backend {
  return scripted({
    tokenizer,
    answer(request, prompt) {
      asked.push(request);
      if (asked.length >= stopAfter) abort?.abort();
      if (prompt.endsWith("a")) return "right <|end|>";
      if (prompt.endsWith("b")) return "wrong <|end|>";
      return [{ fail: "no server" }, "long ".repeat(50).trim(), "odd <|end|>"][request.seed % 3] ?? "";
    },
  });
}

const grader: Grader<{ answer: string }> = {
  async grade(gold, response) {
    const extracted = response.trim();
    if (extracted === "odd") return { verdict: "unknown", stage: "compare", extracted, reason: "odd" };
    return { verdict: extracted === gold.answer ? "correct" : "wrong", stage: "compare", extracted, reason: "" };
  },
};

const evaluation = (backend: Backend, more: Partial<Evaluation<{ answer: string }>> = {}) => ({
  name: "eval/test",
  backend,
  checkpoint: { path: "/nowhere", hash: "model" },
  tasks: ["a", "b", "c"].map((id, i) => ({
    id,
    prompt: { text: { kind: "text" as const, text: `question ${id}` }, stop: { tokens: ["<|end|>", "<|other|>"] } },
    gold: { answer: "right" },
    effort: i,
  })),
  samples: 4,
  temperature: 0.6,
  topP: 0.95,
  maxTokens: 20,
  schedule: "local" as const,
  grading: { name: "exact", grader, concurrency: 3 },
  ...more,
});

const letters = (attempts: readonly { verdict: string }[]) => attempts.map(({ verdict }) => verdict[0]).join("");

describe("evaluate", () => {
  it("judges every attempt once; what is cut off is wrong, what is missing unknown", async () => {
    const asked: SampleRequest[] = [];
    const run = await context();
    const seeds = Array.from({ length: 12 }, (_, i) => rng(1).fork("evaluate").fork("c", i).uint32() % 3);
    const [a, b, c] = await evaluate(run, evaluation(solver(asked), { samples: 12 }));
    expect(asked).toHaveLength(36);
    expect(asked[0]).toMatchObject({
      temperature: 0.6,
      topP: 0.95,
      maxTokens: 20,
      stop: { ids: [tokenizer.idOf("<|end|>")] },
    });
    expect([a?.id, letters(a?.attempts ?? [])]).toEqual(["a", "c".repeat(12)]);
    expect(letters(b?.attempts ?? [])).toBe("w".repeat(12));
    expect(new Set(seeds)).toEqual(new Set([0, 1, 2]));
    const expected = [
      { verdict: "unknown", truncated: false, tokens: null, answer: null },
      { verdict: "wrong", truncated: true, tokens: 20, answer: null },
      { verdict: "unknown", truncated: false, tokens: 2, answer: null },
    ];
    expect(c?.attempts).toEqual(seeds.map((seed) => expected[seed]));
    const judged = await Array.fromAsync(recordsOf(run, judgementsJournal("eval/test")));
    expect(new Set(judged.map(({ verdict }) => verdict.stage))).toEqual(new Set(["compare", "sampling", "truncated"]));
    // Nothing is asked again, however it ended.
    await evaluate(run, evaluation(solver(asked), { samples: 12 }));
    expect(asked).toHaveLength(36);
  });

  it("goes on attempt by attempt after an interruption, to the same bytes", async () => {
    const whole = await context();
    const expected = await evaluate(whole, evaluation(solver([])));
    const run = await context();
    const asked: SampleRequest[] = [];
    for (const stopAfter of [1, 5, 6, 11]) {
      const abort = new AbortController();
      const cut = evaluate({ ...run, signal: abort.signal }, evaluation(solver(asked, stopAfter, abort)));
      await expect(cut).rejects.toThrow(Stopped);
    }
    expect(await evaluate(run, evaluation(solver(asked)))).toEqual(expected);
    expect(asked.map(({ id }) => id)).toEqual([...new Set(asked.map(({ id }) => id))]);
    const read = (context: StageContext) => Array.fromAsync(recordsOf(context, responsesJournal("eval/test")));
    expect(await read(run)).toEqual(await read(whole));
  });

  it("adds attempts where more are wanted, and judges anew for another grader", async () => {
    const run = await context();
    const asked: SampleRequest[] = [];
    const few = await evaluate(run, evaluation(solver(asked), { samples: 2 }));
    const more = await evaluate(run, evaluation(solver(asked), { samples: 5 }));
    expect(asked).toHaveLength(15);
    expect(more.map(({ attempts }) => attempts.slice(0, 2))).toEqual(few.map(({ attempts }) => attempts));
    const all: Grader<unknown> = { grade: async () => ({ verdict: "correct", stage: "x", reason: "" }) };
    const lenient = { name: "lenient", grader: all, concurrency: 2 };
    const [a, b] = await evaluate(run, evaluation(solver(asked), { samples: 5, grading: lenient }));
    expect(asked).toHaveLength(15);
    expect([a, b].map((problem) => letters(problem?.attempts ?? []))).toEqual(["ccccc", "ccccc"]);
    // Another model is asked for itself.
    await evaluate(run, evaluation(solver(asked), { samples: 1, checkpoint: { path: "/", hash: "other" } }));
    expect(asked).toHaveLength(18);
  });

  it("asks a server for what takes longest first, and keeps the order of the tasks in what it returns", async () => {
    const asked: SampleRequest[] = [];
    const problems = await evaluate(await context(), evaluation(solver(asked), { samples: 2, schedule: "server" }));
    expect(asked.map(({ prompt }) => (prompt.kind === "text" ? prompt.text : ""))).toEqual(
      ["c", "c", "b", "b", "a", "a"].map((id) => `question ${id}`),
    );
    expect(problems.map(({ id }) => id)).toEqual(["a", "b", "c"]);
  });

  it("numbers equal answers, and completes what began in the prompt", async () => {
    const votes = (answers: readonly (string | undefined)[]) =>
      answers.map((answer) => (answer === undefined ? null : answer.includes("right") ? 0 : 1));
    const backend = solver([]);
    const tasks = evaluation(backend).tasks.slice(0, 2);
    const begun = tasks.map((task) => ({
      ...task,
      prompt: { ...task.prompt, complete: (text: string) => `${text}!` },
    }));
    const [a, b] = await evaluate(await context(), evaluation(backend, { tasks: begun, votes }));
    expect(a?.attempts[0]).toEqual({ verdict: "wrong", truncated: false, tokens: 2, answer: 0 });
    expect(b?.attempts.map(({ answer }) => answer)).toEqual([1, 1, 1, 1]);
  });
});
