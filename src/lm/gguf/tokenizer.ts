/**
 * The contract's tokenizer of a GGUF file: that of the checkpoint from which it was made, where the file holds it whole, else
 * llama.cpp's own.
 */
import type { LlamaModel, Token } from "node-llama-cpp";
import { z } from "zod";
import { PromptCotError } from "../../core/errors.ts";
import { contentId } from "../../core/hash.ts";
import type { TokenIds, Tokenizer } from "../contract.ts";
import { readTokenizer } from "../embedded/tokenizer.ts";

/** The metadata of a file that concern its tokenizer, as node-llama-cpp nests them. */
export const TokenizerMetadata = z.looseObject({
  ggml: z.looseObject({
    model: z.string(),
    pre: z.string().optional(),
    tokens: z.array(z.string()),
    token_type: z.array(z.number()).optional(),
    merges: z.array(z.string()).optional(),
    scores: z.array(z.number()).optional(),
    add_space_prefix: z.boolean().optional(),
    remove_extra_whitespaces: z.boolean().optional(),
  }),
  huggingface: z.looseObject({ json: z.string() }).optional(),
  chat_template: z.string().optional(),
});
export type TokenizerMetadata = z.infer<typeof TokenizerMetadata>;

/** @throws PromptCotError `bad-tokenizer` if the file's two spellings of its tokenizer disagree */
export function tokenizerOf(model: LlamaModel, metadata: TokenizerMetadata, where: string): Tokenizer {
  return metadata.huggingface === undefined
    ? llamaTokenizer(model, metadata)
    : checkpointTokenizer(metadata.huggingface.json, metadata.ggml.tokens, where);
}

function checkpointTokenizer(tokenizerJson: string, tokens: readonly string[], where: string): Tokenizer {
  const tokenizer = readTokenizer({ tokenizerJson, tokenizerConfigJson: "{}" }, where);
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    const token = tokens[id];
    if (token !== undefined && tokenizer.idOf(token) === id) continue;
    throw new PromptCotError({
      boundary: "data",
      code: "bad-tokenizer",
      message: `${where}: its tokenizer.json and its own vocabulary differ at the id ${id}`,
      next: "make the file anew from its checkpoint",
    });
  }
  return tokenizer;
}

function llamaTokenizer(model: LlamaModel, { ggml }: TokenizerMetadata): Tokenizer {
  const ids = new Map(ggml.tokens.map((token, id) => [token, id]));
  const { model: kind, pre, tokens, token_type, merges, scores, add_space_prefix, remove_extra_whitespaces } = ggml;
  const rules = { kind, pre, tokens, token_type, merges, scores, add_space_prefix, remove_extra_whitespaces };
  return {
    hash: contentId({ gguf: rules }),
    vocabSize: tokens.length,
    encode: (text) => (text === "" ? [] : [...model.tokenize(text, true)]),
    decode: (shown: TokenIds, { skipSpecial = false } = {}) =>
      shown.length === 0 ? "" : model.detokenize(shown as readonly Token[], !skipSpecial),
    idOf: (token) => ids.get(token),
  };
}
