/** Confirms or refutes that two token sequences are duplicates, exactly: no signatures here. */
import { isNumberToken } from "../text/vocabulary.ts";
import { type SimilarityOptions, shingles } from "./features.ts";

export interface Likeness {
  /** |A ∩ B| / |A ∪ B| over sets of shingles. */
  jaccard: number;
  /** |A ∩ B| / min(|A|, |B|). */
  containment: number;
}

export interface JudgeOptions extends Pick<SimilarityOptions, "shingle" | "numbers"> {
  /** Which of the two must reach `threshold`. */
  measure: "jaccard" | "containment";
  /** In (0, 1]. */
  threshold: number;
}

/** A span of a token array. */
export interface TokenSpan {
  tokens: Uint32Array;
  from: number;
  to: number;
}

/** Compares many spans with one that stays: `hold` it, then ask `like` or `duplicate` of the others. */
export interface Judge {
  hold(span: TokenSpan): void;
  /** Likeness of the held span and `other`, whatever the numbers. */
  like(other: TokenSpan): Likeness;
  /** The likeness if the two are duplicates under the options, else undefined. */
  duplicate(other: TokenSpan): Likeness | undefined;
}

export function createJudge(options: JudgeOptions): Judge {
  const table = new StampTable();
  let scratch = new Uint32Array(4096);
  let held: TokenSpan = { tokens: new Uint32Array(0), from: 0, to: 0 };
  let heldSize = 0;
  let loaded = false;

  function cut(span: TokenSpan): number {
    const length = span.to - span.from;
    if (scratch.length < length) scratch = new Uint32Array(2 * length);
    return shingles(span.tokens, span.from, span.to, options.shingle, scratch);
  }

  function like(other: TokenSpan): Likeness {
    if (!loaded) {
      heldSize = table.load(scratch, cut(held), held.to - held.from);
      loaded = true;
    }
    const count = cut(other);
    const { shared, distinct } = table.meet(scratch, count);
    const union = heldSize + distinct - shared;
    const smaller = Math.min(heldSize, distinct);
    return {
      jaccard: union === 0 ? 1 : shared / union,
      containment: smaller === 0 ? (union === 0 ? 1 : 0) : shared / smaller,
    };
  }

  return {
    hold(span) {
      held = span;
      loaded = false;
    },
    like,
    duplicate(other) {
      if (options.numbers === "same" && !numbersAgree(held, other)) return undefined;
      const likeness = like(other);
      return likeness[options.measure] >= options.threshold ? likeness : undefined;
    },
  };
}

/**
 * Whether two texts hold the same numbers, as multisets, and do not differ in the order of their numbers alone:
 * "3 red and 5 blue" and "5 red and 3 blue" differ only in numbers.
 */
export function numbersAgree(a: TokenSpan, b: TokenSpan): boolean {
  const left = numbersOf(a);
  const right = numbersOf(b);
  if (left.length !== right.length) return false;
  let sameOrder = true;
  for (let i = 0; i < left.length && sameOrder; i++) sameOrder = left[i] === right[i];
  if (sameOrder) return true;
  if (sameWords(a, b)) return false;
  left.sort();
  right.sort();
  return left.every((token, i) => token === right[i]);
}

function numbersOf({ tokens, from, to }: TokenSpan): Uint32Array {
  let count = 0;
  for (let i = from; i < to; i++) count += (tokens[i] as number) & 1;
  const numbers = new Uint32Array(count);
  let n = 0;
  for (let i = from; i < to; i++) {
    const token = tokens[i] as number;
    if (isNumberToken(token)) numbers[n++] = token;
  }
  return numbers;
}

function sameWords(a: TokenSpan, b: TokenSpan): boolean {
  if (a.to - a.from !== b.to - b.from) return false;
  for (let i = a.from, j = b.from; i < a.to; i++, j++) {
    const left = a.tokens[i] as number;
    const right = b.tokens[j] as number;
    if (left !== right && !(isNumberToken(left) && isNumberToken(right))) return false;
  }
  return true;
}

/** A set of 32-bit values that is emptied by counting up a stamp. */
class StampTable {
  #values = new Uint32Array(8192);
  #stamps = new Uint32Array(8192);
  /** Stamp of the round in which a value was last met. */
  #met = new Uint32Array(8192);
  #others = new Uint32Array(8192);
  #otherStamps = new Uint32Array(8192);
  #stamp = 0;
  #round = 0;

  /** Replaces the set; returns the number of distinct values. */
  load(values: Uint32Array, count: number, room: number): number {
    this.#reserve(room);
    this.#stamp++;
    const mask = this.#values.length - 1;
    let distinct = 0;
    for (let i = 0; i < count; i++) {
      const value = values[i] as number;
      let slot = value & mask;
      while (this.#stamps[slot] === this.#stamp && this.#values[slot] !== value) slot = (slot + 1) & mask;
      if (this.#stamps[slot] === this.#stamp) continue;
      this.#stamps[slot] = this.#stamp;
      this.#values[slot] = value;
      distinct++;
    }
    return distinct;
  }

  /** How many distinct values there are among the given ones, and how many of them are in the set. */
  meet(values: Uint32Array, count: number): { shared: number; distinct: number } {
    if (4 * count > this.#others.length) {
      const size = 2 ** Math.ceil(Math.log2(4 * count));
      this.#others = new Uint32Array(size);
      this.#otherStamps = new Uint32Array(size);
    }
    this.#round++;
    const mask = this.#values.length - 1;
    const otherMask = this.#others.length - 1;
    let shared = 0;
    let distinct = 0;
    for (let i = 0; i < count; i++) {
      const value = values[i] as number;
      let slot = value & mask;
      while (this.#stamps[slot] === this.#stamp && this.#values[slot] !== value) slot = (slot + 1) & mask;
      if (this.#stamps[slot] === this.#stamp) {
        if (this.#met[slot] === this.#round) continue;
        this.#met[slot] = this.#round;
        shared++;
        distinct++;
        continue;
      }
      let other = value & otherMask;
      while (this.#otherStamps[other] === this.#round && this.#others[other] !== value) other = (other + 1) & otherMask;
      if (this.#otherStamps[other] === this.#round) continue;
      this.#otherStamps[other] = this.#round;
      this.#others[other] = value;
      distinct++;
    }
    return { shared, distinct };
  }

  #reserve(count: number): void {
    if (4 * count <= this.#values.length) return;
    const size = 2 ** Math.ceil(Math.log2(4 * count));
    this.#values = new Uint32Array(size);
    this.#stamps = new Uint32Array(size);
    this.#met = new Uint32Array(size);
    this.#stamp = 0;
  }
}
