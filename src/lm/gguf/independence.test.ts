/** That a request's answer is its own, to the bit: any lane, any neighbours, any order, whatever is shown of a distribution. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LlamaModel } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Model, SampleRequest, SampleResult, ScoreRequest, Tokenizer } from "../contract.ts";
import { untrained } from "../embedded/small-model.case.ts";
import { gguf, writeGguf } from "./index.ts";
import { openLanes } from "./lanes.ts";
import { llamaLibrary } from "./library.ts";
import { sample } from "./sample.ts";

const shape = { architecture: "llama", hiddenSize: 96, intermediateSize: 200, heads: 6, keyValueHeads: 2 } as const;

// A model is loaded many times, which takes long on a busy machine.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
let tokenizer: Tokenizer;
let model: Model;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-lanes-"));
  const small = await untrained(folder, { ...shape, initializerRange: 0.3, contextLength: 400 });
  ({ tokenizer } = small);
  const file = await writeGguf(small.checkpoint.path, join(folder, "model.gguf"));
  ({ path } = file);
  model = await gguf({ threads: 1, lanes: 3 }).open(file);
});
afterAll(async () => {
  await model.close();
  await rm(folder, { recursive: true });
});

/** Request `i`: groups of four share a prompt; lengths, temperatures and seeds differ. */
const request = (i: number): SampleRequest => {
  const group = Math.floor(i / 4);
  return {
    id: `${i}`,
    prompt: {
      kind: "ids",
      ids: Array.from({ length: 1 + ((group * 53) % 190) }, (_, t) => (group * 31 + t * 17) % 270),
    },
    maxTokens: 1 + ((i * 29) % 40),
    ...{ temperature: [0, 1, 0.7, 1.5][i % 4]!, topP: i % 3 === 0 ? 0.9 : 1, stop: {}, seed: i * 7919 },
  };
};

function byId<Result extends { id: string }>(results: readonly Result[]): Result[] {
  return [...results].sort((a, b) => Number(a.id) - Number(b.id));
}

const draws = async (requests: readonly SampleRequest[]): Promise<SampleResult[]> =>
  byId(await Array.fromAsync(model.sampler!.sample(requests, {})));

describe("independence", () => {
  it("samples alike alone, among others, and in another order", async () => {
    const all = Array.from({ length: 20 }, (_, i) => request(i));
    const together = await draws(all);
    expect(together.every(({ ok }) => ok)).toBe(true);
    expect(await draws([...all].reverse())).toEqual(together);
    const alone = [];
    for (const one of all) alone.push(...(await draws([one])));
    expect(alone).toEqual(together);
  });

  it("scores alike alone, among others, and in another order", async () => {
    const all = Array.from({ length: 12 }, (_, i): ScoreRequest => {
      const ids = Array.from({ length: 160 + i }, (_, t) => (i * 37 + t * 13) % 270);
      const cut = 1 + ((Math.floor(i / 3) * 41) % 150);
      return { id: `${i}`, prefix: [...new Array(cut).keys()].map((t) => t % 270), completion: ids.slice(cut) };
    });
    const scored = async (requests: readonly ScoreRequest[]) =>
      byId(await Array.fromAsync(model.scorer!.score(requests, {})));
    const together = await scored(all);
    expect(together.every(({ ok }) => ok)).toBe(true);
    expect(await scored([...all].reverse())).toEqual(together);
    const alone = [];
    for (const one of all) alone.push(...(await scored([one])));
    expect(alone).toEqual(together);
  });

  it("draws the same tokens from the head of a distribution as from the whole", async () => {
    const llama = await llamaLibrary(false);
    const loaded: LlamaModel = await llama.loadModel({ modelPath: path, gpuLayers: 0 });
    const options = { lanes: 1, threads: 1, contextLength: 400, vocabSize: tokenizer.vocabSize, cache: "f32" } as const;
    const lanes = await openLanes(loaded, { ...options, shown: 3 });
    const engine = {
      ...{ lanes, contextLength: 400, tokenizer, ends: (id: number) => id === 0 },
      promptIds: (prompt: SampleRequest["prompt"]) => (prompt.kind === "ids" ? prompt.ids : { reason: "no ids" }),
    };
    const requests = Array.from({ length: 12 }, (_, i) => request(i));
    const few = byId(await Array.fromAsync(sample(engine, requests, {})));
    const whole = await draws(requests);
    const ids = (result: SampleResult) => (result.ok ? result.ids : result.reason);
    expect(few.map(ids)).toEqual(whole.map(ids));
    await lanes.close();
    await loaded.dispose();
  });
});
