/** How good a batch of synthesized problems is, in shares. Pure: rows in, numbers out. */
import { z } from "zod";

/** All shares are of the problems asked for, so that a malformed or lost one counts against every measure. */
export const SynthesisQuality = z.strictObject({
  /** Problems asked for: a count, not a share. */
  asked: z.number().int(),
  /** Kept by curation: well formed, and no filter, benchmark or duplicate stood against it. */
  kept: z.number(),
  /** Well formed by the oracle; null where the domain has none. */
  grammatical: z.number().nullable(),
  /** Exactly one true answer exists. */
  valid: z.number().nullable(),
  /** Every concept asked for is used. */
  allConcepts: z.number().nullable(),
  /** With numbers and names masked, unlike every seed. */
  novel: z.number().nullable(),
  /** Written, and no duplicate of an earlier one or of a seed. */
  distinct: z.number(),
  /** Entropy of the concepts used by well-formed problems over that of the concepts asked for. */
  conceptEntropy: z.number().nullable(),
});
export type SynthesisQuality = z.infer<typeof SynthesisQuality>;

/** One asked-for problem and what became of it. */
export interface AskedRow {
  asked: readonly string[];
  written: boolean;
  duplicate: boolean;
  kept: boolean;
  reading: {
    grammatical: boolean;
    valid: boolean;
    allConcepts: boolean;
    novel: boolean;
    concepts: readonly string[];
  } | null;
}

/** Takes one row after another, in constant memory. */
export interface QualityTally {
  add(row: AskedRow): void;
  quality(): SynthesisQuality;
}

export function qualityTally(hasOracle: boolean): QualityTally {
  let rows = 0;
  const counts = { kept: 0, distinct: 0, grammatical: 0, valid: 0, allConcepts: 0, novel: 0 };
  const asked = new Map<string, number>();
  const used = new Map<string, number>();
  const share = (count: number) => (rows === 0 ? 0 : count / rows);
  return {
    add({ asked: wanted, written, duplicate, kept, reading }) {
      rows++;
      countAll(asked, wanted);
      if (written && !duplicate) counts.distinct++;
      if (kept) counts.kept++;
      if (reading?.valid) counts.valid++;
      if (!reading?.grammatical) return;
      counts.grammatical++;
      if (reading.allConcepts) counts.allConcepts++;
      if (reading.novel) counts.novel++;
      countAll(used, reading.concepts);
    },
    quality() {
      const exact = (count: number) => (hasOracle ? share(count) : null);
      const most = entropyOf(asked);
      return {
        asked: rows,
        kept: share(counts.kept),
        grammatical: exact(counts.grammatical),
        valid: exact(counts.valid),
        allConcepts: exact(counts.allConcepts),
        novel: exact(counts.novel),
        distinct: share(counts.distinct),
        conceptEntropy: hasOracle && most > 0 ? entropyOf(used) / most : null,
      };
    },
  };
}

function countAll(counts: Map<string, number>, items: readonly string[]): void {
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
}

/** Shannon entropy of a list's relative frequencies, in nats. */
export function entropy(items: readonly string[]): number {
  const counts = new Map<string, number>();
  countAll(counts, items);
  return entropyOf(counts);
}

function entropyOf(counts: ReadonlyMap<string, number>): number {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  let sum = 0;
  for (const count of counts.values()) sum -= (count / total) * Math.log(count / total);
  return sum;
}
