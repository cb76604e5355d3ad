/** How often the majority among k answers is right, exactly. Pure: takes clusters of equal answers, compares none itself. */

/** Equal answers to one problem. */
export interface VoteCluster {
  votes: number;
  /** What choosing this answer is worth: 1 if it is right, 0 if not. */
  value: number;
}

/**
 * Expected value of the most frequent answer among k of `attempts` attempts, over all choices of the k.
 * Rule for ties: each of the most frequent answers is as likely to be taken. Attempts without an answer do not vote (they still
 * take up places among the k); where nobody votes the value is 0.
 * @param clusters the answers of those attempts that gave one; their votes sum to at most `attempts`
 */
export function majorityAtK(clusters: readonly VoteCluster[], attempts: number, k: number): number {
  const voting = clusters.reduce((sum, { votes }) => sum + votes, 0);
  if (voting > attempts || k < 1 || k > attempts) {
    throw new RangeError(`majorityAtK: ${voting} votes among ${attempts} attempts cannot give a majority of ${k}`);
  }
  const silent = attempts - voting;
  let value = 0;
  for (const [i, own] of clusters.entries()) {
    if (own.value === 0) continue;
    const others = [...clusters.slice(0, i), ...clusters.slice(i + 1)].map(({ votes }) => votes);
    for (let top = 1; top <= Math.min(own.votes, k); top++) {
      const chance = hypergeometric(own.votes, attempts, k, top);
      if (chance > 0) value += own.value * chance * winningShare(others, silent, attempts - own.votes, k - top, top);
    }
  }
  return value;
}

/**
 * E[1 / (1 + ties); no other cluster above `top`] when `draws` of `pool` attempts are drawn from the other clusters and the silent.
 * Cluster after cluster, by the hypergeometric chance of its count given the draws that are left.
 */
function winningShare(others: readonly number[], silent: number, pool: number, draws: number, top: number): number {
  // [draws left][ties so far] → chance
  let states = new Map([[draws, new Map([[0, 1]])]]);
  let left = pool;
  for (const votes of others) {
    const next = new Map<number, Map<number, number>>();
    for (const [drawsLeft, ties] of states) {
      for (let count = 0; count <= Math.min(votes, drawsLeft, top); count++) {
        const chance = hypergeometric(votes, left, drawsLeft, count);
        if (chance === 0) continue;
        const row = next.get(drawsLeft - count) ?? new Map<number, number>();
        next.set(drawsLeft - count, row);
        for (const [tied, before] of ties) {
          const at = count === top ? tied + 1 : tied;
          row.set(at, (row.get(at) ?? 0) + before * chance);
        }
      }
    }
    states = next;
    left -= votes;
  }
  // What is left to draw comes from the silent attempts.
  let share = 0;
  for (const [drawsLeft, ties] of states) {
    if (drawsLeft > silent) continue;
    for (const [tied, chance] of ties) share += chance / (1 + tied);
  }
  return share;
}

/** Chance of `count` marked ones among `draws` of `pool`, of which `marked` are marked. */
function hypergeometric(marked: number, pool: number, draws: number, count: number): number {
  const unmarked = pool - marked;
  if (count > marked || draws - count > unmarked || count < 0 || draws < count) return 0;
  return Math.exp(choose(marked, count) + choose(unmarked, draws - count) - choose(pool, draws));
}

const logFactorials = [0];

/** Logarithm of a binomial. */
function choose(n: number, k: number): number {
  for (let i = logFactorials.length; i <= n; i++) logFactorials.push((logFactorials[i - 1] ?? 0) + Math.log(i));
  return (logFactorials[n] ?? 0) - (logFactorials[k] ?? 0) - (logFactorials[n - k] ?? 0);
}
