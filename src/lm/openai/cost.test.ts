import { expect, it } from "vitest";
import { costOf, mostOf } from "./cost.ts";

const most = { prompt: 20, completion: 8 };

it.each([
  ["a completion", '{"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":6,"total_tokens":18}}', [12, 6]],
  ["SGLang's reply", '{"text":"x","meta_info":{"prompt_tokens":7,"completion_tokens":3}}', [7, 3]],
  [
    "a text that speaks of usage",
    '{"text":"\\"prompt_tokens\\": 9","usage":{"prompt_tokens": 2,"completion_tokens":1}}',
    [2, 1],
  ],
  ["a score without completion", '{"usage":{"prompt_tokens":5}}', [5, 0]],
  ["an error under 200", '{"error":{"message":"engine died"}}', [0, 0]],
  ["a reply that was cut short", '{"choices":[{"text":"seven', [20, 8]],
])("%s costs what it says, or the most where it is not whole", (_, raw, [prompt, completion]) => {
  expect(costOf(raw, most)).toEqual({ prompt, completion });
});

it("a question costs at most its prompt and all that it may write", () => {
  expect(mostOf({ promptAtMost: 30, wanted: 10 })).toEqual({ prompt: 30, completion: 10 });
});
