/** A GGUF file made from a checkpoint of the embedded engine, run by llama.cpp: same ids, same log-probabilities. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Model, SampleAnswer, SampleRequest } from "../../src/lm/contract.ts";
import type { NewModel } from "../../src/lm/embedded/config.ts";
import { embedded } from "../../src/lm/embedded/index.ts";
import { gguf, writeGguf } from "../../src/lm/gguf/index.ts";
import { farthest, scores, TEXTS, trainedCheckpoint } from "./small-checkpoint.ts";

const shapes: [string, Partial<NewModel>][] = [
  ["llama, grouped heads", { architecture: "llama", heads: 4, keyValueHeads: 2, headDim: 8 }],
  ["qwen2, biases, own head", { architecture: "qwen2", heads: 4, keyValueHeads: 4, headDim: 8, tiedHead: false }],
  ["qwen3, wide heads", { architecture: "qwen3", heads: 2, keyValueHeads: 1, headDim: 24, ropeTheta: 1e6 }],
];

describe.each(shapes)("%s", (_, config) => {
  const engine = embedded();
  let folder: string;
  let ours: Model;
  let theirs: Model;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "promptcot-gguf-"));
    const { checkpoint } = await trainedCheckpoint(folder, config);
    ours = await engine.open(checkpoint);
    theirs = await gguf({ threads: 1 }).open(await writeGguf(checkpoint.path, join(folder, "model.gguf")));
  });
  afterAll(async () => {
    await theirs.close();
    await ours.close();
    await engine.close();
    await rm(folder, { recursive: true });
  });

  it("has the same tokenizer: hash, size and ids", () => {
    const [a, b] = [ours.tokenizer!, theirs.tokenizer!];
    expect(b.hash).toBe(a.hash);
    expect(b.vocabSize).toBe(a.vocabSize);
    for (const text of TEXTS) expect(b.encode(text)).toEqual(a.encode(text));
    for (const text of TEXTS) expect(b.decode(b.encode(text))).toBe(text);
  });

  it("scores given ids alike", async () => {
    const requests = TEXTS.map((text, i) => {
      const ids = ours.tokenizer!.encode(text);
      return { id: `${i}`, prefix: ids.slice(0, 1), completion: ids.slice(1) };
    });
    const [a, b] = [await scores(ours, requests), await scores(theirs, requests)];
    const distance = farthest(a, b);
    console.info(`largest difference over ${a.flat().length} tokens: ${distance.toExponential(1)} nats`);
    expect(distance).toBeLessThan(1e-3);
  });

  it("samples the same ids greedily, and gives the log-probabilities that the embedded engine gives", async () => {
    const requests = [0, 1].map((temperature) => request(`t${temperature}`, temperature));
    const [cold, warm] = await sampled(theirs, requests);
    const [expected] = await sampled(ours, requests);
    expect(cold!.ids).toEqual(expected!.ids);
    const asked = [cold!, warm!].map(({ id, ids }) => ({ id, prefix: promptIds(ours), completion: ids! }));
    expect(farthest(await scores(ours, asked), [cold!.logprobs!, warm!.logprobs!])).toBeLessThan(1e-3);
  });
});

const PROMPT = "Add 7 and 11.<|z|>";

function promptIds(model: Model): number[] {
  return model.tokenizer!.encode(PROMPT);
}

function request(id: string, temperature: number): SampleRequest {
  const prompt = { kind: "text", text: PROMPT } as const;
  return { id, prompt, maxTokens: 40, temperature, topP: 1, stop: {}, seed: 11 };
}

async function sampled(model: Model, requests: readonly SampleRequest[]): Promise<SampleAnswer[]> {
  const results = await Array.fromAsync(model.sampler!.sample(requests, {}));
  return requests.map(({ id }) => {
    const result = results.find((one) => one.id === id);
    if (!result?.ok) throw new Error(result?.reason ?? "not answered");
    return result;
  });
}
