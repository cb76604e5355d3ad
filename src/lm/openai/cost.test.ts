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
  ["FastAPI's error under 200", '{"detail":"engine died"}', [0, 0]],
  ["a page under 200", "<!doctype html><title>Sign in</title>", [0, 0]],
  ["nothing at all", "", [20, 8]],
  ["an answer without usage", '{"choices":[{"message":{"content":"seven apples"}}]}', [20, 8]],
  ["one whose usage is null", '{"choices":[{"text":"7"}],"usage":null}', [20, 8]],
  ["a stream", 'data: {"choices":[{"delta":{"content":"7"}}]}\n\ndata: [DONE]\n', [20, 8]],
  ["a reply that was cut short", '{"choices":[{"text":"seven', [20, 8]],
])("%s costs what it says, or the most where it is not whole", (_, raw, [prompt, completion]) => {
  expect(costOf(raw, most)).toEqual({ prompt, completion });
});

it("no answer without a count costs more tokens than it has bytes", () => {
  expect(costOf('{"text":"7"}', { prompt: 20, completion: 4096 })).toEqual({ prompt: 20, completion: 12 });
});

it("a question costs at most its prompt and all that it may write", () => {
  expect(mostOf({ promptAtMost: 30, wanted: 10 })).toEqual({ prompt: 30, completion: 10 });
});
