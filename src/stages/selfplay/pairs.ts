/**
 * Preference pairs (PAPER.md §5): min(#right, #wrong) per task, capped by what speaks for its label. Pure and seeded.
 * Two rollouts of one text are one: a pair of doubles teaches nothing twice.
 */
import { contentId } from "../../core/hash.ts";
import type { Rng } from "../../core/rng.ts";
import type { GoodLabel, GoodRollout, Graded, PreferencePair, Rollout } from "./records.ts";

export interface PairRules {
  /** Most pairs of a task whose label is a majority vote: `low` at the least margin accepted, `high` where all agree (the paper: 2–4). */
  majorityCap: { low: number; high: number; leastMargin: number };
  /** Prefer pairs of like length. */
  balanceLength: boolean;
  /** Prefer wrong rollouts that begin as the right one does: the longer in common, the nearer the miss. */
  nearMisses: boolean;
  /** Whether a rollout that was cut off may be the rejected one. It is never the chosen one. */
  truncatedRejected: boolean;
}

/** §5: cap 2–4 where the label came from a majority vote; a rollout that was cut off fails the validity filter. */
export const paperPairs: Omit<PairRules, "majorityCap"> = {
  balanceLength: false,
  nearMisses: false,
  truncatedRejected: false,
};

/** Most pairs that may be made of a task with this label. Given answers and validated tests are believed: no cap but the rollouts. */
export function pairCap(label: GoodLabel, { majorityCap: { low, high, leastMargin } }: PairRules): number {
  if (label.source !== "majority") return Number.POSITIVE_INFINITY;
  const room = 1 - leastMargin;
  const beyond = room > 0 ? Math.max(0, label.ballot.margin - leastMargin) / room : 1;
  return low + Math.floor((high - low) * beyond + 1e-9);
}

/** A rollout with what was said of it. */
export interface Judged {
  rollout: GoodRollout;
  graded: Graded;
}

/** The rollouts that may be chosen and rejected: decided, of valid form, one of each text. `unknown` is in neither. */
export function sides(
  judged: readonly Judged[],
  { truncatedRejected }: Pick<PairRules, "truncatedRejected">,
): { right: GoodRollout[]; wrong: GoodRollout[] } {
  const right = judged.filter(
    ({ rollout, graded }) => is(graded, "correct") && graded.invalid === null && !rollout.truncated,
  );
  const wrong = judged.filter(
    ({ rollout, graded }) => is(graded, "wrong") && (rollout.truncated ? truncatedRejected : graded.invalid === null),
  );
  return { right: distinct(right), wrong: distinct(wrong) };
}

function is({ verdict }: Graded, which: Graded["verdict"]["verdict"]): boolean {
  return verdict.verdict === which;
}

function distinct(judged: readonly Judged[]): GoodRollout[] {
  const byText = new Map<string, GoodRollout>();
  for (const { rollout } of judged) if (!byText.has(rollout.text)) byText.set(rollout.text, rollout);
  return [...byText.values()];
}

/** The pairs of one task. `random` is the task's own stream. */
export function pairsOfTask(
  taskId: string,
  judged: readonly Judged[],
  label: GoodLabel,
  rules: PairRules,
  random: Rng,
): PreferencePair[] {
  const { right, wrong } = sides(judged, rules);
  const count = Math.min(right.length, wrong.length, pairCap(label, rules));
  const [chosen, rejected] = [random.fork("right").shuffle(right), random.fork("wrong").shuffle(wrong)];
  return matched(chosen, rejected, count, rules).map(([one, other]) => ({
    id: contentId({ pair: [one.id, other.id] }),
    taskId,
    chosen: one.id,
    rejected: other.id,
  }));
}

/** Disjoint pairs, cheapest first; where nothing is preferred, in the order given. */
function matched(
  right: readonly GoodRollout[],
  wrong: readonly GoodRollout[],
  count: number,
  rules: PairRules,
): [GoodRollout, GoodRollout][] {
  const all = right.flatMap((one) => wrong.map((other) => ({ one, other, cost: cost(one, other, rules) })));
  if (rules.balanceLength || rules.nearMisses) all.sort((a, b) => a.cost - b.cost);
  const used = new Set<string>();
  const pairs: [GoodRollout, GoodRollout][] = [];
  for (const { one, other } of all) {
    if (pairs.length >= count) break;
    if (used.has(one.id) || used.has(other.id)) continue;
    used.add(one.id).add(other.id);
    pairs.push([one, other]);
  }
  return pairs;
}

/** Each preference adds a share between 0 and 1. */
function cost(one: GoodRollout, other: GoodRollout, { balanceLength, nearMisses }: PairRules): number {
  const difference = Math.abs(one.tokens - other.tokens) / Math.max(one.tokens, other.tokens, 1);
  return (balanceLength ? difference : 0) + (nearMisses ? 1 - commonStart(one.text, other.text) : 0);
}

/** Characters that two texts begin with alike, as a share of the shorter. */
function commonStart(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  let same = 0;
  while (same < shorter && a[same] === b[same]) same++;
  return shorter === 0 ? 0 : same / shorter;
}

/** Right and wrong rollouts with their tasks, by task. */
export function byTask(rollouts: readonly Rollout[], graded: readonly Graded[]): Map<string, Judged[]> {
  const verdicts = new Map(graded.map((entry) => [entry.rolloutId, entry]));
  const groups = new Map<string, Judged[]>();
  for (const rollout of rollouts) {
    const entry = verdicts.get(rollout.id);
    if (entry === undefined) throw new Error(`rollout ${rollout.id} has no verdict`);
    const group = groups.get(rollout.taskId) ?? [];
    groups.set(rollout.taskId, group);
    if (rollout.ok) group.push({ rollout, graded: entry });
  }
  return groups;
}
