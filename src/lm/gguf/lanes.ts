/**
 * Sequences of one open model, each in a context of its own: llama.cpp rounds otherwise when it reads several together, and an answer
 * may depend on its request alone. A lane keeps the last prompt that it read, for requests that share it. Decides nothing about tokens.
 */
import type {
  ControlledEvaluateInputItem,
  LlamaContext,
  LlamaContextOptions,
  LlamaContextSequence,
  LlamaModel,
  Token,
} from "node-llama-cpp";
import type { TokenIds } from "../contract.ts";
import type { Head } from "./draw.ts";

export interface LaneOptions {
  lanes: number;
  /** Of each lane. */
  threads: number;
  contextLength: number;
  vocabSize: number;
  cache: "f32" | "f16";
  /** Tokens shown of a distribution: enough that the tail seldom decides, few enough to hand over at every step. Default 1,024. */
  shown?: number;
}

export interface Lane {
  /** Brings the lane to exactly `prefix`, which is kept for the next request that begins with it. */
  read(prefix: TokenIds): Promise<void>;
  /** Reads one more token and gives the likeliest next ones. */
  next(id: number): Promise<Head>;
  /** The whole distribution after the last token. */
  whole(): Promise<Head>;
  /** Reads `ids`, and gives after each of them the natural-log probability of the `targets` of the same place. */
  score(ids: TokenIds, targets: TokenIds): Promise<number[]>;
}

export interface Lanes {
  readonly count: number;
  /** Prompts, as `keyOf`, that free lanes have read. */
  idleKeys(): string[];
  /** A free lane, one that has read the prompt before if there is one; waits for it. */
  take(key: string): Promise<Lane>;
  giveBack(lane: Lane): void;
  close(): Promise<void>;
}

/** Tokens read at once: bounds the scores held (this many times the vocabulary, in float32). */
const BATCH = 128;

/** The model's own distribution: nothing is cut off, and nothing tempered. */
const NEUTRAL = { temperature: 1, topK: 0, topP: 1, minP: 0 } as const;

export function keyOf(prompt: TokenIds): string {
  return prompt.join();
}

export async function openLanes(model: LlamaModel, options: LaneOptions): Promise<Lanes> {
  const all: SequenceLane[] = [];
  const free: SequenceLane[] = [];
  const waiting: ((lane: SequenceLane) => void)[] = [];
  const contexts: LlamaContext[] = [];
  const close = async () => {
    for (const context of contexts) await context.dispose();
  };
  try {
    for (let i = 0; i < options.lanes; i++) {
      const context = await model.createContext(contextOptions(options));
      contexts.push(context);
      all.push(new SequenceLane(context.getSequence(), options));
    }
  } catch (error) {
    await close();
    throw error;
  }
  free.push(...all);
  return {
    count: options.lanes,
    idleKeys: () => free.flatMap(({ key }) => (key === undefined ? [] : [key])),
    take(key) {
      const place = free.findIndex((lane) => lane.key === key);
      const [lane] = place < 0 ? free.splice(0, 1) : free.splice(place, 1);
      return lane ? Promise.resolve(lane) : new Promise((resolve) => waiting.push(resolve));
    },
    giveBack(lane) {
      const own = all.find((one) => one === lane);
      if (own === undefined) throw new Error("a lane of another model was given back");
      const next = waiting.shift();
      if (next) next(own);
      else free.push(own);
    },
    close,
  };
}

function contextOptions({ contextLength, threads, cache }: LaneOptions): LlamaContextOptions {
  return {
    // node-llama-cpp would drop the oldest tokens when one place is left.
    contextSize: contextLength + 1,
    batchSize: BATCH,
    threads,
    failedCreationRemedy: false,
    // Flash attention computes in float16, whatever is cached; without it and with keys in float16, a token alone is treated
    // otherwise than among others, and worse than with either.
    ...(cache === "f32"
      ? { flashAttention: false, experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32" }
      : { flashAttention: true, experimentalKvCacheKeyType: "F16", experimentalKvCacheValueType: "F16" }),
  };
}

class SequenceLane implements Lane {
  readonly #sequence: LlamaContextSequence;
  readonly #vocabSize: number;
  readonly #shown: number;
  /** The prefix that was read as a whole; undefined where reading was interrupted. */
  key: string | undefined;
  #last: Token | undefined;

  constructor(sequence: LlamaContextSequence, { vocabSize, shown = 1024 }: LaneOptions) {
    this.#sequence = sequence;
    this.#vocabSize = vocabSize;
    this.#shown = Math.min(shown, vocabSize);
  }

  async read(prefix: TokenIds): Promise<void> {
    const sequence = this.#sequence;
    const key = keyOf(prefix);
    if (this.key === key && sequence.nextTokenIndex > prefix.length)
      await sequence.eraseContextTokenRanges([{ start: prefix.length, end: sequence.nextTokenIndex }]);
    if (this.key === key && sequence.nextTokenIndex === prefix.length) return;
    this.key = undefined;
    await sequence.clearHistory();
    await sequence.controlledEvaluate([...tokens(prefix)]);
    this.key = key;
  }

  async next(id: number): Promise<Head> {
    const [token] = tokens([id]);
    this.#last = token;
    return this.#head(token!, { filter: { tokens: [], includeTop: this.#shown } });
  }

  async whole(): Promise<Head> {
    const sequence = this.#sequence;
    if (this.#last === undefined) throw new Error("no token was read");
    await sequence.eraseContextTokenRanges([{ start: sequence.nextTokenIndex - 1, end: sequence.nextTokenIndex }]);
    return this.#head(this.#last, true);
  }

  async #head(token: Token, logits: true | { filter: { tokens: Token[]; includeTop: number } }): Promise<Head> {
    const [output] = await this.#sequence.controlledEvaluate([
      [token, { generateNext: { logits, totalLogitWeight: true, options: NEUTRAL } }],
    ]);
    const found = output?.next.logits;
    const total = output?.next.totalLogitWeight;
    if (found === undefined || total === undefined) throw new Error("llama.cpp gave no distribution");
    const pairs = [...found].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    return { ids: pairs.map(([id]) => id), logits: pairs.map(([, logit]) => logit), total, vocabSize: this.#vocabSize };
  }

  async score(ids: TokenIds, targets: TokenIds): Promise<number[]> {
    const wanted = tokens(targets);
    const input = tokens(ids).map((token, i): ControlledEvaluateInputItem => {
      const logits = { filter: { tokens: [wanted[i]!], includeTop: 1 } };
      return [token, { generateNext: { logits, totalLogitWeight: true, options: NEUTRAL } }];
    });
    const outputs = await this.#sequence.controlledEvaluate(input);
    return wanted.map((target, i) => {
      const { logits, totalLogitWeight } = outputs[i]?.next ?? {};
      const own = logits?.get(target);
      if (logits === undefined || totalLogitWeight === undefined || own === undefined)
        throw new Error("llama.cpp gave no score");
      return own - Math.max(...logits.values()) - Math.log(totalLogitWeight);
    });
  }
}

/** The library brands its ids. */
function tokens(ids: TokenIds): Token[] {
  return ids as unknown as Token[];
}
