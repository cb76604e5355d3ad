import { expect, test } from "vitest";
import { withoutThought } from "./thought.ts";

test("what follows a thought is kept, whichever marks it wears", () => {
  expect(withoutThought("7")).toBe("7");
  expect(withoutThought("<think>8</think>7")).toBe("7");
  expect(withoutThought("8</think>\n7")).toBe("\n7");
  expect(withoutThought("[THINK]8[/THINK]7")).toBe("7");
  expect(withoutThought("◁think▷8◁/think▷7")).toBe("7");
  expect(withoutThought("<|channel|>analysis<|message|>8<|end|><|start|>assistant<|channel|>final<|message|>7")).toBe(
    "7",
  );
  expect(withoutThought("a</think>b</think>c")).toBe("c");
});

test("a thought that never ended leaves nothing", () => {
  expect(withoutThought("<think>it is 7")).toBeUndefined();
  expect(withoutThought("<think>8</think>7 <think>or 9")).toBeUndefined();
  expect(withoutThought("<|channel|>analysis<|message|>it is 7")).toBeUndefined();
});
