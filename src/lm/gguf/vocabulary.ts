/**
 * A Hugging Face byte-level BPE tokenizer as GGUF metadata. The whole `tokenizer.json` goes with it (`tokenizer.huggingface.json`,
 * a key of the format's own), and the gguf backend reads that one: its ids are exactly those of the checkpoint. What llama.cpp's own
 * programs read is the vocabulary, the merges and the name of a pre-tokenizer.
 */
import { z } from "zod";
import { PromptCotError } from "../../core/errors.ts";
import { chatTemplateOf } from "../chat-template.ts";
import { PRE_TOKENIZER_PATTERN, type TokenizerFiles } from "../embedded/bpe.ts";
import type { ModelConfig } from "../embedded/config.ts";
import type { GgufValue } from "./format.ts";

/** Where the tokenizer of the checkpoint is kept whole. */
export const TOKENIZER_JSON = "tokenizer.huggingface.json";

const PreTokenizer = z.looseObject({
  type: z.string(),
  use_regex: z.boolean().optional(),
  individual_digits: z.boolean().optional(),
  pattern: z.looseObject({ Regex: z.string().optional() }).optional(),
});
type PreTokenizer = z.infer<typeof PreTokenizer>;

const Tokenizer = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string(), special: z.boolean() })).default([]),
  normalizer: z.looseObject({ type: z.string() }).nullish(),
  pre_tokenizer: PreTokenizer.extend({ pretokenizers: z.array(PreTokenizer).optional() }).nullish(),
  model: z.looseObject({
    type: z.literal("BPE"),
    vocab: z.record(z.string(), z.int()),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
    byte_fallback: z.boolean().default(false),
  }),
});
const Named = z.union([z.string(), z.looseObject({ content: z.string() })]);
const TokenizerConfig = z.looseObject({
  add_bos_token: z.boolean().optional(),
  pad_token: Named.nullish(),
});

/** Kinds of tokens, as llama.cpp numbers them. */
const KIND = { normal: 1, control: 3, userDefined: 4, unused: 5 } as const;

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|";
const REST = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** llama.cpp's names for the patterns it has. */
const KNOWN_PATTERNS: ReadonlyMap<string, string> = new Map([
  [`${CONTRACTIONS}\\p{N}${REST}`, "qwen2"],
  [`${CONTRACTIONS}\\p{N}{1,3}${REST}`, "llama-bpe"],
  // Not the same: runs of white space before a digit are cut otherwise. None of llama.cpp's is, and this is the nearest.
  [PRE_TOKENIZER_PATTERN, "smollm"],
]);

/** @throws PromptCotError `unsupported-tokenizer` if it is not byte-level BPE, or its pre-tokenizer is not one of llama.cpp's */
export function vocabularyMetadata(files: TokenizerFiles, config: ModelConfig, where: string): Map<string, GgufValue> {
  const parsed = Tokenizer.safeParse(JSON.parse(files.tokenizerJson));
  if (!parsed.success) throw refusal(where, `${parsed.error.issues[0]?.path.join(".")} is not that of byte-level BPE`);
  const { model, added_tokens, normalizer, pre_tokenizer } = parsed.data;
  if (model.byte_fallback) throw refusal(where, "it falls back to bytes (SentencePiece)");
  if (normalizer && normalizer.type !== "NFC") throw refusal(where, `it has a normalizer of type ${normalizer.type}`);
  const added = new Map(added_tokens.map(({ id, content, special }) => [id, { content, special }]));
  const byId = new Map(Object.entries(model.vocab).map(([token, id]) => [id, token]));
  const ids = Array.from({ length: config.vocabSize }, (_, id) => id);
  const tokens = ids.map((id) => added.get(id)?.content ?? byId.get(id) ?? `[PAD${id}]`);
  const kinds = ids.map((id) => kindOf(added.get(id), byId.has(id)));
  const merges = model.merges.map((merge) => (typeof merge === "string" ? merge : merge.join(" ")));
  const settings = TokenizerConfig.parse(JSON.parse(files.tokenizerConfigJson));
  const chat = chatTemplateOf(files);
  return new Map<string, GgufValue>([
    ["tokenizer.ggml.model", { type: "string", value: "gpt2" }],
    ["tokenizer.ggml.pre", { type: "string", value: preTokenizer(pre_tokenizer, where) }],
    ["tokenizer.ggml.tokens", { type: "strings", value: tokens }],
    ["tokenizer.ggml.token_type", { type: "int32s", value: kinds }],
    ["tokenizer.ggml.merges", { type: "strings", value: merges }],
    ...endings(config, where),
    ...optional("tokenizer.ggml.bos_token_id", config.bosId),
    ...optional("tokenizer.ggml.padding_token_id", padId(settings.pad_token, tokens)),
    ["tokenizer.ggml.add_bos_token", { type: "bool", value: settings.add_bos_token ?? false }],
    ...(chat === undefined ? [] : [["tokenizer.chat_template", { type: "string", value: chat }] as const]),
    [TOKENIZER_JSON, { type: "string", value: files.tokenizerJson }],
  ]);
}

function kindOf(added: { special: boolean } | undefined, inVocabulary: boolean): number {
  if (added) return added.special ? KIND.control : KIND.userDefined;
  return inVocabulary ? KIND.normal : KIND.unused;
}

/** llama.cpp knows an end of text, of turn and of message; generation ends after each. */
function endings({ eosIds }: ModelConfig, where: string): [string, GgufValue][] {
  const keys = ["eos", "eot", "eom"];
  if (eosIds.length > keys.length) throw refusal(where, `generation ends after ${eosIds.length} tokens; GGUF has 3`);
  return eosIds.map((value, i) => [`tokenizer.ggml.${keys[i]}_token_id`, { type: "uint32", value }]);
}

function padId(token: z.infer<typeof Named> | null | undefined, tokens: readonly string[]): number | undefined {
  if (token == null) return undefined;
  const id = tokens.indexOf(typeof token === "string" ? token : token.content);
  return id < 0 ? undefined : id;
}

function optional(key: string, value: number | undefined): [string, GgufValue][] {
  return value === undefined ? [] : [[key, { type: "uint32", value }]];
}

function preTokenizer(rules: z.infer<typeof Tokenizer>["pre_tokenizer"], where: string): string {
  const steps: PreTokenizer[] = rules == null ? [] : (rules.pretokenizers ?? [rules]);
  const shapes = steps.map(({ type }) => type).join("+");
  const pattern = steps[0]?.pattern?.Regex;
  if (shapes === "Split+ByteLevel" && pattern !== undefined) {
    const name = KNOWN_PATTERNS.get(pattern);
    if (name !== undefined) return name;
    throw refusal(where, `llama.cpp has no pre-tokenizer for the pattern ${pattern}`);
  }
  const plain = steps.at(-1)?.use_regex ?? true;
  if (shapes === "ByteLevel" && plain) return "gpt-2";
  if (shapes === "Digits+ByteLevel" && steps[0]?.individual_digits && plain) return "smollm";
  throw refusal(where, `llama.cpp has no pre-tokenizer of the form ${shapes || "none"}`);
}

function refusal(where: string, why: string): PromptCotError {
  return new PromptCotError({
    boundary: "backend",
    code: "unsupported-tokenizer",
    message: `${where}: this tokenizer cannot be written as GGUF: ${why}`,
    next: "convert the model with llama.cpp's convert_hf_to_gguf.py",
  });
}
