/** The EM loop itself over the tabular model, where every z can be enumerated and every fit is exact. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rng } from "../../core/rng.ts";
import { inline } from "../../exec/inline.ts";
import type { Backend, Checkpoint, Model, TokenIds } from "../../lm/contract.ts";
import { type Table, tabular, writeTable } from "../../lm/tabular.ts";
import { wordTokenizer } from "../../lm/word-tokenizer.ts";
import { recordsOf, type StageContext } from "../stage.ts";
import { scoreJointly } from "./e-step.ts";
import { formatFor, specialTokens } from "./format.ts";
import { type EmSettings, em } from "./loop.ts";
import { Candidate, nats, type Pair } from "./records.ts";
import { roundsJournal } from "./round.ts";

const concepts = ["red", "blue"];
const symbols = ["a", "b", "c"];
const statements = ["u v", "v u", "u u", "v v v"];
const tokenizer = wordTokenizer([...concepts, ...symbols, "u", "v"], specialTokens);
const format = formatFor(tokenizer);
const backend = tabular({ tokenizer });

/** Every rationale there is: the 3 + 9 sequences of one or two symbols. */
const rationales: TokenIds[] = [
  ...symbols,
  ...symbols.flatMap((first) => symbols.map((second) => `${first} ${second}`)),
].map((text) => tokenizer.encode(text));

/** 40 observed pairs; the same (c, x) may be seen more than once, as annotated data has it. */
function observedPairs(seed: number): Pair[] {
  const random = rng(seed).fork("pairs");
  return Array.from({ length: 40 }, (_, i): Pair => {
    const concept = random.pick(concepts);
    // Each concept prefers some statements, so that there is structure to learn.
    const problem = statements[random.weighted(concept === "red" ? [6, 3, 1, 1] : [1, 1, 4, 4])] as string;
    return {
      id: `pair-${i}`,
      seedId: `seed-${i}`,
      split: "train",
      concepts: [concept],
      problem,
      rationale: random.pick(symbols),
      annotator: "toy",
    };
  });
}

/** A table with full support over every rationale and statement, drawn at random. */
function randomTable(seed: number): Table {
  const random = rng(seed).fork("table");
  const table = new Map<string, Map<number, number>>();
  const add = (prompt: TokenIds, completion: TokenIds) => {
    for (let t = 0; t < completion.length; t++) {
      const key = [...prompt, ...completion.slice(0, t)].join(",");
      const row = table.get(key) ?? new Map<number, number>();
      const token = completion[t] as number;
      if (!row.has(token)) row.set(token, 0.2 + random.next());
      table.set(key, row);
    }
  };
  for (const concept of concepts) {
    const c = { concepts: [concept] };
    for (const z of rationales) {
      for (const x of statements) {
        add(format.promptOfP(c), [...format.rationale(z), ...format.problem(x)]);
        add(format.promptOfQ(c, x), format.rationale(z));
      }
    }
  }
  for (const row of table.values()) {
    const total = [...row.values()].reduce((sum, weight) => sum + weight, 0);
    for (const [token, weight] of row) row.set(token, weight / total);
  }
  return table;
}

/** log p(z,x|c) of every rationale, by the model of a checkpoint. */
async function joints(model: Model, pair: Pair): Promise<number[]> {
  const items = rationales.map((z, i) => ({ id: String(i), pair, z }));
  const scores = await scoreJointly({} as StageContext, model, items);
  return items.map(({ id }) => {
    const score = scores.get(id);
    if (score === undefined || "reason" in score) throw new Error("not scored");
    return nats(score.prior) + nats(score.likelihood);
  });
}

const logSumExp = (values: number[]) => {
  const top = Math.max(...values);
  return top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-em-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function loop(
  seed: number,
  overrides: Partial<EmSettings>,
  pairs = observedPairs(seed),
  run = folder,
  more: { q?: Backend; p?: Backend; reference?: Backend; takeTurns?: boolean } = {},
) {
  const start = await writeTable(randomTable(seed), join(run, "start"));
  const context: StageContext = { folder: run, rng: rng(seed), executor: inline() };
  const optimization = {
    ...{
      epochs: 1,
      batchSize: 16,
      learningRate: 0,
      weightDecay: 0,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      clipNorm: 1,
    },
    schedule: { kind: "constant", warmupSteps: 0 } as const,
  };
  const party = {
    backend,
    trainer: backend.trainer,
    checkpoint: start,
    fit: { optimization, optimizer: "fresh" as const },
  };
  const settings: EmSettings = {
    rounds: 5,
    candidates: { kind: "enumerated", rationales: () => rationales },
    select: "best",
    teach: "greedy",
    maxRationaleTokens: 8,
    tolerance: 0,
    alarms: {
      ...{ shortening: 1, nllRise: 10, shortWinners: 0, spread: 0, distinct: 0 },
      ...{ malformed: 1, kept: 1, copying: 1, leaking: 1, certain: 0 },
    },
    stopOnAlarm: false,
    measureDraws: 4,
    shardSize: 10,
    ...overrides,
  };
  const dev = pairs.slice(0, 4);
  const { q = backend, p = backend, reference, takeTurns } = more;
  const outcome = await em(context, {
    ...{ name: "em", tokenizer, train: pairs, dev, settings },
    ...{ q: { ...party, backend: q }, p: { ...party, backend: p, reference }, takeTurns },
  });
  return { outcome, start, pairs, context };
}

/** Every file under a folder, by its path in it. */
async function bytesUnder(root: string): Promise<Record<string, string>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const named = await Promise.all(
    files.map(async (file) => [relative(root, file), await readFile(file, "utf8")] as const),
  );
  return Object.fromEntries(named.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The p of the cold start and of each round. */
async function courseOfP(start: Checkpoint, rounds: number, run = folder): Promise<Model[]> {
  const paths = Array.from({ length: rounds }, (_, r) => join(run, "checkpoints/em", `round-${r + 1}`, "p"));
  return Promise.all([start, ...paths.map((path) => ({ path, hash: path }))].map((at) => backend.open(at, {})));
}

async function objective(models: Model[], pairs: Pair[], value: (joints: number[]) => number): Promise<number[]> {
  const course: number[] = [];
  for (const model of models) {
    const values = await Promise.all(pairs.map(async (pair) => value(await joints(model, pair))));
    course.push(values.reduce((sum, v) => sum + v, 0));
  }
  return course;
}

describe("exact EM over an enumerable model", () => {
  it.each([1, 2, 3, 4, 5, 6])("posterior weights never lower Σ log p(x|c) (seed %i)", async (seed) => {
    const { start, pairs } = await loop(seed, { select: "posterior", teach: "chosen", rounds: 6 });
    const course = await objective(await courseOfP(start, 6), pairs, logSumExp);
    for (let r = 1; r < course.length; r++) expect(course[r]).toBeGreaterThanOrEqual((course[r - 1] as number) - 1e-9);
    expect(course.at(-1)).toBeGreaterThan((course[0] as number) + 1);
  });

  it.each([1, 2, 3, 4, 5, 6])("the best of all z never lowers Σ max log p(z,x|c) (seed %i)", async (seed) => {
    // The paper's own path: q is fitted to the best z, and its greedy decoding teaches p.
    const { start, pairs } = await loop(seed, { select: "best", teach: "greedy", rounds: 6 });
    const course = await objective(await courseOfP(start, 6), pairs, (values) => Math.max(...values));
    for (let r = 1; r < course.length; r++) expect(course[r]).toBeGreaterThanOrEqual((course[r - 1] as number) - 1e-9);
    expect(course.at(-1)).toBeGreaterThan((course[0] as number) + 1);
  });

  it("eight samples lie below the best of all z, and rise too", async () => {
    const candidates = { kind: "drawn", count: 8, temperature: 1, maxTokens: 8 } as const;
    const { start, pairs, outcome } = await loop(1, { candidates, rounds: 4 });
    const sampled = await objective(await courseOfP(start, 4), pairs, (values) => Math.max(...values));
    expect(sampled.at(-1)).toBeGreaterThan(sampled[0] as number);
    expect(outcome.rounds).toHaveLength(5);
  });

  it("the marginal is bounded: ELBO ≤ importance-weighted bound in the mean, and both ≤ log p(x|c)", async () => {
    const candidates = { kind: "drawn", count: 8, temperature: 1, maxTokens: 8 } as const;
    const { outcome, start, pairs } = await loop(3, { candidates, rounds: 1, select: "posterior", measureDraws: 256 });
    const dev = pairs.slice(0, 4);
    const [exact] = await objective(await courseOfP(start, 0), dev, logSumExp);
    const [first] = outcome.rounds;
    expect(first?.measure.elbo).toBeLessThan(first?.measure.bound as number);
    // 256 draws from a q of full support: the bound is nearly tight.
    expect(first?.measure.bound).toBeCloseTo((exact as number) / dev.length, 1);
  });
});

describe("what the loop journals", () => {
  it("keeps every candidate with both terms, which sum to one joint score of the same ids", async () => {
    const candidates = { kind: "drawn", count: 8, temperature: 1, maxTokens: 8 } as const;
    const { context, pairs, start } = await loop(2, { candidates, rounds: 1 });
    const kind = { journal: "em/round-1/candidates", schema: Candidate, version: 1 };
    const records = await Array.fromAsync(recordsOf(context, kind));
    expect(records).toHaveLength(pairs.length * 8);
    const model = await backend.open(start, {});
    for (const record of records.slice(0, 40)) {
      if (!record.ok) throw new Error(record.reason);
      const pair = pairs.find(({ id }) => id === record.pairId) as Pair;
      const completion = [...format.rationale(record.z), ...format.problem(pair.problem)];
      const request = { id: "joint", prefix: format.promptOfP(pair), completion };
      const [joint] = await Array.fromAsync(model.scorer?.score([request], {}) ?? []);
      if (!joint?.ok) throw new Error("not scored");
      const whole = joint.logprobs.reduce((sum, value) => sum + value, 0);
      expect(nats(record.prior) + nats(record.likelihood)).toBeCloseTo(whole, 10);
      expect(record.prior.tokens).toBe(record.z.length + 1);
    }
  });

  it("a second call over a finished run changes nothing and asks no model", async () => {
    const first = await loop(4, { rounds: 2 });
    const again = await loop(4, { rounds: 2 });
    expect(again.outcome).toEqual(first.outcome);
    const rounds = await Array.fromAsync(recordsOf(first.context, roundsJournal("em")));
    expect(rounds.map(({ round }) => round)).toEqual([0, 1, 2]);
  });
});

describe("q and p on one device", () => {
  const candidates = { kind: "drawn", count: 4, temperature: 1, maxTokens: 8 } as const;

  it("change places twice a round and training, and the journals are the same bytes", async () => {
    const loads: string[] = [];
    const told = (who: string): Backend => ({
      ...backend,
      open(checkpoint, options) {
        const load = `${who} ${relative(folder, checkpoint.path)}`;
        if (loads.at(-1) !== load) loads.push(load);
        return backend.open(checkpoint, options);
      },
    });
    const pairs = observedPairs(5);
    const apart = join(folder, "apart");
    const turns = join(folder, "turns");
    await loop(5, { candidates, rounds: 2 }, pairs, apart, { q: told("q"), p: told("p") });
    const without = loads.splice(0).length;
    await loop(5, { candidates, rounds: 2 }, pairs, turns, { q: told("q"), p: told("p"), takeTurns: true });
    expect(loads).toEqual([
      ...["q turns/start", "p turns/start"],
      ...["q turns/checkpoints/em/round-1/q", "p turns/checkpoints/em/round-1/p"],
      ...["q turns/checkpoints/em/round-2/q", "p turns/checkpoints/em/round-2/p"],
    ]);
    expect(without).toBeGreaterThan(loads.length);
    expect(await bytesUnder(join(turns, "journal"))).toEqual(await bytesUnder(join(apart, "journal")));
  });

  it("a control draws all that its q will ever draw at once", async () => {
    const loads: string[] = [];
    const told = (who: string): Backend => ({
      ...backend,
      open(checkpoint, options) {
        if (loads.at(-1) !== who) loads.push(who);
        return backend.open(checkpoint, options);
      },
    });
    const more = { q: told("q"), p: told("p"), takeTurns: true };
    await loop(5, { candidates, rounds: 3, teach: "fixed-sampled" }, observedPairs(5), folder, more);
    expect(loads).toEqual(["q", "p", "q", "p"]);
  });
});

describe("numeric noise", () => {
  const candidates = { kind: "drawn", count: 8, temperature: 1, maxTokens: 8 } as const;
  const noise = { share: 0.5, flips: 0.05, gap: 0.02 };

  /** A scorer whose last digits depend on the batch: on the order of requests and on the repeat. */
  const shaky = (nats: number): Backend => ({
    ...backend,
    async open(checkpoint, options) {
      const model = await backend.open(checkpoint, options);
      return {
        ...model,
        scorer: {
          async *score(requests, call) {
            const repeats = new Map(requests.map(({ id, repeat }) => [id, repeat]));
            for await (const result of model.scorer?.score(requests, call) ?? []) {
              if (!result.ok) yield result;
              else {
                const random = rng(`${result.id} ${repeats.get(result.id)}`);
                yield { ...result, logprobs: result.logprobs.map((value) => value + nats * random.normal()) };
              }
            }
          },
        },
      };
    },
  });

  it("is exactly 0 where arithmetic is exact, and costs no alarm", async () => {
    const { outcome } = await loop(2, { candidates, rounds: 1, noise }, observedPairs(2), folder, {
      reference: backend,
    });
    expect(outcome.rounds[1]?.noise).toMatchObject({
      again: { flipped: 0, mean: 0, largest: 0 },
      reference: { flipped: 0, mean: 0, perToken: 0 },
    });
    expect(outcome.rounds[1]?.alarms).toEqual([]);
  });

  it("changes winners where it is large, and that is an alarm; so is a gap to the reference", async () => {
    const more = { p: shaky(1), reference: backend };
    const { outcome } = await loop(2, { candidates, rounds: 1, noise }, observedPairs(2), folder, more);
    const found = outcome.rounds[1]?.noise;
    expect(found?.again.flipped).toBeGreaterThan(0.1);
    expect(found?.pairs).toBeGreaterThanOrEqual(8);
    expect(found?.again.mean).toBeGreaterThan(0.5);
    expect(found?.reference?.perToken).toBeGreaterThan(0.1);
    const alarms = outcome.rounds[1]?.alarms.filter(({ kind }) => kind === "noise") ?? [];
    expect(alarms).toHaveLength(2);
    expect(alarms[0]?.message).toContain("another winner");
    expect(alarms[1]?.message).toContain("reference engine");
  });

  it("draws that came without log q are scored under q", async () => {
    const mute: Backend = {
      ...backend,
      async open(checkpoint, options) {
        const model = await backend.open(checkpoint, options);
        return {
          ...model,
          sampler: {
            async *sample(requests, call) {
              for await (const result of model.sampler?.sample(requests, call) ?? []) {
                if (!result.ok) yield result;
                else {
                  const { logprobs: _, ...rest } = result;
                  yield rest;
                }
              }
            },
          },
        };
      },
    };
    const [told, scored] = [join(folder, "told"), join(folder, "scored")];
    const settings = { candidates, rounds: 1, select: "posterior" } as const;
    await loop(2, settings, observedPairs(2), told);
    await loop(2, settings, observedPairs(2), scored, { q: mute });
    const rounds = (run: string) => Array.fromAsync(recordsOf({ folder: run }, roundsJournal("em")));
    const [a, b] = [await rounds(told), await rounds(scored)];
    expect(b[1]?.measure.elbo).toBeCloseTo(a[1]?.measure.elbo as number, 9);
    const deaf: Backend = {
      ...mute,
      async open(checkpoint, options) {
        const { scorer: _, ...model } = await mute.open(checkpoint, options);
        return model;
      },
    };
    const refused = loop(2, settings, observedPairs(2), join(folder, "deaf"), { q: deaf });
    await expect(refused).rejects.toThrow("needs log q");
  });
});

describe("malformed candidates", () => {
  it("a pair whose candidates are all malformed keeps its rationale, and is counted", async () => {
    // One token is never enough for a rationale and its terminator.
    const candidates = { kind: "drawn", count: 8, temperature: 1, maxTokens: 1 } as const;
    const bounds = { malformed: 0.5, kept: 0.5 };
    const { outcome } = await loop(5, {
      candidates,
      rounds: 1,
      alarms: {
        ...{ shortening: 1, nllRise: 10, shortWinners: 0, spread: 0, distinct: 0 },
        ...{ ...bounds, copying: 1, leaking: 1, certain: 0 },
      },
    });
    const [, round] = outcome.rounds;
    expect(round?.statistics).toMatchObject({ malformed: 1, kept: 1 });
    expect(round?.alarms.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["malformed", "kept"]));
  });
});
