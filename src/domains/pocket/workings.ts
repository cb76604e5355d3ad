/**
 * Workings of random plans, without the problems that they solve: the arithmetic and the manner of a solution. A model that is
 * taught them knows how to calculate; it still has to learn to read.
 */
import type { Rng } from "../../core/rng.ts";
import type { ConceptName } from "./concepts.ts";
import { drawPlan } from "./plan.ts";
import { solve } from "./solve.ts";

/** The working of a plan over two of the concepts. */
export function working(concepts: readonly ConceptName[], rng: Rng): string {
  for (let attempt = 0; ; attempt++) {
    const draw = rng.fork(attempt);
    const plan = drawPlan(draw.shuffle(concepts).slice(0, 2), draw);
    if (plan !== undefined) return solve(plan);
  }
}
