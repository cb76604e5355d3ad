/**
 * Writes a checkpoint in Hugging Face layout (llama, qwen2, qwen3) as one GGUF file in float32, for llama.cpp and all that is built on it.
 * Quantizes nothing.
 */
import { basename } from "node:path";
import { PromptCotError } from "../../core/errors.ts";
import { writeStreamAtomic } from "../../journal/files.ts";
import type { Checkpoint } from "../contract.ts";
import { openCheckpoint, readCheckpoint } from "../embedded/checkpoint.ts";
import type { ModelConfig } from "../embedded/config.ts";
import { type GgufTensor, type GgufValue, ggufBytes } from "./format.ts";
import { ggufCheckpoint } from "./hash.ts";
import { vocabularyMetadata } from "./vocabulary.ts";

/** Where the hash of the checkpoint is kept from which a file was made. */
export const SOURCE = "promptcot.source";

/**
 * Writes the checkpoint in the folder `from` as the file `out`, whole or not at all.
 * @throws PromptCotError `unsupported-model`, `unsupported-tokenizer`, and those of `readCheckpoint` and of the disk
 */
export async function writeGguf(from: string, out: string): Promise<Checkpoint> {
  const { hash } = await openCheckpoint(from);
  const { config, tokenizer, weights } = await readCheckpoint(from);
  if (config.architecture === "qwen3" && config.qkvBias) throw biased(from);
  const metadata = new Map([
    ...modelMetadata(config, basename(from)),
    ...vocabularyMetadata(tokenizer, config, from),
    [SOURCE, { type: "string", value: hash }] as const,
  ]);
  const tensors: GgufTensor[] = [...weights].map(([name, { data, shape }]) => ({
    name: tensorName(name),
    shape,
    data: () => (isRotated(name, config) ? interleaved(data, rotatedHeads(name, config), config.headDim) : data),
  }));
  await writeStreamAtomic(out, async (file) => {
    for (const bytes of ggufBytes(metadata, tensors)) await file.writeFile(bytes);
  });
  return ggufCheckpoint(out);
}

function modelMetadata(config: ModelConfig, name: string): Map<string, GgufValue> {
  const { architecture } = config;
  const size = (key: string, value: number) => [`${architecture}.${key}`, { type: "uint32", value }] as const;
  const real = (key: string, value: number) => [`${architecture}.${key}`, { type: "float32", value }] as const;
  return new Map<string, GgufValue>([
    ["general.architecture", { type: "string", value: architecture }],
    ["general.name", { type: "string", value: name }],
    // All tensors are float32.
    ["general.file_type", { type: "uint32", value: 0 }],
    size("vocab_size", config.vocabSize),
    size("context_length", config.contextLength),
    size("embedding_length", config.hiddenSize),
    size("block_count", config.layers),
    size("feed_forward_length", config.intermediateSize),
    size("attention.head_count", config.heads),
    size("attention.head_count_kv", config.keyValueHeads),
    size("attention.key_length", config.headDim),
    size("attention.value_length", config.headDim),
    size("rope.dimension_count", config.headDim),
    real("rope.freq_base", config.ropeTheta),
    real("attention.layer_norm_rms_epsilon", config.normEpsilon),
  ]);
}

const OUTER: Readonly<Record<string, string>> = {
  "model.embed_tokens.weight": "token_embd.weight",
  "model.norm.weight": "output_norm.weight",
  "lm_head.weight": "output.weight",
};
const INNER: Readonly<Record<string, string>> = {
  input_layernorm: "attn_norm",
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.o_proj": "attn_output",
  "self_attn.q_norm": "attn_q_norm",
  "self_attn.k_norm": "attn_k_norm",
  post_attention_layernorm: "ffn_norm",
  "mlp.gate_proj": "ffn_gate",
  "mlp.up_proj": "ffn_up",
  "mlp.down_proj": "ffn_down",
};

function tensorName(name: string): string {
  const outer = OUTER[name];
  if (outer !== undefined) return outer;
  const [, layer, part, kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
  const inner = INNER[part ?? ""];
  if (inner === undefined) throw new Error(`no GGUF name for the weight ${name}`);
  return `blk.${layer}.${inner}.${kind}`;
}

/** llama.cpp rotates pairs of neighbours in llama, and halves in qwen2 and qwen3, where transformers rotates halves in all. */
function isRotated(name: string, { architecture }: ModelConfig): boolean {
  return architecture === "llama" && /self_attn\.[qk]_proj\./.test(name);
}

function rotatedHeads(name: string, { heads, keyValueHeads }: ModelConfig): number {
  return name.includes("q_proj") ? heads : keyValueHeads;
}

/** Rows [head][half][i] → [head][i][half]; a bias is a matrix of one column. */
function interleaved(data: Float32Array, heads: number, headDim: number): Float32Array {
  const columns = data.length / (heads * headDim);
  const half = headDim / 2;
  const result = new Float32Array(data.length);
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < headDim; row++) {
      const from = (head * headDim + row) * columns;
      const to = (head * headDim + 2 * (row % half) + (row >= half ? 1 : 0)) * columns;
      result.set(data.subarray(from, from + columns), to);
    }
  }
  return result;
}

function biased(from: string): PromptCotError {
  return new PromptCotError({
    boundary: "backend",
    code: "unsupported-model",
    message: `${from}: llama.cpp has no biases in the attention of qwen3`,
    next: "serve this model with vLLM or SGLang",
  });
}
