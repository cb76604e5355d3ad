/**
 * Draws concept sets: the first concept by weight, each next one j with probability softmax(score_j / temperature) over the concepts
 * not yet in the set, score_j = (sum or mean over i in the set of pair(i, j)) + cos(v_j, mean of the set's vectors) (PAPER.md, section 4).
 *
 * It does not look at all concepts: proposals come from an envelope and are accepted with the ratio of weight to envelope. Each concept
 * has a list of its nearest neighbours; whoever is not in the list of i is no more similar to i than a known bound τ_i. It has another of
 * those that it met most (met.ts); whoever is not in that one has a pair score of at most λ_i. So every concept has
 * cos ≤ Σ_i τ_i / |Σ_i v_i| and a pair score of at most Σ_i λ_i, and the listed ones have bounds of their own: the tail is proposed by static
 * weights, and only the listed are summed. Where nothing is accepted for long (very low temperatures), the draw looks at all: what was
 * refused before tells nothing of the outcome.
 *
 * With complete lists (neighbours.ts finds them by looking at all pairs, up to some 10,000 concepts) the draw is exact. Beyond that the
 * lists may miss a neighbour, whose weight is then cut at the bound; docs/design/curate.md has the measured total-variation distance.
 */
import type { Rng } from "../../core/rng.ts";
import { type MetLists, metLists } from "./met.ts";
import type { NeighbourLists } from "./neighbours.ts";
import type { SparseMatrix } from "./space.ts";

/** Plain arrays in shared memory, so that an index can be handed to a worker. */
export interface DrawIndex {
  size: number;
  dimensions: number;
  /** [concept][dimension] unit vectors; undefined draws without regard to similarity. */
  vectors: Float32Array | undefined;
  neighbours: NeighbourLists;
  /** Scores of pairs. */
  pairs: SparseMatrix;
  met: MetLists;
  /** Whether a set's pair scores with a concept are summed, or their mean is taken over the set. */
  combine: "sum" | "mean";
  temperature: number;
  /** [concept] running sums of the weights of the first concept. */
  first: Float64Array;
  /** [concept] multiplicative weights of the next concepts, all positive, and their running sums. */
  weights: Float64Array;
  running: Float64Array;
}

export interface Drawer {
  /** Draws a set of `count` different concepts into `into` from `at`. */
  draw(rng: Rng, count: number, into: Uint32Array, at: number): void;
  /** Draws the concept that follows a given set, by the same proposals. For measurements. */
  next(rng: Rng, set: readonly number[]): number;
  /** The exact probabilities of the concept that follows a given set. For tests and measurements. */
  probabilities(set: readonly number[]): Float64Array;
  /** The probabilities that `next` follows: the exact ones, but for neighbours that incomplete lists miss. For measurements. */
  proposed(set: readonly number[]): Float64Array;
}

/** After so many refusals, or as many as there are concepts, a draw looks at all of them: by then that costs no more. */
const PATIENCE = 4096;
const MOST_MEMBERS = 64;

/** Upper bounds of exp(x) for x ≤ 0, by steps of 1/128: an envelope need not be tight, but it must be quick. */
const STEPS = 128;
const DEPTH = 64;
const TABLE = Float64Array.from({ length: STEPS * DEPTH + 1 }, (_, i) => Math.exp(-i / STEPS) * (1 + 1e-12));
function expAbove(x: number): number {
  const step = (-x * STEPS) | 0; // towards zero, so upwards
  return step <= 0 ? 1 : (TABLE[Math.min(step, STEPS * DEPTH)] as number);
}

export function createDrawer(index: DrawIndex): Drawer {
  const { size, dimensions, vectors, pairs, met, neighbours, temperature, weights, running } = index;
  const total = running[size - 1] as number;
  const patience = Math.min(size, PATIENCE);
  const sum = new Float64Array(dimensions); // of the set's vectors
  const mean = new Float32Array(dimensions); // its direction
  // [concept][2] Σ_i (pair(i, j) − λ_i) and Σ_i (s_ij − τ_i) over the lists that j is in; side by side, since they are read together
  const scores = new Float64Array(2 * size);
  const isTouched = new Uint8Array(size);
  const touched = new Uint32Array(size);
  const beyond = new Float64Array(size); // [touched] running sum of the envelope above the tail's
  const inSet = new Uint8Array(size);
  let touchedCount = 0;
  const members = new Uint32Array(MOST_MEMBERS);
  let chosen = 0; // members so far
  let bounds = 0; // Σ_i τ_i
  let pairBounds = 0; // Σ_i λ_i
  let norm = 0; // |Σ_i v_i|
  let perPair = 0; // what a pair score is multiplied with
  let perUnit = 0; // what a similarity sum is multiplied with
  let tailExponent = 0;
  let mostMet = 0; // bounds on the scores of touched concepts
  let mostNear = 0;
  let top = 0; // a bound on the exponents of the envelope

  function clear(set: ArrayLike<number>, from: number, to: number): void {
    for (let i = from; i < to; i++) inSet[set[i] as number] = 0;
    for (let t = 0; t < touchedCount; t++) {
      const j = touched[t] as number;
      scores[2 * j] = 0;
      scores[2 * j + 1] = 0;
      isTouched[j] = 0;
    }
    touchedCount = 0;
    chosen = 0;
    bounds = 0;
    pairBounds = 0;
    mostMet = 0;
    mostNear = 0;
    sum.fill(0);
  }

  function touch(j: number): void {
    if (isTouched[j] === 1) return;
    isTouched[j] = 1;
    touched[touchedCount++] = j;
  }

  function add(concept: number): void {
    inSet[concept] = 1;
    members[chosen++] = concept;
    pairBounds += met.bounds[concept] as number;
    for (let e = met.offsets[concept] as number; e < (met.offsets[concept + 1] as number); e++) {
      const j = met.columns[e] as number;
      touch(j);
      const score = (scores[2 * j] as number) + (met.excess[e] as number);
      scores[2 * j] = score;
      if (score > mostMet) mostMet = score;
    }
    perPair = 1 / (temperature * (index.combine === "mean" ? chosen : 1));
    if (vectors === undefined) return;
    let square = 0;
    for (let d = 0, v = concept * dimensions; d < dimensions; d++, v++) {
      const value = (sum[d] as number) + (vectors[v] as number);
      sum[d] = value;
      square += value * value;
    }
    norm = Math.sqrt(square);
    perUnit = norm < 1e-6 ? 0 : 1 / (norm * temperature);
    for (let d = 0; d < dimensions; d++) mean[d] = perUnit === 0 ? 0 : (sum[d] as number) / norm;
    const bound = neighbours.bounds[concept] as number;
    bounds += bound;
    const from = concept * neighbours.length;
    for (let e = from; e < from + neighbours.length; e++) {
      const j = neighbours.indices[e] as number;
      touch(j);
      const score = (scores[2 * j + 1] as number) + (neighbours.similarities[e] as number) - bound;
      scores[2 * j + 1] = score;
      if (score > mostNear) mostNear = score;
    }
  }

  const exponent = (j: number): number =>
    tailExponent + (scores[2 * j + 1] as number) * perUnit + (scores[2 * j] as number) * perPair;

  /** Σ_i pair(i, j), looked up in the shorter of the two rows. */
  function pairScore(j: number): number {
    const own = (pairs.offsets[j + 1] as number) - (pairs.offsets[j] as number);
    let score = 0;
    for (let m = 0; m < chosen; m++) {
      const i = members[m] as number;
      const other = (pairs.offsets[i + 1] as number) - (pairs.offsets[i] as number);
      score += own < other ? entryOf(pairs, j, i) : entryOf(pairs, i, j);
    }
    return score;
  }

  /** Sets the running sums of what touched concepts have above the tail's envelope; returns the two masses. */
  function envelope(): { tail: number; above: number } {
    tailExponent = bounds * perUnit + pairBounds * perPair;
    top = tailExponent + mostNear * perUnit + mostMet * perPair;
    const unit = expAbove(tailExponent - top);
    let above = 0;
    for (let t = 0; t < touchedCount; t++) {
      const j = touched[t] as number;
      const more = expAbove(exponent(j) - top) - unit;
      if (more > 0 && inSet[j] === 0) above += more * (weights[j] as number);
      beyond[t] = above;
    }
    return { tail: unit * total, above };
  }

  /** The ratio of weight to envelope. Above 1 only where a list misses a neighbour. */
  function acceptance(j: number): number {
    const similarity = vectors === undefined ? 0 : dot(vectors, j, mean, dimensions);
    const weight = Math.exp(pairScore(j) * perPair + similarity / temperature - top);
    return weight / Math.max(expAbove(exponent(j) - top), expAbove(tailExponent - top));
  }

  function drawNext(rng: Rng): number {
    const { tail, above } = envelope();
    for (let tries = 0; tries < patience; tries++) {
      const u = rng.next() * (tail + above);
      const j =
        u < tail
          ? search(running, 0, size, (u / tail) * total)
          : (touched[search(beyond, 0, touchedCount, u - tail)] as number);
      if (inSet[j] === 0 && rng.next() < acceptance(j)) return j;
    }
    return rng.weighted(exactWeights());
  }

  /** [concept] weights relative to the largest. */
  function exactWeights(): Float64Array {
    const logs = new Float64Array(size).fill(Number.NEGATIVE_INFINITY);
    const together = new Float64Array(size);
    for (let m = 0; m < chosen; m++) {
      const i = members[m] as number;
      for (let e = pairs.offsets[i] as number; e < (pairs.offsets[i + 1] as number); e++)
        together[pairs.columns[e] as number]! += pairs.values[e] as number;
    }
    let highest = Number.NEGATIVE_INFINITY;
    for (let j = 0; j < size; j++) {
      if (inSet[j] === 1) continue;
      const similarity = vectors === undefined ? 0 : dot(vectors, j, mean, dimensions);
      logs[j] = (together[j] as number) * perPair + similarity / temperature + Math.log(weights[j] as number);
      highest = Math.max(highest, logs[j] as number);
    }
    return logs.map((value) => Math.exp(value - highest));
  }

  function after<T>(set: readonly number[], ask: () => T): T {
    for (const concept of set) add(concept);
    const answer = ask();
    clear(set, 0, set.length);
    return answer;
  }

  return {
    draw(rng, count, into, at) {
      for (let k = 0; k < count; k++) {
        const j =
          k === 0 ? search(index.first, 0, size, rng.next() * (index.first[size - 1] as number)) : drawNext(rng);
        into[at + k] = j;
        if (k + 1 < count) add(j);
      }
      clear(into, at, at + count);
    },
    next: (rng, set) => after(set, () => drawNext(rng)),
    probabilities: (set) => asShares(after(set, exactWeights)),
    proposed: (set) =>
      asShares(
        after(set, () => {
          envelope();
          return exactWeights().map((weight, j) => weight / Math.max(1, inSet[j] === 1 ? 1 : acceptance(j)));
        }),
      ),
  };
}

function asShares(weights: Float64Array): Float64Array {
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

/** A matrix entry, 0 where none is stored. */
function entryOf({ offsets, columns, values }: SparseMatrix, row: number, column: number): number {
  let low = offsets[row] as number;
  let high = offsets[row + 1] as number;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const found = columns[middle] as number;
    if (found === column) return values[middle] as number;
    if (found < column) low = middle + 1;
    else high = middle;
  }
  return 0;
}

/** The first position in [from, to) whose running sum exceeds `value`; the last if rounding leaves none. */
function search(sums: Float64Array, from: number, to: number, value: number): number {
  let low = from;
  let high = to - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sums[middle] as number) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Inner product of a row of `vectors` with `other`. */
export function dot(vectors: Float32Array, row: number, other: Float32Array, dimensions: number): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  const base = row * dimensions;
  let i = 0;
  for (; i + 3 < dimensions; i += 4) {
    a += (vectors[base + i] as number) * (other[i] as number);
    b += (vectors[base + i + 1] as number) * (other[i + 1] as number);
    c += (vectors[base + i + 2] as number) * (other[i + 2] as number);
    d += (vectors[base + i + 3] as number) * (other[i + 3] as number);
  }
  for (; i < dimensions; i++) a += (vectors[base + i] as number) * (other[i] as number);
  return a + b + c + d;
}

export interface DrawIndexInput {
  size: number;
  dimensions: number;
  vectors: Float32Array | undefined;
  neighbours: NeighbourLists;
  pairs: SparseMatrix;
  combine: DrawIndex["combine"];
  /** Entries of the lists of who met whom most; by default as many as pay. */
  met?: number | undefined;
  temperature: number;
  /** [concept] weights of the first concept; at least one positive. */
  first: ArrayLike<number>;
  /** [concept] weights of the next ones, all positive. */
  weights: ArrayLike<number>;
}

export function createDrawIndex(input: DrawIndexInput): DrawIndex {
  const { size, dimensions, vectors, neighbours, pairs, combine, temperature } = input;
  const sums = (values: ArrayLike<number>): Float64Array => {
    let total = 0;
    return Float64Array.from(values, (value) => (total += value));
  };
  return {
    size,
    dimensions,
    vectors: vectors && shareFloats(vectors),
    neighbours: {
      length: neighbours.length,
      indices: shareIntegers(neighbours.indices),
      similarities: shareFloats(neighbours.similarities),
      bounds: shareDoubles(neighbours.bounds),
      complete: neighbours.complete,
    },
    pairs: {
      offsets: shareIntegers(pairs.offsets),
      columns: shareIntegers(pairs.columns),
      values: shareDoubles(pairs.values),
    },
    met: shareMet(metLists(pairs, combine, input.met)),
    combine,
    temperature,
    first: shareDoubles(sums(input.first)),
    weights: shareDoubles(Float64Array.from(input.weights)),
    running: shareDoubles(sums(input.weights)),
  };
}

function shareMet({ offsets, columns, excess, bounds }: MetLists): MetLists {
  return {
    offsets: shareIntegers(offsets),
    columns: shareIntegers(columns),
    excess: shareDoubles(excess),
    bounds: shareDoubles(bounds),
  };
}

function shareFloats(array: Float32Array): Float32Array {
  const copy = new Float32Array(new SharedArrayBuffer(array.byteLength));
  copy.set(array);
  return copy;
}

function shareDoubles(array: Float64Array): Float64Array {
  const copy = new Float64Array(new SharedArrayBuffer(array.byteLength));
  copy.set(array);
  return copy;
}

function shareIntegers(array: Uint32Array): Uint32Array {
  const copy = new Uint32Array(new SharedArrayBuffer(array.byteLength));
  copy.set(array);
  return copy;
}
