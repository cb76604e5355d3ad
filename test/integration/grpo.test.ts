/** GRPO through TRL: what is rewarded becomes more likely, and what nobody can decide teaches nothing. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkEvent } from "../../src/core/events.ts";
import type { Checkpoint, GrpoJob, Trial } from "../../src/lm/contract.ts";
import { type Embedded, embedded } from "../../src/lm/embedded/index.ts";
import { trl } from "../../src/lm/trl/index.ts";
import { type Small, smallModel, trlCpu } from "./trl-models.ts";

let folder: string;
let engine: Embedded;
let small: Small;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-grpo-"));
  engine = embedded();
  small = await smallModel(folder);
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

/** Eight prompts; an answer is right if its first token has an even id. */
function job(changes: Partial<GrpoJob>): Omit<GrpoJob, "out"> {
  const rows = Array.from({ length: 8 }, (_, i) => ({
    id: `row ${i}`,
    prompt: small.tokenizer.encode(`Add ${i} and ${i + 1}.<|z|>`),
  }));
  return {
    ...{ from: small.checkpoint, rows, generations: 8, maxTokens: 3, temperature: 1, topP: 1, beta: 0 },
    optimization: {
      ...{ epochs: 30, batchSize: 8, learningRate: 2e-2, schedule: { kind: "constant", warmupSteps: 0 } },
      ...{ weightDecay: 0, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, clipNorm: 1 },
    },
    ...{ optimizer: "fresh", seed: 3, rewardId: "even" },
    reward: async (trials) => trials.map(even),
    ...changes,
  };
}

const even = ({ ids }: Trial) => (ids[0]! % 2 === 0 ? 1 : 0);

test("makes what is rewarded more likely, asking for each answer once, by its own ids", async () => {
  const seen: Trial[] = [];
  const events: WorkEvent[] = [];
  const given = job({
    async reward(trials) {
      seen.push(...trials);
      return trials.map((trial) => (trial.ids[0]! % 5 === 0 ? undefined : even(trial)));
    },
  });
  const trained = await trl(trlCpu()).grpo(
    { ...given, out: join(folder, "even") },
    { onEvent: (event) => events.push(event) },
  );
  expect(trained.steps).toBe(30);
  expect(seen).toHaveLength(30 * 8 * 8);
  expect(trained.targetTokens).toBe(seen.reduce((sum, { ids }) => sum + ids.length, 0));
  expect(new Set(seen.map(({ id }) => id)).size).toBe(8);
  for (const { ids, text } of seen) expect(text).toBe(small.tokenizer.decode(ids, { skipSpecial: true }));
  expect(events.filter(({ kind }) => kind === "train-step")).toHaveLength(30);
  const unknown = seen.filter(({ ids }) => ids[0]! % 5 === 0).length;
  expect(events.at(-1)).toEqual({
    kind: "note",
    message: `${unknown} of ${seen.length} trials could not be decided, and taught nothing`,
  });
  const before = await shareOfEven(small.checkpoint);
  const after = await shareOfEven(trained.checkpoint);
  expect(after - before).toBeGreaterThan(0.15);
});

describe("what nobody can decide", () => {
  test("leaves the weights as they were, to the bit", async () => {
    const given = job({ reward: async (trials) => trials.map(() => undefined) });
    const optimization = { ...given.optimization, epochs: 2 };
    const trained = await trl(trlCpu()).grpo({ ...given, optimization, out: join(folder, "unknown") }, {});
    expect(trained.steps).toBe(2);
    expect(trained.checkpoint.hash).toBe(small.checkpoint.hash);
  });

  test("is not what a reward that fails means: the job ends with its error", async () => {
    const given = job({
      async reward() {
        throw new Error("the sandbox is gone");
      },
    });
    const failing = trl(trlCpu()).grpo({ ...given, out: join(folder, "failing") }, {});
    await expect(failing).rejects.toThrow("the sandbox is gone");
  });
});

test("refuses prompts that their text does not give back, and batches that are never full", async () => {
  const bytes = [..."Add"].map((letter) => small.tokenizer.encode(letter)[0]!);
  const spelt = trl(trlCpu()).grpo({ ...job({ rows: [{ id: "bytes", prompt: bytes }] }), out: join(folder, "x") }, {});
  await expect(spelt).rejects.toMatchObject({ code: "text-differs", message: expect.stringContaining("row bytes") });
  const few = trl(trlCpu()).grpo({ ...job({ rows: job({}).rows.slice(0, 5) }), out: join(folder, "x") }, {});
  await expect(few).rejects.toMatchObject({ code: "unfit-job", message: /5 prompts do not fill a batch of 8/ });
});

/** Share of even first tokens among 800 answers. */
async function shareOfEven(checkpoint: Checkpoint): Promise<number> {
  const model = await engine.open(checkpoint);
  const requests = Array.from({ length: 800 }, (_, i) => ({
    id: String(i),
    prompt: { kind: "ids" as const, ids: job({}).rows[i % 8]!.prompt },
    ...{ maxTokens: 1, temperature: 1, topP: 1, stop: {}, seed: i },
  }));
  let found = 0;
  for await (const answer of model.sampler!.sample(requests, {})) if (answer.ok) found += 1 - (answer.ids![0]! % 2);
  await model.close();
  return found / requests.length;
}
