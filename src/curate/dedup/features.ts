/**
 * What deduplication keeps of a text: its tokens, and one key per band of a MinHash signature. Compares nothing itself.
 *
 * Signature: `rows` independent one-permutation sketches (Li, Owen, Zhang 2012), each of `bands` bins. Band b is bin b of
 * every sketch, so the rows of a band are independent; empty bins are filled by optimal densification (Shrivastava 2017).
 * A shingle costs `rows` hashes where k-permutation MinHash costs `bands × rows`; docs/design/curate.md has the recall of both.
 */
import { createTokenizer } from "../text/tokens.ts";
import { isNumberToken, mix32 } from "../text/vocabulary.ts";

export interface SimilarityOptions {
  /** Tokens per shingle. */
  shingle: number;
  /** Bands of the signature: two texts meet if one band agrees. At most 256. */
  bands: number;
  /** Hashes per band. */
  rows: number;
  /** Whether two texts must hold the same numbers (as a multiset, signs included) to be duplicates. */
  numbers: "same" | "any";
  /** Whether single letters count as one token, so that renaming variables leaves no trace. */
  letters: "keep" | "mask";
}

/** Features of consecutive texts, in buffers that can be handed from thread to thread. */
export interface Features {
  count: number;
  /** [text + 1] where each text's tokens start. */
  offsets: Uint32Array<ArrayBuffer>;
  /** [token] the tokens of all texts, one after another. */
  tokens: Uint32Array<ArrayBuffer>;
  /** [text][band] keys. */
  keys: Uint32Array<ArrayBuffer>;
  /** [text][2] 64 bits that name the token sequence. */
  exact: Uint32Array<ArrayBuffer>;
  /** [text][4] one bit of each of 128 hashes: two texts of Jaccard J agree in (1 + J) / 2 of them (Li, König 2010). */
  bits: Uint32Array<ArrayBuffer>;
}

/** Shingle hashes of a token sequence, in order, repeats included; a text shorter than a shingle is one shingle. */
export function shingles(tokens: Uint32Array, from: number, to: number, size: number, into: Uint32Array): number {
  const length = to - from;
  if (length <= 0) return 0;
  if (length <= size) {
    let h = 0;
    for (let i = from; i < to; i++) h = Math.imul(h, 0x9e3779b1) + (tokens[i] as number);
    into[0] = mix32(h);
    return 1;
  }
  const count = length - size + 1;
  for (let s = 0; s < count; s++) {
    let h = 0;
    const end = from + s + size;
    for (let i = from + s; i < end; i++) h = (Math.imul(h, 0x9e3779b1) + (tokens[i] as number)) | 0;
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    into[s] = (h ^ (h >>> 16)) >>> 0;
  }
  return count;
}

/** A key of the multiset of numbers in a token sequence, whatever their order. */
export function numberKey(tokens: Uint32Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) {
    const token = tokens[i] as number;
    if (isNumberToken(token)) sum = (sum + mix32(token ^ 0x2545f491)) | 0;
  }
  return mix32(sum);
}

const EMPTY = 0xffffffff;

export interface Sketch {
  /** Writes the band keys of shingles[0..count) to `into` from `at`. */
  keys(shingleHashes: Uint32Array, count: number, salt: number, into: Uint32Array, at: number): void;
  /** Writes four words of agreement bits of the same shingles to `into` from `at`; call it after `keys`. */
  bits(into: Uint32Array, at: number): void;
}

/** Bit i of the four words is the lowest bit of hash i, repeated from the start where there are fewer than 128 hashes. */
function lowBits(hashes: Uint32Array, into: Uint32Array, at: number): void {
  for (let word = 0; word < 4; word++) {
    let bits = 0;
    for (let b = 0; b < 32; b++) bits |= ((hashes[(32 * word + b) % hashes.length] as number) & 1) << b;
    into[at + word] = bits;
  }
}

/** One-permutation sketches with densification; see the head of this file. */
export function onePermutation(bands: number, rows: number): Sketch {
  const bins = new Uint32Array(bands * rows); // [row][bin]
  const seeds = Uint32Array.from({ length: rows }, (_, row) => mix32(0x51ed270b + row));
  const multipliers = Uint32Array.from({ length: rows }, (_, row) => mix32(0x7f4a7c15 + row) | 1);
  // The bins that fill an empty one, in order of preference: the same for every text, as they must be.
  const attempts = 4 * bands;
  const donors = new Uint16Array(rows * bands * attempts);
  for (let i = 0; i < donors.length; i++) donors[i] = mix32(i + 0x3c6ef372) % bands;

  function keys(hashes: Uint32Array, count: number, salt: number, into: Uint32Array, at: number): void {
    bins.fill(EMPTY);
    for (let row = 0; row < rows; row++) {
      const seed = seeds[row] as number;
      const multiplier = multipliers[row] as number;
      const base = row * bands;
      for (let s = 0; s < count; s++) {
        let h = Math.imul((hashes[s] as number) ^ seed, multiplier);
        h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
        h = (h ^ (h >>> 13)) >>> 0;
        const bin = base + (((h >>> 16) * bands) >>> 16);
        if (h < (bins[bin] as number)) bins[bin] = h;
      }
      if (count > 0) densify(bins, base, bands, donors, base * attempts, attempts);
    }
    for (let band = 0; band < bands; band++) {
      let key = salt ^ Math.imul(band + 1, 0x9e3779b1);
      for (let row = 0; row < rows; row++)
        key = Math.imul(key ^ (bins[row * bands + band] as number), 0x85ebca6b) ^ (key >>> 15);
      into[at + band] = mix32(key);
    }
  }
  return { keys, bits: (into, at) => lowBits(bins, into, at) };
}

function densify(
  bins: Uint32Array,
  base: number,
  bands: number,
  donors: Uint16Array,
  donorBase: number,
  attempts: number,
): void {
  // Donors must be bins that were filled by a shingle, not by this loop: mark the fillings first.
  let empty = 0;
  for (let bin = 0; bin < bands; bin++) if (bins[base + bin] === EMPTY) FILLED[empty++] = bin;
  if (empty === 0) return;
  for (let e = 0; e < empty; e++) {
    const bin = FILLED[e] as number;
    let value = EMPTY;
    for (let a = 0; a < attempts && value === EMPTY; a++) {
      value = bins[base + (donors[donorBase + bin * attempts + a] as number)] as number;
    }
    // No donor met in so many tries happens with one or two shingles: take the first bin that is filled.
    for (let b = 0; value === EMPTY && b < bands; b++) value = bins[base + b] as number;
    VALUES[e] = value;
  }
  for (let e = 0; e < empty; e++) bins[base + (FILLED[e] as number)] = VALUES[e] as number;
}
const FILLED = new Uint16Array(256);
const VALUES = new Uint32Array(256);

/** The classical signature: bands × rows independent permutations. For comparison and tests. */
export function manyPermutations(bands: number, rows: number): Sketch {
  const size = bands * rows;
  const signature = new Uint32Array(size);
  const seeds = Uint32Array.from({ length: size }, (_, i) => mix32(0x51ed270b + i));
  const multipliers = Uint32Array.from({ length: size }, (_, i) => mix32(0x7f4a7c15 + i) | 1);
  function keys(hashes: Uint32Array, count: number, salt: number, into: Uint32Array, at: number): void {
    for (let p = 0; p < size; p++) {
      const seed = seeds[p] as number;
      const multiplier = multipliers[p] as number;
      let least = EMPTY;
      for (let s = 0; s < count; s++) {
        let h = Math.imul((hashes[s] as number) ^ seed, multiplier);
        h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
        h = (h ^ (h >>> 13)) >>> 0;
        if (h < least) least = h;
      }
      signature[p] = least;
    }
    for (let band = 0; band < bands; band++) {
      let key = salt ^ Math.imul(band + 1, 0x9e3779b1);
      for (let row = 0; row < rows; row++)
        key = Math.imul(key ^ (signature[band * rows + row] as number), 0x85ebca6b) ^ (key >>> 15);
      into[at + band] = mix32(key);
    }
  }
  return { keys, bits: (into, at) => lowBits(signature, into, at) };
}

/** A function that turns texts into features, with buffers of its own. */
export function createFeaturizer(
  options: SimilarityOptions,
  sketch: Sketch = onePermutation(options.bands, options.rows),
): (texts: readonly string[]) => Features {
  const tokenize = createTokenizer({ maskLetters: options.letters === "mask" });
  let shingleHashes = new Uint32Array(4096);
  let pool = new Uint32Array(1 << 18);
  return (texts) => {
    const offsets = new Uint32Array(texts.length + 1);
    const keys = new Uint32Array(texts.length * options.bands);
    const exact = new Uint32Array(texts.length * 2);
    const bits = new Uint32Array(texts.length * 4);
    let used = 0;
    for (let t = 0; t < texts.length; t++) {
      const view = tokenize(texts[t] as string);
      if (used + view.count > pool.length) {
        const larger = new Uint32Array(2 * (used + view.count));
        larger.set(pool.subarray(0, used));
        pool = larger;
      }
      for (let i = 0; i < view.count; i++) pool[used + i] = view.tokens[i] as number;
      const from = used;
      used += view.count;
      offsets[t + 1] = used;
      if (shingleHashes.length < view.count) shingleHashes = new Uint32Array(2 * view.count);
      const count = shingles(pool, from, used, options.shingle, shingleHashes);
      const salt = options.numbers === "same" ? numberKey(pool, from, used) : 0;
      sketch.keys(shingleHashes, count, salt, keys, t * options.bands);
      sketch.bits(bits, 4 * t);
      sequenceKey(pool, from, used, exact, 2 * t);
    }
    return { count: texts.length, offsets, tokens: pool.slice(0, used), keys, exact, bits };
  };
}

function sequenceKey(tokens: Uint32Array, from: number, to: number, into: Uint32Array, at: number): void {
  let a = 0x243f6a88;
  let b = 0x13198a2e;
  for (let i = from; i < to; i++) {
    const token = tokens[i] as number;
    a = Math.imul(a ^ token, 0x85ebca6b);
    a ^= a >>> 15;
    b = Math.imul(b + token, 0xc2b2ae35);
    b ^= b >>> 13;
  }
  into[at] = mix32(a);
  into[at + 1] = mix32(b ^ (to - from));
}
