/** Whose style a rationale is written in: the annotator whose own rationale for the same problem it is most like. */
import type { Material } from "../src/recipes/promptcot.ts";
import type { Decoded, Pair } from "../src/stages/em/records.ts";

/** Share of the rationales that are nearest, by word bigrams, to each annotator's rationale for the same problem. */
export function styles(taught: readonly Decoded[], pairs: readonly Pair[], material: Material): Record<string, number> {
  const own = new Map<string, { annotator: string; rationale: string }[]>();
  for (const annotated of material.annotations) {
    if (!annotated.ok) continue;
    const { seedId, annotator, rationale } = annotated.triple;
    own.set(seedId, [...(own.get(seedId) ?? []), { annotator, rationale }]);
  }
  const seedOf = new Map(pairs.map((pair) => [pair.id, pair.seedId]));
  const counts: Record<string, number> = {};
  for (const { pairId, text } of taught) {
    const candidates = own.get(seedOf.get(pairId) ?? "") ?? [];
    const best = candidates.reduce<{ annotator: string; likeness: number } | undefined>(
      (top, { annotator, rationale }) => {
        const likeness = bigramLikeness(text, rationale);
        return top === undefined || likeness > top.likeness ? { annotator, likeness } : top;
      },
      undefined,
    );
    if (best !== undefined) counts[best.annotator] = (counts[best.annotator] ?? 0) + 1 / taught.length;
  }
  return counts;
}

/** Jaccard likeness of two texts' sets of token bigrams. */
function bigramLikeness(a: string, b: string): number {
  const bigrams = (text: string) => {
    const tokens = text.match(/\p{L}+|\p{N}+|\S/gu) ?? [];
    return new Set(tokens.slice(1).map((token, i) => `${tokens[i]} ${token}`));
  };
  const [left, right] = [bigrams(a), bigrams(b)];
  const common = [...left].filter((gram) => right.has(gram)).length;
  const union = left.size + right.size - common;
  return union === 0 ? 0 : common / union;
}
