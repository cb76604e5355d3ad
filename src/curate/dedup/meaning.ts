/**
 * A second look at what the rule of words kept: texts whose vectors are near are clusters, too, and of each the smallest (quality, id)
 * survives. Where the settings want the same numbers of duplicates, these must agree here as well. Independent of order, as the first.
 */
import type { CallOptions } from "../../core/events.ts";
import type { Embedder } from "../../embed/contract.ts";
import type { DedupResult, DedupVerdict } from "./dedup.ts";
import { numberKey } from "./features.ts";
import type { DedupSettings } from "./options.ts";
import { semanticPairs } from "./semantic.ts";
import { createUnions } from "./unions.ts";

/** What was dropped for its meaning: the survivor, the text that it is near to (in a chain, another one), and how near. */
export interface MeaningEvidence {
  kind: "meaning";
  survivor: string;
  via: string;
  cosine: number;
}

export type MeaningVerdict =
  | DedupVerdict
  | { kept: false; cluster: string; evidence: MeaningEvidence; survivor: number };

export interface MeaningOptions extends CallOptions {
  settings: Pick<DedupSettings, "numbers">;
  /** Least cosine. */
  threshold: number;
  embedder: (corpus: readonly string[]) => Embedder;
}

/** The n-th new text's verdict, and the positions that are kept after both looks. */
export interface MeaningResult {
  verdict(n: number): MeaningVerdict;
  keptPositions(): number[];
}

/** @param texts the new texts that `result` kept, in order: they are held while their vectors are made */
export async function dedupByMeaning(
  result: DedupResult,
  texts: readonly string[],
  { settings, threshold, embedder, ...call }: MeaningOptions,
): Promise<MeaningResult> {
  const { corpus } = result;
  const positions = result.keptPositions();
  const vectors = await embedder(texts).embed(texts, call);
  const numbers = (i: number) => {
    const { tokens, from, to } = corpus.span(positions[i] as number);
    return numberKey(tokens, from, to);
  };
  const allowed = settings.numbers === "any" ? () => true : (a: number, b: number) => numbers(a) === numbers(b);
  const pairs = semanticPairs(vectors, { threshold, allowed, ...call });
  const unions = createUnions(positions.length);
  for (const { a, b } of pairs) unions.join(a, b);
  const leaders = new Map<number, number>(); // root → position
  for (const [i, position] of positions.entries()) {
    const leader = leaders.get(unions.find(i));
    if (leader === undefined || corpus.compare(position, leader) < 0) leaders.set(unions.find(i), position);
  }
  const dropped = new Map<number, { survivor: number; evidence: MeaningEvidence }>();
  for (const { a, b, cosine } of pairs) {
    const survivor = leaders.get(unions.find(a)) as number;
    for (const [own, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const [position, via] = [positions[own] as number, positions[other] as number];
      // Pairs come nearest first; a pair with the survivor itself says most.
      const before = dropped.get(position)?.evidence.via;
      if (position === survivor || before === corpus.id(survivor) || (before !== undefined && via !== survivor))
        continue;
      const evidence = { kind: "meaning" as const, survivor: corpus.id(survivor), via: corpus.id(via), cosine };
      dropped.set(position, { survivor, evidence });
    }
  }
  const first = corpus.size - result.count;
  return {
    keptPositions: () => positions.filter((position) => !dropped.has(position)),
    verdict(n) {
      const verdict = result.verdict(n);
      const found = verdict.kept ? dropped.get(first + n) : undefined;
      return found === undefined ? verdict : { kept: false, cluster: corpus.id(found.survivor), ...found };
    },
  };
}
