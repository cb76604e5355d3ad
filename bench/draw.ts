/**
 * Processor time of a draw with top-p, beside one that sorts the whole vocabulary and one without top-p, over rows as a model leaves
 * them: softmax of normal logits, from unsure to nearly sure.
 */
import { rng } from "../src/core/rng.ts";
import { draw } from "../src/lm/embedded/draw.ts";

const DRAWS = 300;
const TOP_P = 0.95;

/** As a direct reading of the definition has it. */
function bySorting(probs: Float32Array, topP: number, uniform: number): number {
  const order = Array.from(probs, (_, i) => i);
  order.sort((a, b) => (probs[b] ?? 0) - (probs[a] ?? 0) || a - b);
  let kept = 0;
  let mass = 0;
  while (kept < order.length && mass < topP) mass += probs[order[kept++] ?? 0] ?? 0;
  let sum = 0;
  for (const id of order.slice(0, kept)) {
    sum += probs[id] ?? 0;
    if (sum > uniform * mass) return id;
  }
  return order[kept - 1] ?? 0;
}

function softmax(vocabulary: number, deviation: number): Float32Array {
  const random = rng(`${vocabulary} ${deviation}`);
  const weights = Array.from({ length: vocabulary }, () => Math.exp(deviation * normal(random.next(), random.next())));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Float32Array.from(weights, (weight) => weight / total);
}

function normal(u: number, v: number): number {
  return Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v);
}

/** Microseconds of processor time for each draw. */
function cost(one: (uniform: number) => number): number {
  const random = rng("uniform");
  for (let i = 0; i < 20; i++) one(random.next());
  const start = process.cpuUsage();
  for (let i = 0; i < DRAWS; i++) one(random.next());
  const { user, system } = process.cpuUsage(start);
  return (user + system) / DRAWS;
}

console.log(`µs of processor time a draw, top-p ${TOP_P}; ${DRAWS} draws each`);
console.log("vocabulary  deviation      sorting        here   ratio   without top-p");
for (const vocabulary of [512, 4096, 32_768, 151_936]) {
  for (const deviation of [1, 3, 6]) {
    const probs = softmax(vocabulary, deviation);
    const sorting = cost((uniform) => bySorting(probs, TOP_P, uniform));
    const here = cost((uniform) => draw(probs, 0, probs.length, TOP_P, uniform));
    const without = cost((uniform) => draw(probs, 0, probs.length, 1, uniform));
    const cells = [vocabulary, deviation, sorting.toFixed(1), here.toFixed(1), (sorting / here).toFixed(1)];
    const widths = [10, 9, 11, 10, 6];
    console.log(
      `${cells.map((cell, i) => String(cell).padStart(widths[i] ?? 0)).join("  ")}  ${without.toFixed(1).padStart(14)}`,
    );
  }
}
