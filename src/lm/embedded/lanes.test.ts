/** That lanes change no answer, leave nothing behind when stopped, and say so when they die. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Checkpoint, Model, SampleRequest, SampleResult, ScoreRequest } from "../contract.ts";
import { embedded } from "./index.ts";
import { dealSamples, dealScores } from "./lanes.ts";
import { untrained } from "./small-model.case.ts";

const sizes = { slots: 4, batchTokens: 128 };

let folder: string;
let checkpoint: Checkpoint;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-lanes-"));
  ({ checkpoint } = await untrained(join(folder, "model"), { initializerRange: 0.3 }));
});
afterAll(() => rm(folder, { recursive: true }));

const request = (i: number, prompt = i): SampleRequest => ({
  id: `${i}`,
  prompt: { kind: "ids", ids: [1 + (prompt % 100), 7, 9] },
  ...{ maxTokens: 3 + (i % 9), temperature: 1, topP: 1, stop: {}, seed: i },
});
const requests = Array.from({ length: 40 }, (_, i) => request(i, i >> 2));
const pairs = Array.from({ length: 40 }, (_, i): ScoreRequest => {
  return { id: `${i}`, prefix: [1 + i, 2], completion: Array.from({ length: 1 + (i % 20) }, (_, t) => 3 + t) };
});

async function byId<R extends { id: string }>(results: AsyncIterable<R>): Promise<Map<string, R>> {
  const found = new Map<string, R>();
  for await (const result of results) {
    expect(found.has(result.id)).toBe(false);
    found.set(result.id, result);
  }
  return found;
}

async function withThreads<T>(threads: number, use: (model: Model) => Promise<T>): Promise<T> {
  const engine = embedded({ ...sizes, threads });
  try {
    const model = await engine.open(checkpoint);
    return await use(model);
  } finally {
    await engine.close();
  }
}

describe("lanes", () => {
  it("answer as one thread does, to the bit, each request once", async () => {
    const all = (model: Model) =>
      Promise.all([byId(model.sampler!.sample(requests, {})), byId(model.scorer!.score(pairs, {}))]);
    const alone = await withThreads(1, all);
    expect(alone.map((results) => results.size)).toEqual([40, 40]);
    expect(await withThreads(3, all)).toEqual(alone);
  });

  it("count what is done, over all lanes", async () => {
    const seen: number[] = [];
    await withThreads(2, (model) =>
      byId(
        model.sampler!.sample(requests, {
          onEvent: (event) => event.kind === "progress" && seen.push(event.done) && expect(event.total).toBe(40),
        }),
      ),
    );
    expect(seen).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  it("go on with other calls after one was left or stopped", async () => {
    await withThreads(2, async (model) => {
      for await (const _ of model.sampler!.sample(requests, {})) break;
      const stop = new AbortController();
      const stopped = async () => {
        for await (const _ of model.sampler!.sample(requests, { signal: stop.signal })) stop.abort();
      };
      await expect(stopped()).rejects.toMatchObject({ name: "Stopped", reason: "interrupted" });
      expect((await byId(model.sampler!.sample(requests, {}))).size).toBe(40);
    });
  });

  it("fail with the reason where a lane cannot read the checkpoint", async () => {
    const { checkpoint: other } = await untrained(join(folder, "other"), { initializerRange: 0.2 });
    const engine = embedded({ ...sizes, threads: 2 });
    try {
      const model = await engine.open(other);
      // This thread has read it; the lane comes too late.
      await writeFile(join(other.path, "model.safetensors"), "damaged");
      const failure = byId<SampleResult>(model.sampler!.sample(requests, {}));
      await expect(failure).rejects.toMatchObject({ code: "lane-failed", boundary: "backend" });
    } finally {
      await engine.close();
    }
  });
});

describe("dealing", () => {
  it("keeps requests of a prompt together, up to a lane's slots, and lanes even", () => {
    const parts = dealSamples(requests, 2, 4);
    expect(parts.map((part) => part.length)).toEqual([20, 20]);
    for (const part of parts) {
      const prompts = Map.groupBy(part, ({ prompt }) => JSON.stringify(prompt));
      expect([...prompts.values()].map((group) => group.length)).toEqual([4, 4, 4, 4, 4]);
    }
    const onePrompt = Array.from({ length: 16 }, (_, i) => request(i, 0));
    expect(dealSamples(onePrompt, 2, 4).map((part) => part.length)).toEqual([8, 8]);
  });

  it("deals whole runs of one length, and leaves a single run where it is", () => {
    const short = pairs.filter(({ completion }) => completion.length < 12);
    expect(dealScores(short, 3, () => 64).map((part) => part.length)).toEqual([short.length, 0, 0]);
    const parts = dealScores(short, 2, () => 8);
    expect(parts.flat()).toHaveLength(short.length);
    expect(parts.every((part) => part.length > 0)).toBe(true);
  });
});
