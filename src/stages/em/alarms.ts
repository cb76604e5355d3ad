/**
 * Signs that the loop is going wrong (PAPER.md §3 and §8, PITFALLS.md): rationales shorten while problems get harder to
 * predict, candidates no longer differ, drafts copy the problem. Pure: statistics of a round in, alarms out.
 */
import { z } from "zod";
import { type GoodCandidate, nats, type Pair } from "./records.ts";

/** A mean; null over nothing, for example over the candidates of a round in which all were malformed. */
const Mean = z.number().nullable();

/** What a round's candidates, choices and rationales look like; means over pairs unless said otherwise. */
export const RoundStatistics = z.strictObject({
  candidates: z.number().int(),
  /** Share of candidates that were malformed. */
  malformed: z.number(),
  /** Share of pairs that kept their previous rationale: all of their candidates were malformed, or the greedy one was. */
  kept: z.number(),
  /** Tokens of z with its terminator: over all candidates, over the chosen, and over the rationales that `p` was taught. */
  tokensAll: Mean,
  tokensChosen: Mean,
  tokensTaught: Mean,
  /** R over all candidates and over the chosen ones; the chosen rise above the rest even from noise. */
  rewardAll: Mean,
  rewardChosen: Mean,
  /** Standard deviation of R within a pair. */
  rewardSpread: Mean,
  /** Share of a pair's candidates that are different texts. */
  distinct: Mean,
  /** Share of taught rationales that contain at least half of the problem's word 4-grams. */
  copying: z.number(),
  /** Share of taught rationales, of pairs with a known answer, that state an answer which the problem does not. */
  leaking: z.number(),
  /** −log p(x|z,c) per token of x, over the chosen. */
  xNllPerTokenChosen: Mean,
});
export type RoundStatistics = z.infer<typeof RoundStatistics>;

export const Alarm = z.strictObject({
  kind: z.enum([
    "collapse",
    "short-winners",
    "spread",
    "distinct",
    "malformed",
    "kept",
    "copying",
    "leaking",
    "certain",
    "noise",
  ]),
  value: z.number(),
  bound: z.number(),
  message: z.string(),
});
export type Alarm = z.infer<typeof Alarm>;

/** Bounds; crossing one is an alarm. */
export const AlarmBounds = z.strictObject({
  /** Collapse: the dev rationale is shorter than at the start by more than this share … */
  shortening: z
    .number()
    .min(0)
    .max(1)
    .describe("share by which dev rationales may shorten before a rise of NLL counts"),
  /** … and the NLL of x given it is higher by more than this share. */
  nllRise: z.number().min(0).describe("share by which the dev NLL of x may rise once rationales have shortened"),
  shortWinners: z.number().min(0).max(1).describe("least ratio of the winners' length to all candidates' length"),
  spread: z.number().min(0).describe("least standard deviation of the reward within a pair, in nats"),
  distinct: z.number().min(0).max(1).describe("least share of distinct rationales within a pair"),
  malformed: z.number().min(0).max(1).describe("greatest share of malformed candidates"),
  kept: z
    .number()
    .min(0)
    .max(1)
    .default(0.2) // runs made before there was this bound are still read
    .describe("greatest share of pairs that keep their previous rationale, for want of a well-formed one"),
  copying: z.number().min(0).max(1).describe("greatest share of rationales that copy the problem"),
  leaking: z.number().min(0).max(1).describe("greatest share of rationales that state the answer"),
  certain: z.number().min(0).describe("least NLL per token of x given the chosen z, in nats: below it z spells x out"),
});
export type AlarmBounds = z.infer<typeof AlarmBounds>;

/** Dev rationale length and NLL of x, at the start and now. */
export interface Course {
  start: { zTokens: number | null; xNll: number | null };
  now: { zTokens: number | null; xNll: number | null };
}

/** All alarms of a round, worst first. */
export function alarmsOf(stats: RoundStatistics, course: Course, bounds: AlarmBounds): Alarm[] {
  const winners = ratioOf(stats.tokensChosen, stats.tokensAll);
  const checks: (Alarm | null)[] = [
    collapse(course, bounds),
    above(
      "malformed",
      stats.malformed,
      bounds.malformed,
      (v) => `${percent(v)} of the candidates are malformed: train q longer before EM, or raise em.maxRationaleTokens`,
    ),
    above(
      "kept",
      stats.kept,
      bounds.kept,
      (v) =>
        `${percent(v)} of the pairs kept their previous rationale, because all candidates or the greedy one were malformed: train q longer before EM, or raise em.maxRationaleTokens`,
    ),
    above(
      "copying",
      stats.copying,
      bounds.copying,
      (v) =>
        `${percent(v)} of the rationales copy the problem instead of planning it: drop the annotators who quote it, or set em.select to "posterior"`,
    ),
    above(
      "leaking",
      stats.leaking,
      bounds.leaking,
      (v) =>
        `${percent(v)} of the rationales state the answer: drop the annotators who solve the problem, or raise em.alarms.leaking where that does no harm`,
    ),
    below(
      "certain",
      stats.xNllPerTokenChosen,
      bounds.certain,
      (v) =>
        `given its rationale a problem has hardly any uncertainty left (${v.toFixed(4)} nats per token): rationales spell problems out. ` +
        "Lower em.maxRationaleTokens, or drop the annotators who quote the problem",
    ),
    below(
      "short-winners",
      winners,
      bounds.shortWinners,
      (v) =>
        `winners are ${percent(1 - v)} shorter than the candidates they were chosen from: ` +
        'if the NLL of x rises, set em.select to "mean" or "length-controlled"',
    ),
    below(
      "spread",
      stats.rewardSpread,
      bounds.spread,
      (v) =>
        `rewards within a pair differ by only ${v.toFixed(3)} nats: chance decides. Raise em.temperature, or stop after fewer em.rounds`,
    ),
    below(
      "distinct",
      stats.distinct,
      bounds.distinct,
      (v) =>
        `only ${percent(v)} of a pair's rationales are distinct: q has become too sure to explore. Lower em.q.learningRate, or raise em.temperature`,
    ),
  ];
  return checks.filter((alarm) => alarm !== null);
}

function collapse({ start, now }: Course, bounds: AlarmBounds): Alarm | null {
  const shortening = 1 - ratioOf(now.zTokens, start.zTokens);
  const rise = ratioOf(now.xNll, start.xNll) - 1;
  if (!(shortening > bounds.shortening && rise > bounds.nllRise)) return null;
  return {
    kind: "collapse",
    value: shortening,
    bound: bounds.shortening,
    message:
      `rationales are collapsing: they shortened by ${percent(shortening)} since the cold start while the NLL of x rose by ${percent(rise)}. ` +
      "The summed reward favours short rationales that leave out what the problem needs; " +
      'drop the annotators whose rationales do not suffice to recreate the problem, or set em.select to "mean" or "length-controlled"',
  };
}

function above(
  kind: Alarm["kind"],
  value: number | null,
  bound: number,
  message: (value: number) => string,
): Alarm | null {
  return value !== null && value > bound ? { kind, value, bound, message: message(value) } : null;
}

function below(
  kind: Alarm["kind"],
  value: number | null,
  bound: number,
  message: (value: number) => string,
): Alarm | null {
  return value !== null && value < bound ? { kind, value, bound, message: message(value) } : null;
}

/** What the statistics of a round are computed from. */
export interface RoundMaterial {
  pairs: readonly Pair[];
  /** Well-formed candidates of each pair, with their rewards. */
  candidates: ReadonlyMap<string, readonly GoodCandidate[]>;
  rewardOf: (candidate: GoodCandidate) => number;
  asked: number;
  /** Chosen candidates with weights, flattened. */
  chosen: readonly { candidate: GoodCandidate; weight: number }[];
  taught: readonly { pairId: string; text: string; tokens: number; kept: boolean }[];
}

export function roundStatistics(material: RoundMaterial): RoundStatistics {
  const { candidates, rewardOf, chosen, taught } = material;
  const good = [...candidates.values()].flat();
  const pairOf = new Map(material.pairs.map((pair) => [pair.id, pair]));
  const overChosen = (value: (candidate: GoodCandidate) => number) => {
    const total = chosen.reduce((sum, { weight }) => sum + weight, 0);
    const sum = chosen.reduce((part, { candidate, weight }) => part + weight * value(candidate), 0);
    return Number.isFinite(sum / total) ? sum / total : null;
  };
  const withoutGreedy = new Set(taught.flatMap(({ pairId, kept }) => (kept ? [pairId] : [])));
  const answered = taught.filter(({ pairId }) => pairOf.get(pairId)?.answer !== undefined);
  const share = <T>(items: readonly T[], holds: (item: T) => boolean) =>
    items.length === 0 ? 0 : items.filter(holds).length / items.length;
  return {
    candidates: material.asked,
    malformed: material.asked === 0 ? 0 : 1 - good.length / material.asked,
    kept: share(material.pairs, ({ id }) => withoutGreedy.has(id) || (candidates.get(id) ?? []).length === 0),
    tokensAll: mean(good.map((candidate) => candidate.prior.tokens)),
    tokensChosen: overChosen((candidate) => candidate.prior.tokens),
    tokensTaught: mean(taught.map(({ tokens }) => tokens)),
    rewardAll: mean(good.map(rewardOf).filter(Number.isFinite)),
    rewardChosen: overChosen(rewardOf),
    rewardSpread: mean([...candidates.values()].map((own) => deviation(own.map(rewardOf).filter(Number.isFinite)))),
    distinct: mean([...candidates.values()].map((own) => new Set(own.map(({ text }) => text)).size / own.length)),
    copying: share(taught, ({ pairId, text }) => containment(pairOf.get(pairId)?.problem ?? "", text) >= 0.5),
    leaking: share(answered, ({ pairId, text }) => leaks(pairOf.get(pairId), text)),
    xNllPerTokenChosen: overChosen(({ likelihood }) => -nats(likelihood) / likelihood.tokens),
  };
}

/** Share of the word 4-grams of `x` that stand in `z`; 0 for a problem of fewer than four words. */
export function containment(x: string, z: string, n = 4): number {
  const grams = ngrams(x, n);
  if (grams.length === 0) return 0;
  const inZ = new Set(ngrams(z, n));
  return grams.filter((gram) => inZ.has(gram)).length / grams.length;
}

function ngrams(text: string, n: number): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.slice(n - 1).map((_, i) => words.slice(i, i + n).join(" "));
}

function leaks(pair: Pair | undefined, z: string): boolean {
  if (pair?.answer === undefined) return false;
  const { answer } = pair;
  const states = (text: string) => text.split(/[^\p{L}\p{N}./-]+|[./](?!\p{N})/u).includes(answer);
  return states(z) && !states(pair.problem);
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation (population form). */
function deviation(values: readonly number[]): number {
  const centre = mean(values) ?? 0;
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)) ?? 0);
}

/** NaN where either is unknown: no comparison with it holds. */
function ratioOf(a: number | null, b: number | null): number {
  return a === null || b === null ? Number.NaN : a / b;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
