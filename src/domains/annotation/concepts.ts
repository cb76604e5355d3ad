/**
 * When two wordings name one concept. The rule: case, spacing, punctuation and hyphens do not count, nor articles and small
 * joining words, nor plural endings, nor the order of the words that are left. The wording that occurs most often stands for
 * all, the earliest among equals. Pure.
 */

/** Words that join others and name nothing. */
const SMALL = new Set("a an the of in on for to and or with by using via from its their".split(" "));

/** A concept as a list gave it, without what belongs to the list: numbers, bullets, quotes, a full stop, stray spaces. */
export function tidyConcept(text: string): string {
  return text
    .normalize("NFKC")
    .replace(/\s+/g, " ")
    .trim()
    .replace(/^(?:\d+[.)]|[-*•])\s+/, "")
    .replace(/^["'“”‘’`]+|["'“”‘’`]+$/g, "")
    .replace(/[.;,:]+$/, "")
    .trim();
}

/** Equal for wordings of one concept. */
export function conceptKey(text: string): string {
  const words = tidyConcept(text)
    .toLowerCase()
    .replace(/[’']s\b/g, "")
    .split(/[^\p{L}\p{N}^+*/=<>√πσφ]+/u)
    .filter((word) => word !== "" && !SMALL.has(word))
    .map(singular);
  return words.sort().join(" ");
}

const IRREGULAR: Readonly<Record<string, string>> = {
  ...{ vertices: "vertex", indices: "index", matrices: "matrix", radii: "radius", loci: "locus", foci: "focus" },
};

/** English plural endings, roughly, and the same way for both of two words: what counts is that equal words stay equal. */
function singular(word: string): string {
  const known = Object.hasOwn(IRREGULAR, word) ? IRREGULAR[word] : undefined;
  if (known !== undefined) return known;
  if (word.length <= 3 || /(?:ss|us|is)$/.test(word)) return word;
  if (/ies$/.test(word)) return `${word.slice(0, -3)}y`;
  if (/(?:xes|ches|shes|sses|zes)$/.test(word)) return word.slice(0, -2);
  return word.replace(/s$/, "");
}

/** For each wording the one that stands for it, over all the wordings of a corpus in their order. */
export function mergedWordings(wordings: Iterable<string>): (wording: string) => string {
  const counts = new Map<string, Map<string, number>>();
  for (const wording of wordings) {
    const tidy = tidyConcept(wording);
    const key = conceptKey(tidy);
    const group = counts.get(key) ?? new Map<string, number>();
    group.set(tidy, (group.get(tidy) ?? 0) + 1);
    counts.set(key, group);
  }
  const chosen = new Map<string, string>();
  for (const [key, group] of counts) {
    let best: { wording: string; count: number } | undefined;
    for (const [wording, count] of group) if (best === undefined || count > best.count) best = { wording, count };
    if (best !== undefined) chosen.set(key, best.wording);
  }
  return (wording) => chosen.get(conceptKey(wording)) ?? tidyConcept(wording);
}
