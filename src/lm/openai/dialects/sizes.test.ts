import { join, resolve } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { readTokenizerFiles, trainBpe } from "../../embedded/index.ts";
import { readTokenizer } from "../../embedded/tokenizer.ts";
import { chatSize, scoredSize, sizeOf } from "./sizes.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../../test/fixtures/transformers");

it("a text never has more tokens than its size says, whatever is written and whoever spells it", async () => {
  const own = trainBpe(["What is 3 plus 4? The sum of 3 and 4."], { vocabSize: 280, specialTokens: ["<|end|>"] });
  const tokenizers = [
    readTokenizer(own, "own"),
    readTokenizer(await readTokenizerFiles(join(FIXTURES, "tokenizer")), "transformers'"),
  ];
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc.constantFrom(
      "求最小的正整数。",
      "∑₍ᵢ₎ 3⁷ ≡ 1 (mod 2187)",
      "👩‍👩‍👧‍👦".repeat(9),
      "1234567890".repeat(20),
      "\u0000\u00a0",
    ),
  );
  fc.assert(
    fc.property(texts, (text) => {
      for (const { encode } of tokenizers) {
        expect(encode(text).length).toBeLessThanOrEqual(sizeOf(text, 5).promptAtMost);
      }
    }),
  );
});

it("ids are counted, a text is guessed for limits, and messages have a frame each", () => {
  expect(sizeOf([1, 2, 3], 7)).toEqual({ tokens: 10, promptAtMost: 3, wanted: 7 });
  expect(sizeOf("six by", 7)).toEqual({ tokens: 9, promptAtMost: 8, wanted: 7 });
  expect(scoredSize([1, 2, 3])).toEqual({ tokens: 3, promptAtMost: 3, wanted: 1 });
  const message = { role: "user", content: "sechs" } as const;
  expect(chatSize([message], 7, 30)).toEqual({ tokens: 9, promptAtMost: 35, wanted: 7 });
  expect(chatSize([message, message], 7, 30).promptAtMost).toBe(30 + 5 + 5 + 16);
});
