import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readGgufFileInfo } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCheckpoint, writeCheckpoint } from "../embedded/checkpoint.ts";
import { untrained } from "../embedded/small-model.case.ts";
import { ggufBytes } from "./format.ts";
import { ggufCheckpoint } from "./hash.ts";
import { vocabularyMetadata } from "./vocabulary.ts";
import { SOURCE, writeGguf } from "./write.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-write-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("the container", () => {
  it("is laid out as the format says, byte for byte", () => {
    const bytes = Buffer.concat([
      ...ggufBytes(
        new Map([
          ["a", { type: "uint32", value: 7 }],
          ["b", { type: "strings", value: ["é"] }],
        ]),
        [{ name: "t", shape: [2, 3], data: () => Float32Array.from([1, 2, 3, 4, 5, 6]) }],
      ),
    ]);
    const number = (value: number, size: number) => Buffer.from([value, ...new Array(size - 1).fill(0)]);
    const text = (value: string) => [number(Buffer.byteLength(value), 8), Buffer.from(value)];
    const head = Buffer.concat([
      ...[Buffer.from("GGUF"), number(3, 4), number(1, 8), number(2, 8)],
      ...[...text("a"), number(4, 4), number(7, 4)],
      ...[...text("b"), number(9, 4), number(8, 4), number(1, 8), ...text("é")],
      ...[...text("t"), number(2, 4), number(3, 8), number(2, 8), number(0, 4), number(0, 8)],
    ]);
    expect(bytes.subarray(0, head.length)).toEqual(head);
    const start = Math.ceil(head.length / 32) * 32;
    expect(bytes.length).toBe(start + 32);
    expect([0, 1, 2, 3, 4, 5].map((i) => bytes.readFloatLE(start + 4 * i))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(bytes.subarray(start + 24).every((byte) => byte === 0)).toBe(true);
  });
});

describe("a checkpoint as GGUF", () => {
  it("names what llama.cpp needs, and where it came from; the same checkpoint gives the same bytes", async () => {
    const { checkpoint } = await untrained(join(folder, "plain"));
    const out = join(folder, "plain.gguf");
    const first = await writeGguf(checkpoint.path, out);
    const bytes = await readFile(out);
    expect(await writeGguf(checkpoint.path, out)).toEqual(first);
    expect(await readFile(out)).toEqual(bytes);
    expect(await ggufCheckpoint(out)).toEqual(first);
    const { metadata, fullTensorInfo } = await readGgufFileInfo(out, { logWarnings: false });
    expect(metadata).toMatchObject({
      general: { architecture: "qwen3", file_type: 0 },
      qwen3: { block_count: 2, context_length: 96, attention: { head_count: 2, head_count_kv: 1, key_length: 16 } },
      tokenizer: { ggml: { model: "gpt2", pre: "smollm", eos_token_id: 0, add_bos_token: false } },
      promptcot: { source: checkpoint.hash },
    });
    expect(SOURCE).toBe("promptcot.source");
    const names = fullTensorInfo!.map(({ name }) => name);
    expect(names).toContain("blk.1.attn_q_norm.weight");
    expect(names).not.toContain("output.weight");
  });

  it.each([
    ["qwen2", "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}", "qwen2"],
    ["Llama 3", "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}", "llama-bpe"],
  ])("knows the pre-tokenizer of %s", async (_, beginning, name) => {
    const regex = `${beginning}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
    expect((await vocabulary({ pre_tokenizer: split(regex) })).get("tokenizer.ggml.pre")).toEqual({
      type: "string",
      value: name,
    });
  });

  it.each([
    ["a pattern that llama.cpp lacks", { pre_tokenizer: split("\\w+") }, /no pre-tokenizer for the pattern \\w\+/],
    ["another form", { pre_tokenizer: { type: "Metaspace" } }, /of the form Metaspace/],
    ["a normalizer", { normalizer: { type: "Lowercase" } }, /normalizer of type Lowercase/],
  ])("refuses a tokenizer with %s", async (_, change, message) => {
    await expect(vocabulary(change)).rejects.toMatchObject({
      code: "unsupported-tokenizer",
      message: expect.stringMatching(message),
    });
  });

  it("refuses more endings than the format has, and biases that llama.cpp has no place for", async () => {
    const { checkpoint } = await untrained(join(folder, "odd"));
    const content = await readCheckpoint(checkpoint.path);
    const many = { ...content.config, eosIds: [0, 1, 2, 3] };
    expect(() => vocabularyMetadata(content.tokenizer, many, "here")).toThrow(/ends after 4 tokens/);
    const out = join(folder, "biased");
    const weights = new Map(content.weights);
    for (const [name, { shape }] of content.weights) {
      if (!/self_attn\.[qkvo]_proj\.weight/.test(name)) continue;
      const rows = shape[0]!;
      weights.set(name.replace(".weight", ".bias"), { data: new Float32Array(rows), shape: [rows] });
    }
    const config = { ...content.config, qkvBias: true, outputBias: true };
    await writeCheckpoint(out, { ...content, config, weights });
    await expect(writeGguf(out, join(folder, "x.gguf"))).rejects.toMatchObject({ code: "unsupported-model" });
  });
});

function split(regex: string): object {
  const first = { type: "Split", pattern: { Regex: regex }, behavior: "Isolated", invert: false };
  return { type: "Sequence", pretokenizers: [first, { type: "ByteLevel", use_regex: false }] };
}

/** The metadata of the small model's tokenizer with other members in its tokenizer.json. */
async function vocabulary(change: object) {
  const { checkpoint } = await untrained(await mkdtemp(join(folder, "vocabulary-")));
  const { config, tokenizer } = await readCheckpoint(checkpoint.path);
  const tokenizerJson = JSON.stringify({ ...JSON.parse(tokenizer.tokenizerJson), ...change });
  return vocabularyMetadata({ ...tokenizer, tokenizerJson }, config, "here");
}
