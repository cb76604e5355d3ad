import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { majorityAtK, type VoteCluster } from "./majority-at-k.ts";

/** Every choice of k attempts, its votes counted, ties shared out. */
function bruteForce(clusters: readonly VoteCluster[], attempts: number, k: number): number {
  const owner = clusters.flatMap(({ votes }, i) => new Array<number>(votes).fill(i));
  let [sum, all] = [0, 0];
  for (let subset = 0; subset < 1 << attempts; subset++) {
    const members = Array.from({ length: attempts }, (_, i) => i).filter((i) => subset & (1 << i));
    if (members.length !== k) continue;
    all++;
    const counts = clusters.map((_, i) => members.filter((member) => owner[member] === i).length);
    const top = Math.max(0, ...counts);
    const winners = counts.flatMap((count, i) => (count === top && top > 0 ? [clusters[i]?.value ?? 0] : []));
    sum += winners.length === 0 ? 0 : winners.reduce((a, b) => a + b, 0) / winners.length;
  }
  return sum / all;
}

describe("majority@k", () => {
  it("is the most frequent answer of all attempts", () => {
    expect(
      majorityAtK(
        [
          { votes: 5, value: 1 },
          { votes: 3, value: 0 },
        ],
        8,
        8,
      ),
    ).toBeCloseTo(1, 12);
    expect(
      majorityAtK(
        [
          { votes: 3, value: 1 },
          { votes: 5, value: 0 },
        ],
        8,
        8,
      ),
    ).toBe(0);
  });

  it("shares ties out", () => {
    expect(
      majorityAtK(
        [
          { votes: 4, value: 1 },
          { votes: 4, value: 0 },
        ],
        8,
        8,
      ),
    ).toBeCloseTo(1 / 2, 12);
    const three = [1, 0, 0].map((value) => ({ votes: 2, value }));
    expect(majorityAtK(three, 8, 8)).toBeCloseTo(1 / 3, 12);
  });

  it("lets no attempt without an answer vote", () => {
    expect(majorityAtK([{ votes: 1, value: 1 }], 16, 16)).toBeCloseTo(1, 12);
    expect(majorityAtK([], 16, 16)).toBe(0);
    // One of four attempts answers: it is among two of them half of the time.
    expect(majorityAtK([{ votes: 1, value: 1 }], 4, 2)).toBeCloseTo(1 / 2, 12);
  });

  it("of one attempt is pass@1", () => {
    expect(
      majorityAtK(
        [
          { votes: 3, value: 1 },
          { votes: 4, value: 0 },
        ],
        10,
        1,
      ),
    ).toBeCloseTo(0.3, 12);
  });

  it("agrees with counting every choice", () => {
    const cluster = fc.record({ votes: fc.integer({ min: 1, max: 4 }), value: fc.constantFrom(0, 1) });
    fc.assert(
      fc.property(
        fc.array(cluster, { maxLength: 4 }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(),
        (clusters, silent, draw) => {
          const attempts = Math.min(10, clusters.reduce((sum, { votes }) => sum + votes, 0) + silent);
          fc.pre(clusters.reduce((sum, { votes }) => sum + votes, 0) <= attempts);
          const k = 1 + (draw % attempts);
          expect(majorityAtK(clusters, attempts, k)).toBeCloseTo(bruteForce(clusters, attempts, k), 9);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("refuses more votes than attempts", () => {
    expect(() => majorityAtK([{ votes: 5, value: 1 }], 4, 4)).toThrow(RangeError);
  });
});
