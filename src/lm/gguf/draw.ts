/**
 * Draws one token from the head of a sorted distribution, and says so when the tail that it was not shown might decide.
 * Pure: the random number is an argument.
 */

/** The likeliest tokens of a distribution over `vocabSize`, likeliest first; of equals, lower ids first. */
export interface Head {
  ids: readonly number[];
  /** Untempered scores of `ids`, before normalisation. */
  logits: readonly number[];
  /** Σ exp(logit − largest logit) over the whole vocabulary. */
  total: number;
  vocabSize: number;
}

/** Natural-log probability, untempered, of the token at `place` of the head. */
export function logprobAt({ logits, total }: Head, place: number): number {
  return logits[place]! - logits[0]! - Math.log(total);
}

/**
 * The place in the head of the token that `uniform` ∈ [0, 1) selects at a temperature, among the smallest set of the likeliest whose
 * tempered probability reaches `topP` (Holtzman et al. 2020, §3.1). Undefined where that depends on the tail; never so
 * for a whole distribution.
 */
export function draw(head: Head, temperature: number, topP: number, uniform: number): number | undefined {
  if (temperature === 0) return 0;
  const { logits } = head;
  const weights = logits.map((logit) => Math.exp((logit - logits[0]!) / temperature));
  const shown = weights.reduce((sum, weight) => sum + weight, 0);
  const tail = tailBound(head, weights, temperature);
  const place = chosen(weights, shown, topP, uniform);
  if (tail === 0) return place ?? weights.length - 1; // rounding left a sliver at the end
  return place === chosen(weights, shown + tail, topP, uniform) ? place : undefined;
}

/** The place chosen if the weights of the vocabulary sum to `whole`; undefined if it is beyond those shown. */
function chosen(weights: readonly number[], whole: number, topP: number, uniform: number): number | undefined {
  if (topP >= 1) return placeAt(weights, uniform * whole);
  const wanted = topP * whole;
  let kept = 0;
  let mass = 0;
  while (kept < weights.length && (kept === 0 || mass < wanted)) mass += weights[kept++]!;
  if (mass < wanted) return undefined;
  return placeAt(weights.slice(0, kept), uniform * mass) ?? kept - 1;
}

/** Where the running sum passes `target`. */
function placeAt(weights: readonly number[], target: number): number | undefined {
  let sum = 0;
  for (const [place, weight] of weights.entries()) {
    sum += weight;
    if (sum > target) return place;
  }
  return undefined;
}

/** An upper bound of the tempered weight of what is not shown: by its number and, where cooled, by its untempered weight. */
function tailBound({ ids, logits, total, vocabSize }: Head, weights: readonly number[], temperature: number): number {
  const hidden = vocabSize - ids.length;
  if (hidden === 0) return 0;
  const byNumber = hidden * weights.at(-1)!;
  if (temperature > 1) return byNumber;
  const untempered = logits.reduce((left, logit) => left - Math.exp(logit - logits[0]!), total);
  // The total was summed in single precision.
  const left = Math.max(0, untempered) + 1e-4 * total;
  return Math.min(byNumber, left * Math.exp((logits.at(-1)! - logits[0]!) * (1 / temperature - 1)));
}
