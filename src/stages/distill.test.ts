import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { rng } from "../core/rng.ts";
import { inline } from "../exec/inline.ts";
import { keepTraces, type TraceRules } from "./distill.ts";
import type { Rollout, Task } from "./selfplay/records.ts";

const boxed = (text: string) => /\\boxed\{([^}]*)\}/.exec(text)?.[1];
const trace = (id: string, text: string, more: object = {}): Rollout =>
  ({ ok: true, id, taskId: "t", index: 0, text, tokens: 3, truncated: false, ...more }) as Rollout;
const good = "<think>a</think> \\boxed{7}";

const rules: TraceRules = {
  ...{ extract: boxed, validity: { thought: "required", scripts: [] }, leastTokens: 5, mostTokens: 60 },
  agree: {
    grader: {
      grade: async (gold, response) => {
        const said = boxed(response) ?? "";
        const same = gold.kind === "answer" && gold.answer === said;
        const verdict = said === "?" ? "unknown" : same ? "correct" : "wrong";
        return { verdict, stage: "compare", reason: "" };
      },
    },
  },
};

it("keeps what can be taught, and gives each reject its reason", async () => {
  const folder = await mkdtemp(join(tmpdir(), "promptcot-distill-"));
  const tasks: Task[] = [
    { id: "t", problem: "p", gold: { kind: "answer", answer: "7" } },
    { id: "open", problem: "p" },
  ];
  const answers: [Rollout, string | null][] = [
    [trace("good", good), null],
    [trace("again", good), "a duplicate"],
    [trace("elsewhere", good, { taskId: "open" }), "no label to agree with"],
    [trace("cut", "<think>b", { truncated: true }), "cut off at the token limit"],
    [trace("bare", "\\boxed{7}"), "no thought"],
    [trace("mute", "<think>a</think> seven"), "no answer can be extracted"],
    [trace("long", `<think>${"a".repeat(60)}</think> \\boxed{7}`), "more than 60 tokens"],
    [trace("wrong", "<think>a</think> \\boxed{8}"), "disagrees with the label"],
    [trace("odd", "<think>a</think> \\boxed{?}"), "the grader cannot tell whether it agrees with the label"],
    [{ ok: false, id: "none", taskId: "t", index: 0, reason: "refused" }, "no answer: refused"],
  ];
  // One token a character; the prompt has one.
  const student = { prompt: () => [0], completion: (text: string) => [...text].map(() => 1) };
  const keep = (name: string, own: TraceRules, given = answers.map(([answer]) => answer)) =>
    keepTraces(
      { folder, rng: rng(1), executor: inline() },
      { name, tasks, rules: own, student: student as never, shardSize: 3 },
      given,
    );
  const traces = await keep("all", rules);
  expect(traces.map((one) => (one.kept ? null : one.reason))).toEqual(answers.map(([, reason]) => reason));
  expect(traces[0]).toMatchObject({ kept: true, text: good, tokens: 1 + good.length });
  const lenient = await keep("lenient", { ...rules, agree: null }, [trace("wrong", "<think>a</think> \\boxed{8}")]);
  expect(lenient[0]).toMatchObject({ kept: true });
  const short = await keep("short", { ...rules, leastTokens: 50 }, [trace("good", good)]);
  expect(short[0]).toMatchObject({ kept: false, reason: "fewer than 50 tokens" });
  await rm(folder, { recursive: true, force: true });
}, 60_000);
