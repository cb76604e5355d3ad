/**
 * The E-step (PAPER.md §3): draw rationales from q(z|c,x), weigh them by R = log p(x|z,c) + log p(z|c), choose.
 * It trains nothing.
 */
import { contentId } from "../../core/hash.ts";
import type { Backend, Checkpoint, Model, SampleRequest, SampleResult, TokenIds } from "../../lm/contract.ts";
import { journaled, type StageContext, withModel } from "../stage.ts";
import { type Format, formatFor } from "./format.ts";
import {
  Candidate,
  Choice,
  Draw,
  type GoodCandidate,
  type GoodDraw,
  type LogProb,
  nats,
  type Pair,
  reward,
  sumOf,
} from "./records.ts";
import { lengthSlope, type Scored, type SelectionRule, select } from "./select.ts";

/** Where candidates come from: drawn from `q`, or every one there is (a model small enough to enumerate). */
export type Candidates =
  | { kind: "drawn"; count: number; temperature: number; maxTokens: number }
  | { kind: "enumerated"; rationales: (pair: Pair) => readonly TokenIds[] };

/** Draws (or lists) the candidates of every pair, with log q of each draw. */
export async function drawCandidates(
  context: StageContext,
  options: {
    name: string;
    backend: Backend;
    q: Checkpoint;
    pairs: readonly Pair[];
    candidates: Candidates;
    shardSize: number;
  },
): Promise<Draw[]> {
  const { candidates } = options;
  return withModel(options.backend, options.q, context, async (open) => {
    const draws = await journaled(context, {
      journal: `${options.name}/draws`,
      schema: Draw,
      version: 1,
      items: options.pairs,
      shardSize: options.shardSize,
      unit: "pairs",
      worker: async (shard, call) => {
        const model = await open();
        if (candidates.kind === "enumerated") return enumerate(model, shard.items, candidates.rationales);
        const seeds = context.rng.fork(options.name, "draws");
        return sampleRationales({ ...context, ...call }, model, shard.items, {
          count: candidates.count,
          temperature: candidates.temperature,
          maxTokens: candidates.maxTokens,
          seedOf: (pair, k) => seeds.fork(pair.id, k).uint32(),
          per: candidates.count,
        });
      },
    });
    return Array.fromAsync(draws);
  });
}

function enumerate(model: Model, pairs: readonly Pair[], rationales: (pair: Pair) => readonly TokenIds[]): Draw[] {
  const { tokenizer } = model;
  if (tokenizer === undefined) throw new Error("enumeration needs a tokenizer");
  return pairs.flatMap((pair) =>
    rationales(pair).map((z, index): Draw => {
      const text = tokenizer.decode(z);
      return { ok: true, id: drawId(model, pair, index, z), pairId: pair.id, index, z: [...z], text, proposal: null };
    }),
  );
}

export interface RationaleSampling {
  count: number;
  temperature: number;
  maxTokens: number;
  seedOf: (pair: Pair, k: number) => number;
  /** Requests per pair, for progress. */
  per: number;
}

/** `count` rationales from `q` for each pair, in order of pair and index. */
export async function sampleRationales(
  call: StageContext,
  model: Model,
  pairs: readonly Pair[],
  sampling: RationaleSampling,
): Promise<Draw[]> {
  const { sampler, format } = samplerOf(model);
  const requests: SampleRequest[] = [];
  const places = new Map<string, { pair: Pair; index: number }>();
  for (const pair of pairs) {
    for (let index = 0; index < sampling.count; index++) {
      const id = `${pair.id}/${index}`;
      places.set(id, { pair, index });
      requests.push({
        id,
        prompt: { kind: "ids", ids: format.promptOfQ(pair, pair.problem) },
        maxTokens: sampling.maxTokens,
        temperature: sampling.temperature,
        topP: 1,
        stop: format.stopOfQ,
        seed: sampling.seedOf(pair, index),
      });
    }
  }
  const results = new Map<string, SampleResult>();
  for await (const result of sampler.sample(requests, { signal: call.signal })) {
    results.set(result.id, result);
    call.onEvent?.({
      kind: "progress",
      done: Math.floor(results.size / sampling.per),
      total: pairs.length,
      unit: "pairs",
    });
  }
  const draws = requests.map(({ id }) => {
    const place = places.get(id);
    const result = results.get(id);
    if (place === undefined || result === undefined) throw new Error(`the sampler did not answer request ${id}`);
    return readDraw(model, format, place.pair, place.index, result);
  });
  return withProposals(call, model, format, pairs, draws);
}

/** log q of the draws that came without it, by scoring them, where the model can score. */
async function withProposals(
  call: StageContext,
  { scorer }: Model,
  format: Format,
  pairs: readonly Pair[],
  draws: readonly Draw[],
): Promise<Draw[]> {
  const without = draws.flatMap((draw) => (draw.ok && draw.proposal === null ? [draw] : []));
  if (scorer === undefined || without.length === 0) return [...draws];
  const pairOf = new Map(pairs.map((pair) => [pair.id, pair]));
  const requests = without.map(({ id, pairId, z }, i) => {
    const pair = known(pairOf, pairId);
    return { id: `${i}/${id}`, prefix: format.promptOfQ(pair, pair.problem), completion: format.rationale(z) };
  });
  const proposals = new Map<string, LogProb>();
  for await (const result of scorer.score(requests, { signal: call.signal })) {
    if (result.ok) proposals.set(result.id.slice(result.id.indexOf("/") + 1), sumOf(result.logprobs));
  }
  return draws.map((draw) => (draw.ok ? { ...draw, proposal: draw.proposal ?? proposals.get(draw.id) ?? null } : draw));
}

function readDraw(model: Model, format: Format, pair: Pair, index: number, result: SampleResult): Draw {
  const bad = (reason: string, text: string): Draw => ({
    ok: false,
    id: drawId(model, pair, index, []),
    pairId: pair.id,
    index,
    reason,
    text,
  });
  if (!result.ok) return bad(result.reason, "");
  const parsed = format.parseQ(result);
  if (!parsed.ok) return bad(parsed.reason, result.text);
  // Log-probabilities at sampling time are those of the untempered model, so log q is right at any temperature.
  const proposal: LogProb | null = result.logprobs === undefined ? null : sumOf(result.logprobs);
  const id = drawId(model, pair, index, parsed.z);
  return { ok: true, id, pairId: pair.id, index, z: parsed.z, text: parsed.text, proposal };
}

function drawId(model: Model, pair: Pair, index: number, z: TokenIds): string {
  return contentId({ draw: { model: model.identity, pair: pair.id, index, z } });
}

function samplerOf(model: Model) {
  const { sampler, tokenizer } = model;
  if (sampler === undefined || tokenizer === undefined) {
    throw new Error("q must sample and exchange token ids: refuse the backend at composition");
  }
  return { sampler, tokenizer, format: formatFor(tokenizer) };
}

/** Scores every well-formed draw under `p`: one pass over the ids of z and x gives both terms of the reward. */
export async function scoreCandidates(
  context: StageContext,
  options: {
    name: string;
    backend: Backend;
    p: Checkpoint;
    pairs: readonly Pair[];
    draws: readonly Draw[];
    shardSize: number;
  },
): Promise<Candidate[]> {
  const pairOf = new Map(options.pairs.map((pair) => [pair.id, pair]));
  return withModel(options.backend, options.p, context, async (open) => {
    const scored = await journaled(context, {
      journal: `${options.name}/candidates`,
      schema: Candidate,
      version: 1,
      items: options.draws,
      shardSize: options.shardSize,
      unit: "candidates",
      worker: async (shard, call) => {
        const good = shard.items.filter((draw): draw is GoodDraw => draw.ok);
        const scores = await scoreJointly(
          { ...context, ...call },
          await open(),
          good.map((draw) => ({ id: draw.id, pair: known(pairOf, draw.pairId), z: draw.z })),
        );
        return shard.items.map((draw): Candidate => {
          if (!draw.ok) return draw;
          const score = scores.get(draw.id);
          if (score === undefined) throw new Error(`the scorer did not answer ${draw.id}`);
          if ("reason" in score) {
            return {
              ok: false,
              id: draw.id,
              pairId: draw.pairId,
              index: draw.index,
              reason: score.reason,
              text: draw.text,
            };
          }
          return { ...draw, ...score };
        });
      },
    });
    return Array.fromAsync(scored);
  });
}

export interface JointScore {
  /** log p(z|c). */
  prior: LogProb;
  /** log p(x|z,c). */
  likelihood: LogProb;
}

/**
 * log p(z|c) and log p(x|z,c) for each (pair, z), from one score of the same ids.
 * @param repeat which of several scores of the same ids
 */
export async function scoreJointly(
  call: StageContext,
  model: Model,
  items: readonly { id: string; pair: Pair; z: TokenIds }[],
  repeat = 0,
): Promise<Map<string, JointScore | { reason: string }>> {
  const { scorer, tokenizer } = model;
  if (scorer === undefined || tokenizer === undefined) {
    throw new Error("p must score token ids: refuse the backend at composition");
  }
  const format = formatFor(tokenizer);
  const lengths = new Map<string, number>();
  const requests = items.map(({ id, pair, z }) => {
    const rationale = format.rationale(z);
    lengths.set(id, rationale.length);
    return { id, prefix: format.promptOfP(pair), completion: [...rationale, ...format.problem(pair.problem)], repeat };
  });
  const scores = new Map<string, JointScore | { reason: string }>();
  for await (const result of scorer.score(requests, { signal: call.signal })) {
    const length = lengths.get(result.id) ?? 0;
    scores.set(
      result.id,
      result.ok
        ? { prior: sumOf(result.logprobs.slice(0, length)), likelihood: sumOf(result.logprobs.slice(length)) }
        : { reason: result.reason },
    );
    call.onEvent?.({ kind: "progress", done: scores.size, total: items.length, unit: "candidates" });
  }
  return scores;
}

/** Applies the selection rule to every pair. */
export async function chooseCandidates(
  context: StageContext,
  options: { name: string; rule: SelectionRule; pairs: readonly Pair[]; candidates: readonly Candidate[] },
): Promise<Choice[]> {
  const byPair = groupByPair(options.candidates);
  const slope = lengthSlope([...byPair.values()].map((candidates) => candidates.map(asScored)));
  const random = context.rng.fork(options.name, "choice");
  const choices = await journaled(context, {
    journal: `${options.name}/choices`,
    schema: Choice,
    version: 1,
    items: options.pairs,
    shardSize: options.pairs.length,
    unit: "pairs",
    worker: async (shard) =>
      shard.items.map((pair): Choice => {
        const good = byPair.get(pair.id) ?? [];
        if (good.length === 0) return { pairId: pair.id, chosen: [] };
        const chosen = select(options.rule, good.map(asScored), slope, random.fork(pair.id));
        return {
          pairId: pair.id,
          chosen: chosen.map(({ index, weight }) => ({ candidateId: (good[index] as GoodCandidate).id, weight })),
        };
      }),
  });
  return Array.fromAsync(choices);
}

/** The well-formed candidates of each pair, in the order of their draw. */
export function groupByPair(candidates: readonly Candidate[]): Map<string, GoodCandidate[]> {
  const groups = new Map<string, GoodCandidate[]>();
  for (const candidate of candidates) {
    if (!candidate.ok) continue;
    const group = groups.get(candidate.pairId);
    if (group === undefined) groups.set(candidate.pairId, [candidate]);
    else group.push(candidate);
  }
  return groups;
}

export function asScored(candidate: GoodCandidate): Scored {
  return {
    reward: reward(candidate),
    proposal: candidate.proposal === null ? undefined : nats(candidate.proposal),
    rationaleTokens: candidate.prior.tokens,
    tokens: candidate.prior.tokens + candidate.likelihood.tokens,
  };
}

function known<T>(map: ReadonlyMap<string, T>, key: string): T {
  const value = map.get(key);
  if (value === undefined) throw new Error(`no pair ${key}`);
  return value;
}
