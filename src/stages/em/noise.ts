/**
 * Numeric noise of scoring: some candidates are scored a second time, in other company, and by a second engine where there is
 * one. Where that changes who wins, noise chooses, not merit. It chooses nothing itself.
 */
import { z } from "zod";
import type { Backend, Checkpoint } from "../../lm/contract.ts";
import { journaled, type StageContext, withModel } from "../stage.ts";
import type { Alarm } from "./alarms.ts";
import { groupByPair, scoreJointly } from "./e-step.ts";
import { type Candidate, type GoodCandidate, nats, type Pair, reward } from "./records.ts";

export interface NoiseSettings {
  /** Share of the candidates that are scored again; all candidates of a pair or none. */
  share: number;
  /** Greatest share of pairs whose winner may change. */
  flips: number;
  /** Greatest mean difference to the second engine, in nats per token. */
  gap: number;
}

/** Fewer pairs than this say nothing; so many are taken where there are that many. */
const LEAST_PAIRS = 8;

/** Second scores of a pair's candidates: log p(z,x|c); null where it is −∞ or there was no answer. */
const Rescored = z.strictObject({
  pairId: z.string(),
  scores: z.array(z.strictObject({ candidateId: z.string(), joint: z.number().nullable() })),
});
type Rescored = z.infer<typeof Rescored>;

/** How two scores of the same ids differ. */
const Difference = z.strictObject({
  /** Share of pairs whose winner, the highest R, is another one. */
  flipped: z.number(),
  /** Mean and largest difference of R, and the mean for each token of z and x, in nats. */
  mean: z.number(),
  largest: z.number(),
  perToken: z.number(),
});
type Difference = z.infer<typeof Difference>;

export const RoundNoise = z.strictObject({
  pairs: z.number().int(),
  candidates: z.number().int(),
  /** The same scorer, asked twice. */
  again: Difference,
  /** Another engine with the same weights: the trainer's own arithmetic, say. */
  reference: Difference.nullable(),
});
export type RoundNoise = z.infer<typeof RoundNoise>;

export interface NoiseOptions {
  name: string;
  backend: Backend;
  /** A second engine that opens the same checkpoint. */
  reference: Backend | undefined;
  p: Checkpoint;
  pairs: readonly Pair[];
  candidates: readonly Candidate[];
  settings: NoiseSettings;
  shardSize: number;
}

/** Scores again what the settings say; null where there is nothing to compare. */
export async function measureNoise(context: StageContext, options: NoiseOptions): Promise<RoundNoise | null> {
  const contests = drawContests(context, options);
  if (contests.length === 0) return null;
  const again = await rescore(context, options, contests, `${options.name}/noise-again`, options.backend);
  const other =
    options.reference === undefined
      ? undefined
      : await rescore(context, options, contests, `${options.name}/noise-reference`, options.reference);
  return {
    pairs: contests.length,
    candidates: contests.reduce((sum, { candidates }) => sum + candidates.length, 0),
    again: difference(contests, again),
    reference: other === undefined ? null : difference(contests, other),
  };
}

/** A pair with at least two candidates that could win. */
interface Contest {
  pair: Pair;
  candidates: readonly GoodCandidate[];
}

function drawContests(context: StageContext, { name, pairs, candidates, settings }: NoiseOptions): Contest[] {
  const byPair = groupByPair(candidates);
  const contests = pairs.flatMap((pair): Contest[] => {
    const own = byPair.get(pair.id) ?? [];
    return own.length < 2 ? [] : [{ pair, candidates: own }];
  });
  const count = settings.share === 0 ? 0 : Math.max(LEAST_PAIRS, Math.ceil(settings.share * contests.length));
  return context.rng.fork(name, "noise").shuffle(contests).slice(0, count);
}

async function rescore(
  context: StageContext,
  options: NoiseOptions,
  contests: readonly Contest[],
  journal: string,
  backend: Backend,
): Promise<ReadonlyMap<string, number>> {
  const order = context.rng.fork(options.name, "noise-order");
  return withModel(backend, options.p, context, async (open) => {
    const records = await journaled(context, {
      journal,
      schema: Rescored,
      version: 1,
      items: contests,
      shardSize: options.shardSize,
      unit: "pairs",
      worker: async (shard, call) => {
        const items = shard.items.flatMap(({ pair, candidates }) => candidates.map(({ id, z }) => ({ id, pair, z })));
        // In another order, and asked anew: a ledger would only repeat the first answer.
        const mixed = order.fork(shard.id).shuffle(items);
        const scores = await scoreJointly({ ...context, ...call, onEvent: undefined }, await open(), mixed, 1);
        return shard.items.map(
          ({ pair, candidates }): Rescored => ({
            pairId: pair.id,
            scores: candidates.map(({ id }) => {
              const score = scores.get(id);
              const joint =
                score === undefined || "reason" in score ? -Infinity : nats(score.prior) + nats(score.likelihood);
              return { candidateId: id, joint: Number.isFinite(joint) ? joint : null };
            }),
          }),
        );
      },
    });
    const joints = new Map<string, number>();
    for await (const { scores } of records) {
      for (const { candidateId, joint } of scores) if (joint !== null) joints.set(candidateId, joint);
    }
    return joints;
  });
}

function difference(contests: readonly Contest[], second: ReadonlyMap<string, number>): Difference {
  let [flips, gaps, tokens, largest, compared] = [0, 0, 0, 0, 0];
  for (const { candidates } of contests) {
    const both = candidates.flatMap((candidate) => {
      const [first, joint] = [reward(candidate), second.get(candidate.id)];
      return joint === undefined || !Number.isFinite(first) ? [] : [{ candidate, first, second: joint }];
    });
    for (const { candidate, first, second: joint } of both) {
      const gap = Math.abs(joint - first);
      gaps += gap;
      largest = Math.max(largest, gap);
      tokens += candidate.prior.tokens + candidate.likelihood.tokens;
      compared++;
    }
    if (winner(both.map((entry) => entry.first)) !== winner(both.map((entry) => entry.second))) flips++;
  }
  return {
    flipped: flips / contests.length,
    mean: compared === 0 ? 0 : gaps / compared,
    largest,
    perToken: tokens === 0 ? 0 : gaps / tokens,
  };
}

/** The place of the highest; the earlier of equal ones, as in selection. */
function winner(rewards: readonly number[]): number {
  return rewards.indexOf(Math.max(...rewards));
}

/** What to say where noise exceeds its bounds. */
export function noiseAlarms(noise: RoundNoise | null, { flips, gap }: NoiseSettings): Alarm[] {
  if (noise === null) return [];
  const { again, reference, pairs } = noise;
  const alarms: Alarm[] = [];
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  // One pair of a few is an accident.
  if (again.flipped > flips && again.flipped * pairs > 1.5) {
    const message =
      `scored a second time, ${percent(again.flipped)} of ${pairs} pairs have another winner (R differs by ${again.mean.toFixed(3)} nats in the mean): ` +
      "noise, not merit, chooses; let the server compute in float32, or with its option for batch invariance";
    alarms.push({ kind: "noise", value: again.flipped, bound: flips, message });
  }
  if (reference !== null && reference.perToken > gap) {
    const message =
      `the scorer and the reference engine differ by ${reference.perToken.toFixed(4)} nats per token on the same ids, ` +
      `and ${percent(reference.flipped)} of the pairs have another winner: check that both hold the same weights in the same precision`;
    alarms.push({ kind: "noise", value: reference.perToken, bound: gap, message });
  }
  return alarms;
}
