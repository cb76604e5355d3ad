/** A checkpoint that the embedded engine has trained a little, for tests of other engines. Near-uniform models hide mistakes. */
import { join } from "node:path";
import type { Checkpoint, Model, ScoreRequest, Tokenizer } from "../../src/lm/contract.ts";
import type { NewModel } from "../../src/lm/embedded/config.ts";
import { embedded } from "../../src/lm/embedded/index.ts";
import { optimization, sums, untrained } from "../../src/lm/embedded/small-model.case.ts";

export async function trainedCheckpoint(
  folder: string,
  config: Partial<NewModel> = {},
): Promise<{ checkpoint: Checkpoint; tokenizer: Tokenizer }> {
  const engine = embedded({ slots: 4, batchTokens: 256 });
  try {
    const { checkpoint: from, tokenizer } = await untrained(folder, { contextLength: 160, ...config });
    const rows = sums(tokenizer, 96);
    const out = join(folder, "trained");
    const { checkpoint } = await engine.trainer.sft(
      { from, rows, optimizer: "fresh", seed: 1, optimization: optimization(2), out },
      {},
    );
    return { checkpoint, tokenizer };
  } finally {
    await engine.close();
  }
}

/** What the model gives each completion, in the order of the requests. */
export async function scores(model: Model, requests: readonly ScoreRequest[]): Promise<(readonly number[])[]> {
  const found = new Map<string, readonly number[]>();
  for await (const result of model.scorer!.score(requests, {})) {
    if (!result.ok) throw new Error(result.reason);
    found.set(result.id, result.logprobs);
  }
  return requests.map(({ id }) => found.get(id)!);
}

/** The largest distance between two lists of lists of one shape. */
export function farthest(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number {
  return Math.max(...a.flatMap((row, i) => row.map((value, j) => Math.abs(value - (b[i]?.[j] ?? Number.NaN)))));
}

/** Texts with what tokenizers stumble over: digits, white space, special tokens, other scripts. */
export const TEXTS = [
  "Add 3 and 4.<|z|> 3 + 4 = 7, as one sees.<|end|>",
  "Add 19 and 12.<|z|> 19 + 12 = 31.<|end|>Add",
  "  two  spaces, then 1  2\n\n3.\tTabs\r\nand it's 100% we'll see: $x^2 \\neq y_{10}$ <|end|><|z|>",
  "Zażółć gęślą jaźń; 数学 ≤ √2 🙂 e\u0301 \u00a0 \u2003½",
];
