/**
 * What a round is worth on held-out pairs, from fresh draws of its own (temperature 1, no top-p, terminators counted):
 * the NLL of x given the greedy z, the ELBO, and the importance-weighted bound on log p(x|c) (Burda et al. 2016).
 * Malformed draws have weight 0. Draws use common random numbers: their seeds depend on the pair and the draw alone,
 * so that arms of an experiment, and rounds, are compared on the same noise.
 */
import { z } from "zod";
import type { Backend, Checkpoint, Model, TokenIds } from "../../lm/contract.ts";
import { journaled, type StageContext, withModel } from "../stage.ts";
import { type JointScore, sampleRationales, scoreJointly } from "./e-step.ts";
import { Draw, type JointMeasure, Measurement, nats, type Pair } from "./records.ts";

export interface MeasureOptions {
  name: string;
  /** Backends may differ; the tokenizer may not. */
  q: { backend: Backend; checkpoint: Checkpoint };
  p: { backend: Backend; checkpoint: Checkpoint };
  pairs: readonly Pair[];
  /** K of the importance-weighted bound. */
  draws: number;
  maxTokens: number;
  shardSize: number;
}

/** Measures every pair; one record each. All of q's work comes before any of p's: the models may share a device. */
export async function measure(context: StageContext, options: MeasureOptions): Promise<Measurement[]> {
  return withModel(options.p.backend, options.p.checkpoint, context, async (openP) => {
    let drawing: ReturnType<typeof drawMeasured> | undefined;
    const records = await journaled(context, {
      journal: options.name,
      schema: Measurement,
      version: 1,
      items: options.pairs,
      shardSize: options.shardSize,
      unit: "pairs",
      worker: async (shard, call) => {
        const stage = { ...context, signal: call.signal, onEvent: undefined };
        const drawn = await (drawing ??= drawMeasured(context, options));
        const of = shard.items.map((pair) => ({ pair, ...known(drawn, pair) }));
        const p = await openP();
        const items = measuredItems(of, (text) => encode(p, text));
        const scores = await scoreJointly(stage, p, items);
        return of.map(({ pair, greedy, draws }) => measurement(pair, greedy, draws, scores));
      },
    });
    return Array.fromAsync(records);
  });
}

/** What q drew of a pair for a measurement. */
const MeasuredDraws = z.strictObject({ pairId: z.string(), greedy: Draw, draws: z.array(Draw) });
type MeasuredDraws = z.infer<typeof MeasuredDraws>;

/** The part of a measurement that is q's, by pair: also done ahead of it, while q is at hand. */
export async function drawMeasured(
  context: StageContext,
  options: Omit<MeasureOptions, "p">,
): Promise<Map<string, MeasuredDraws>> {
  const seeds = context.rng.fork("measure");
  const sampling = {
    maxTokens: options.maxTokens,
    seedOf: (pair: Pair, k: number) => seeds.fork(pair.id, k).uint32(),
  };
  const { draws: count } = options;
  return withModel(options.q.backend, options.q.checkpoint, context, async (openQ) => {
    const records = await journaled(context, {
      journal: `${options.name}-draws`,
      schema: MeasuredDraws,
      version: 1,
      items: options.pairs,
      shardSize: options.shardSize,
      unit: "pairs",
      worker: async (shard, call) => {
        const stage = { ...context, signal: call.signal, onEvent: undefined };
        const q = await openQ();
        const { items: pairs } = shard;
        const greedy = await sampleRationales(stage, q, pairs, { ...sampling, count: 1, temperature: 0, per: 1 });
        const draws = await sampleRationales(stage, q, pairs, { ...sampling, count, temperature: 1, per: count });
        return pairs.map(
          (pair, i): MeasuredDraws => ({
            pairId: pair.id,
            greedy: greedy[i] as Draw,
            draws: draws.slice(i * count, (i + 1) * count),
          }),
        );
      },
    });
    const byPair = new Map<string, MeasuredDraws>();
    for await (const record of records) byPair.set(record.pairId, record);
    return byPair;
  });
}

function known(drawn: ReadonlyMap<string, MeasuredDraws>, { id }: Pair): MeasuredDraws {
  const record = drawn.get(id);
  if (record === undefined) throw new Error(`nothing was drawn for pair ${id}`);
  return record;
}

type Scores = Awaited<ReturnType<typeof scoreJointly>>;

/** Every (pair, z) that a measurement scores: the greedy rationale, the annotator's, none at all, and the fresh draws. */
function measuredItems(
  of: readonly { pair: Pair; greedy: Draw; draws: readonly Draw[] }[],
  encode: (text: string) => number[],
): { id: string; pair: Pair; z: TokenIds }[] {
  const drawn = (pair: Pair, draw: Draw, id: string) => (draw.ok ? [{ id, pair, z: draw.z }] : []);
  return [
    ...of.map(({ pair }) => ({ id: `annotated/${pair.id}`, pair, z: encode(pair.rationale) })),
    ...of.map(({ pair }) => ({ id: `bare/${pair.id}`, pair, z: [] })),
    ...of.flatMap(({ pair, greedy }) => drawn(pair, greedy, `greedy/${pair.id}`)),
    ...of.flatMap(({ pair, draws }) => draws.flatMap((draw) => drawn(pair, draw, `draw/${pair.id}/${draw.index}`))),
  ];
}

function measurement(pair: Pair, greedy: Draw, draws: readonly Draw[], scores: Scores): Measurement {
  const scoreOf = (id: string): JointScore | undefined => {
    const score = scores.get(id);
    return score === undefined || "reason" in score ? undefined : score;
  };
  const atGreedy = scoreOf(`greedy/${pair.id}`);
  const atAnnotated = scoreOf(`annotated/${pair.id}`);
  return {
    pairId: pair.id,
    greedy: greedy.ok && atGreedy ? { text: greedy.text, z: atGreedy.prior, x: atGreedy.likelihood } : null,
    annotated: atAnnotated ? { z: atAnnotated.prior, x: atAnnotated.likelihood } : null,
    bare: scoreOf(`bare/${pair.id}`)?.likelihood ?? null,
    draws: draws.map((draw) => measured(draw, scoreOf(`draw/${pair.id}/${draw.index}`))),
  };
}

function encode(model: Model, text: string): number[] {
  if (model.tokenizer === undefined) throw new Error("p must exchange token ids: refuse the backend at composition");
  return model.tokenizer.encode(text);
}

function measured(draw: Draw, score: JointScore | undefined): JointMeasure | null {
  if (!draw.ok || draw.proposal === null || score === undefined) return null;
  const sum = nats(score.prior) + nats(score.likelihood);
  return {
    joint: { sum: Number.isFinite(sum) ? sum : null, tokens: score.prior.tokens + score.likelihood.tokens },
    proposal: draw.proposal,
  };
}

/** A measurement of one pair in numbers; NaN where nothing could be measured. */
export interface PairMeasure {
  pairId: string;
  /** −log p(x|z,c) with greedy z, in nats, and per token of x. */
  xNll: number;
  xNllPerToken: number;
  /** −log p(x|z,c) with the annotator's rationale, and with none. */
  xNllAnnotated: number;
  xNllBare: number;
  /** −log p(z|c) of the greedy z. */
  zNll: number;
  /** Tokens of the greedy z with its terminator. */
  zTokens: number;
  /**
   * E_q[log p(z,x|c) − log q(z|c,x)] over well-formed draws, plus the log of their share: the ELBO of `q` restricted to
   * well-formed rationales, which is a bound on log p(x|c) too. −∞ if no draw is well formed.
   */
  elbo: number;
  /** log (1/K) Σ p(z,x|c)/q(z|c,x), malformed draws counted with weight 0: its expectation bounds log p(x|c) from below. */
  bound: number;
  /** Effective number of draws behind the bound, (Σw)²/Σw², between 1 and K. */
  ess: number;
  /** Mean of R over well-formed draws: fresh and unselected. */
  freshReward: number;
  /** Share of draws that were malformed. */
  malformed: number;
}

export function pairMeasure(record: Measurement): PairMeasure {
  const good = record.draws.filter((draw) => draw !== null);
  const logWeights = good.map((draw) => nats(draw.joint) - nats(draw.proposal));
  const top = Math.max(-Infinity, ...logWeights);
  const weights = logWeights.map((log) => (top === -Infinity ? 0 : Math.exp(log - top)));
  const total = weights.reduce((sum, w) => sum + w, 0);
  const squares = weights.reduce((sum, w) => sum + w * w, 0);
  const { greedy } = record;
  return {
    pairId: record.pairId,
    xNll: greedy === null ? Number.NaN : -nats(greedy.x),
    xNllPerToken: greedy === null ? Number.NaN : -nats(greedy.x) / greedy.x.tokens,
    xNllAnnotated: record.annotated === null ? Number.NaN : -nats(record.annotated.x),
    xNllBare: record.bare === null ? Number.NaN : -nats(record.bare),
    zNll: greedy === null ? Number.NaN : -nats(greedy.z),
    zTokens: greedy === null ? Number.NaN : greedy.z.tokens,
    elbo: good.length === 0 ? -Infinity : mean(logWeights) + Math.log(good.length / record.draws.length),
    bound: total === 0 ? -Infinity : top + Math.log(total / record.draws.length),
    ess: squares === 0 ? 0 : (total * total) / squares,
    freshReward: mean(good.map((draw) => nats(draw.joint))),
    malformed: 1 - good.length / record.draws.length,
  };
}

const Mean = z.number().nullable();

/** Means over pairs. Pairs that cannot enter a mean are left out of it and counted; a mean over nothing is null. */
export const RoundMeasure = z.strictObject({
  pairs: z.number().int(),
  xNll: Mean,
  xNllPerToken: Mean,
  xNllAnnotated: Mean,
  xNllBare: Mean,
  zNll: Mean,
  zTokens: Mean,
  elbo: Mean,
  bound: Mean,
  ess: Mean,
  freshReward: Mean,
  malformed: Mean,
  /** Pairs without a well-formed greedy rationale, and without any well-formed draw. */
  withoutGreedy: z.number().int(),
  withoutDraws: z.number().int(),
});
export type RoundMeasure = z.infer<typeof RoundMeasure>;

export function roundMeasure(records: readonly Measurement[]): RoundMeasure {
  const pairs = records.map(pairMeasure);
  const over = (value: (pair: PairMeasure) => number) => {
    const finite = pairs.map(value).filter(Number.isFinite);
    return finite.length === 0 ? null : mean(finite);
  };
  return {
    pairs: pairs.length,
    xNll: over((pair) => pair.xNll),
    xNllPerToken: over((pair) => pair.xNllPerToken),
    xNllAnnotated: over((pair) => pair.xNllAnnotated),
    xNllBare: over((pair) => pair.xNllBare),
    zNll: over((pair) => pair.zNll),
    zTokens: over((pair) => pair.zTokens),
    elbo: over((pair) => pair.elbo),
    bound: over((pair) => pair.bound),
    ess: over((pair) => pair.ess),
    freshReward: over((pair) => pair.freshReward),
    malformed: over((pair) => pair.malformed),
    withoutGreedy: pairs.filter((pair) => Number.isNaN(pair.xNll)).length,
    withoutDraws: pairs.filter((pair) => pair.elbo === -Infinity).length,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
