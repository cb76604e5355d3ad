/** A table of all n-grams of a set of token sequences: where does this gram occur? Exact: hashes only narrow the search. */
import { mix32 } from "../text/vocabulary.ts";

/** Token sequences, one after another. */
export interface Sequences {
  tokens: Uint32Array;
  /** [sequence + 1] where each starts. */
  offsets: Uint32Array;
}

export interface GramTable {
  readonly n: number;
  /** Whether a gram of this hash may occur; false is certain. */
  mayHold(hash: number): boolean;
  /** Calls `visit` with every position in the sequences at which tokens[from .. from + n) occurs. */
  find(hash: number, tokens: Uint32Array, from: number, visit: (position: number) => void): void;
}

const BASE = 0x01000193;

/** Rolling hash of grams of length n: `push` each token of a text in turn. */
export interface Roller {
  reset(): void;
  /** The hash of the gram that ends with tokens[at]; meaningless before n tokens were pushed. */
  push(tokens: Uint32Array, at: number, from: number): number;
}

export function createRoller(n: number): Roller {
  let leading = 1;
  for (let i = 0; i < n; i++) leading = Math.imul(leading, BASE);
  let h = 0;
  return {
    reset() {
      h = 0;
    },
    push(tokens, at, from) {
      h = (Math.imul(h, BASE) + (tokens[at] as number)) | 0;
      if (at - from >= n) h = (h - Math.imul(tokens[at - n] as number, leading)) | 0;
      return mix32(h);
    },
  };
}

export function createGramTable(n: number, sequences: Sequences): GramTable {
  const { tokens, offsets } = sequences;
  const slots = 2 ** Math.max(10, Math.ceil(Math.log2(tokens.length + 1)));
  const heads = new Int32Array(slots).fill(-1);
  const next = new Int32Array(tokens.length).fill(-1);
  // Sixteen bits a gram: a miss is nearly always settled here, in a part of memory that stays in the cache.
  const filterMask = 16 * slots - 1;
  const filter = new Uint32Array((16 * slots) >>> 5);
  const roller = createRoller(n);
  for (let s = 0; s + 1 < offsets.length; s++) {
    const from = offsets[s] as number;
    const to = offsets[s + 1] as number;
    roller.reset();
    for (let i = from; i < to; i++) {
      const hash = roller.push(tokens, i, from);
      const position = i - n + 1;
      if (position < from) continue;
      const slot = hash & (slots - 1);
      next[position] = heads[slot] as number;
      heads[slot] = position;
      const bit = mix32(hash) & filterMask;
      filter[bit >>> 5]! |= 1 << (bit & 31);
    }
  }
  return {
    n,
    mayHold(hash) {
      const bit = mix32(hash) & filterMask;
      return (((filter[bit >>> 5] as number) >>> (bit & 31)) & 1) === 1;
    },
    find(hash, text, from, visit) {
      for (let position = heads[hash & (slots - 1)] as number; position >= 0; position = next[position] as number) {
        let i = 0;
        while (i < n && tokens[position + i] === text[from + i]) i++;
        if (i === n) visit(position);
      }
    },
  };
}
