/** Draws one token from a row of probabilities. Pure: the random number is an argument. */

/** The most probable token; of equals, the lowest id. */
export function greedy(logProbs: Float32Array, from: number, to: number): number {
  let best = from;
  for (let i = from + 1; i < to; i++) if (logProbs[i]! > logProbs[best]!) best = i;
  return best - from;
}

/**
 * The token at which the running sum of `probs[from…to)` passes `uniform` ∈ [0, 1) of its total, taken over all tokens, or over the
 * smallest set of the most probable ones whose sum reaches `topP` (Holtzman et al. 2020, §3.1; of equals, lower ids first).
 */
export function draw(probs: Float32Array, from: number, to: number, topP: number, uniform: number): number {
  return topP < 1 ? nucleus(probs, from, to, topP, uniform) : whole(probs, from, to, uniform);
}

function whole(probs: Float32Array, from: number, to: number, uniform: number): number {
  let total = 0;
  for (let i = from; i < to; i++) total += probs[i]!;
  const target = uniform * total;
  let sum = 0;
  let last = from;
  for (let i = from; i < to; i++) {
    const p = probs[i]!;
    if (p === 0) continue;
    sum += p;
    last = i;
    if (sum > target) break;
  }
  return last - from;
}

/**
 * Puts only those tokens in order that are kept. Tokens less likely than (1 − topP)/n have less than 1 − topP between them, and
 * all others come before them: so the others reach `topP`. Where rounding denies it, all are looked at.
 */
function nucleus(probs: Float32Array, from: number, to: number, topP: number, uniform: number): number {
  let kept = likeliest(probs, from, to, topP, (1 - topP) / (to - from));
  if (kept.mass < topP) kept = likeliest(probs, from, to, topP, 0);
  const target = uniform * kept.mass;
  let sum = 0;
  for (const at of kept.places) {
    sum += probs[at]!;
    if (sum > target) return at - from;
  }
  return kept.places.at(-1)! - from;
}

/** The places of the most probable tokens until their sum reaches `topP`, most probable first, among those of at least `least`. */
function likeliest(probs: Float32Array, from: number, to: number, topP: number, least: number) {
  const heap: number[] = []; // of places; none comes before its parent
  for (let i = from; i < to; i++) if (probs[i]! >= least) heap.push(i);
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(heap, i, probs);
  const places: number[] = [];
  let mass = 0;
  while (heap.length > 0 && mass < topP) {
    const first = heap[0]!;
    places.push(first);
    mass += probs[first]!;
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      sink(heap, 0, probs);
    }
  }
  return { places, mass };
}

/** Moves the place at `i` down until both of its children come after it. */
function sink(heap: number[], i: number, probs: Float32Array): void {
  const place = heap[i]!;
  for (let child = 2 * i + 1; child < heap.length; child = 2 * i + 1) {
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!, probs)) child++;
    if (!before(heap[child]!, place, probs)) break;
    heap[i] = heap[child]!;
    i = child;
  }
  heap[i] = place;
}

/** The more probable; of equals, the lower id. */
function before(a: number, b: number, probs: Float32Array): boolean {
  return probs[a]! > probs[b]! || (probs[a]! === probs[b]! && a < b);
}
