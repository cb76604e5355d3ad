/**
 * Concept sets for synthesis: seeded, never the same set twice, in an order that does not depend on the number of threads.
 * Says when the space, or the patience with it, is exhausted.
 */
import { Worker } from "node:worker_threads";
import { z } from "zod";
import { PromptCotError, throwIfStopped } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import { type Rng, rng } from "../../core/rng.ts";
import { createDrawer, createDrawIndex, type Drawer, type DrawIndex, type DrawIndexInput } from "./draw.ts";
import { DEFAULT_NEIGHBOURS, findNeighbours, type NeighbourOptions, noNeighbours } from "./neighbours.ts";
import type { ConceptSpace, SparseMatrix } from "./space.ts";
import { companyVectors, temper } from "./weights.ts";

export const SampleSettings = z.strictObject({
  /**
   * `paper`: co-occurrence plus similarity. `uniform`: every concept alike. `frontier`: concepts that are similar, or keep similar
   * company, but seldom or never met.
   */
  mode: z.enum(["paper", "uniform", "frontier"]).default("paper"),
  /** Concepts a set. */
  size: z.number().int().min(1).max(64).default(5),
  temperature: z.number().positive().default(0.2),
  /** How co-occurrence counts are tempered: see `Tempering`. */
  cooccurrence: z.enum(["log", "pmi", "raw"]).default("log"),
  /** Redraws of one set before the space counts as exhausted. */
  patience: z.number().int().positive().default(10_000),
});
export type SampleSettings = z.infer<typeof SampleSettings>;

export interface SampleOptions extends CallOptions {
  settings: SampleSettings;
  seed: number | string;
  /** Sets to draw. */
  sets: number;
  /** Index of the first one: a resumed run gives the sets it has in `drawn` and goes on here. */
  from?: number;
  /** Sets that must not come again. */
  drawn?: Iterable<readonly number[]>;
  /** [concept] multiplicative weights, for example `passRateWeights`. */
  weights?: ArrayLike<number> | undefined;
  /** Threads that draw; 0 draws here. */
  workers?: number;
}

export type Sampled =
  | { kind: "set"; index: number /** Ascending draws: the order in which they came. */; concepts: readonly number[] }
  | { kind: "exhausted"; drawn: number; reason: string };

/** @throws PromptCotError `config`/`set-too-large` if the space has fewer concepts than a set */
export async function* sampleConceptSets(space: ConceptSpace, options: SampleOptions): AsyncGenerator<Sampled> {
  const { settings, seed, sets, from = 0, workers = 0 } = options;
  const { size } = settings;
  if (space.names.length < size) {
    throw new PromptCotError({
      boundary: "config",
      code: "set-too-large",
      message: `sets of ${size} concepts were asked for, but the space has ${space.names.length}`,
      next: "ask for smaller sets, or annotate more seeds",
    });
  }
  const root = rng(seed).fork("concept-sets");
  const index = indexOf(space, settings, options.weights, root.fork("index"), options);
  const drawer = createDrawer(index);
  const seen = createSetOfSets();
  for (const set of options.drawn ?? []) seen.add(set);
  const possible = combinations(space.names.length, size);
  let count = seen.size();
  for await (const { first, sets: batch } of drawBatches(index, { seed, size, from, to: sets, workers }, options)) {
    throwIfStopped(options.signal);
    for (let k = 0; k * size < batch.length; k++) {
      if (count >= possible) {
        yield { kind: "exhausted", drawn: count, reason: `all ${possible} sets of ${size} concepts have been drawn` };
        return;
      }
      const set = freshSet(drawer, root, first + k, batch.subarray(k * size, (k + 1) * size), seen, settings.patience);
      if (set === undefined) {
        const reason = `${settings.patience} draws in a row gave sets that had been drawn before (${count} of ${possible} possible sets)`;
        yield { kind: "exhausted", drawn: count, reason };
        return;
      }
      count++;
      yield { kind: "set", index: first + k, concepts: set };
    }
    options.onEvent?.({ kind: "progress", done: first + batch.length / size, total: sets, unit: "concept sets" });
  }
}

/** The first draw of set `n` that is new: attempt 0 was drawn already; each further one has a stream of its own. */
function freshSet(
  drawer: Drawer,
  root: Rng,
  n: number,
  drawn: Uint32Array,
  seen: SetOfSets,
  patience: number,
): number[] | undefined {
  const set = drawn.slice();
  for (let attempt = 1; attempt <= patience; attempt++) {
    if (seen.add(set)) return [...set];
    drawer.draw(root.fork(n, attempt), set.length, set, 0);
  }
  return undefined;
}

/** What the mode asks for, ready to draw from. */
export function indexOf(
  space: ConceptSpace,
  settings: SampleSettings,
  weights: ArrayLike<number> | undefined,
  stream: Rng,
  options: Partial<NeighbourOptions> & Pick<DrawIndexInput, "met"> = {},
): DrawIndex {
  const size = space.names.length;
  const own = weights ?? new Float64Array(size).fill(1);
  const combine = settings.cooccurrence === "raw" ? ("sum" as const) : ("mean" as const);
  const common = { size, combine, met: options.met, temperature: settings.temperature, weights: own };
  if (settings.mode === "uniform") {
    const neighbours = noNeighbours(size);
    return createDrawIndex({
      ...common,
      dimensions: 0,
      vectors: undefined,
      neighbours,
      pairs: noPairs(size),
      first: own,
    });
  }
  const first = Float64Array.from(space.counts, (count, i) => count * (own[i] as number));
  const together = temper(space, settings.cooccurrence);
  const [vectors, dimensions, pairs] =
    settings.mode === "paper"
      ? ([space.vectors, space.dimensions, together] as const)
      : ([withCompany(space, stream.uint32()), 2 * space.dimensions, negated(together)] as const);
  const neighbours = findNeighbours(vectors, size, dimensions, stream, { ...DEFAULT_NEIGHBOURS, ...options });
  return createDrawIndex({ ...common, dimensions, vectors, neighbours, pairs, first });
}

const negated = (pairs: SparseMatrix): SparseMatrix => ({ ...pairs, values: pairs.values.map((value) => -value) });

function noPairs(size: number): SparseMatrix {
  return { offsets: new Uint32Array(size + 1), columns: new Uint32Array(0), values: new Float64Array(0) };
}

/** Unit vectors whose inner products are the means of two: that of the concepts' own vectors, and that of the company they keep. */
function withCompany({ names, vectors, dimensions, ...space }: ConceptSpace, seed: number): Float32Array {
  const company = companyVectors({ names, vectors, dimensions, ...space }, dimensions, seed);
  const both = new Float32Array(2 * names.length * dimensions);
  for (let j = 0; j < names.length; j++) {
    for (let d = 0; d < dimensions; d++) {
      both[2 * j * dimensions + d] = (vectors[j * dimensions + d] as number) * Math.SQRT1_2;
      both[(2 * j + 1) * dimensions + d] = (company[j * dimensions + d] as number) * Math.SQRT1_2;
    }
  }
  return both;
}

function combinations(n: number, k: number): number {
  let product = 1;
  for (let i = 1; i <= k; i++) product = (product * (n - k + i)) / i;
  return Math.round(product);
}

export interface BatchPlan {
  seed: number | string;
  size: number;
  from: number;
  to: number;
  workers: number;
}

/** First attempts at sets [from, to), in order. */
async function* drawBatches(
  index: DrawIndex,
  plan: BatchPlan,
  { signal }: CallOptions,
): AsyncGenerator<{ first: number; sets: Uint32Array }> {
  const batch = 1024;
  if (plan.workers === 0) {
    const draw = batchDrawer(index, plan.seed, plan.size);
    for (let first = plan.from; first < plan.to; first += batch) {
      throwIfStopped(signal);
      yield { first, sets: draw(first, Math.min(plan.to, first + batch)) };
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    return;
  }
  const pool = Array.from({ length: plan.workers }, () => openWorker({ index, seed: plan.seed, size: plan.size }));
  try {
    const waiting: { first: number; sets: Promise<Uint32Array> }[] = [];
    let turn = 0;
    for (let first = plan.from; first < plan.to; first += batch) {
      const sets = (pool[turn++ % pool.length] as SetWorker).draw(first, Math.min(plan.to, first + batch));
      // It is awaited below, in order; without this an early failure would count as unhandled.
      sets.catch(() => undefined);
      waiting.push({ first, sets });
      if (waiting.length < 3 * pool.length) continue;
      const head = waiting.shift() as (typeof waiting)[number];
      yield { first: head.first, sets: await head.sets };
    }
    for (const { first, sets } of waiting) yield { first, sets: await sets };
  } finally {
    await Promise.all(pool.map((worker) => worker.close()));
  }
}

/** Draws attempt 0 of sets [first, to); set n depends on seed and n alone. */
export function batchDrawer(
  index: DrawIndex,
  seed: number | string,
  size: number,
): (first: number, to: number) => Uint32Array<ArrayBuffer> {
  const root = rng(seed).fork("concept-sets");
  const drawer = createDrawer(index);
  return (first, to) => {
    const sets = new Uint32Array((to - first) * size);
    for (let n = first; n < to; n++) drawer.draw(root.fork(n, 0), size, sets, (n - first) * size);
    return sets;
  };
}

interface SetWorker {
  draw(first: number, to: number): Promise<Uint32Array>;
  close(): Promise<void>;
}

function openWorker(data: { index: DrawIndex; seed: number | string; size: number }): SetWorker {
  // The same file stands beside this one as TypeScript in the repository and as JavaScript in the package.
  const file = import.meta.url.endsWith(".ts") ? "./sample-worker.ts" : "./sample-worker.js";
  const worker = new Worker(new URL(file, import.meta.url), { workerData: data });
  const queue: { resolve: (sets: Uint32Array) => void; reject: (error: Error) => void }[] = [];
  worker.on("message", (sets: Uint32Array) => queue.shift()?.resolve(sets));
  worker.on("error", (error: Error) => {
    for (const { reject } of queue.splice(0)) reject(error);
  });
  return {
    draw(first, to) {
      return new Promise((resolve, reject) => {
        queue.push({ resolve, reject });
        worker.postMessage({ first, to });
      });
    },
    async close() {
      await worker.terminate();
    },
  };
}

interface SetOfSets {
  /** False if the set, whatever its order, was added before. */
  add(set: ArrayLike<number>): boolean;
  size(): number;
}

/**
 * A set of sets, 16 bytes each: it keeps 64-bit hashes. That two different sets share one has a chance of 3 in 10^8 at a million
 * sets, and would only cost a redraw.
 */
function createSetOfSets(): SetOfSets {
  let slots = new Uint32Array(2 << 12);
  let count = 0;

  function place(table: Uint32Array, a: number, b: number): boolean {
    const mask = table.length / 2 - 1;
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      if (table[2 * slot] === 0 && table[2 * slot + 1] === 0) {
        table[2 * slot] = a;
        table[2 * slot + 1] = b;
        return true;
      }
      if (table[2 * slot] === a && table[2 * slot + 1] === b) return false;
    }
  }

  return {
    size: () => count,
    add(set) {
      let a = 0x243f6a88;
      let b = 0x13198a2e;
      for (const concept of Uint32Array.from(set).sort()) {
        a = Math.imul(a ^ concept, 0x85ebca6b);
        a ^= a >>> 15;
        b = Math.imul(b + concept + 1, 0xc2b2ae35);
        b ^= b >>> 13;
      }
      if (!place(slots, a >>> 0, (b | 1) >>> 0)) return false;
      count++;
      if (4 * count > slots.length) {
        const larger = new Uint32Array(2 * slots.length);
        for (let i = 0; i < slots.length; i += 2) {
          if (slots[i] !== 0 || slots[i + 1] !== 0) place(larger, slots[i] as number, slots[i + 1] as number);
        }
        slots = larger;
      }
      return true;
    },
  };
}
