/** The pocket benchmark: held-out problems of the pocket domain, made on the spot, the same every time, one for each skeleton. */
import { rng } from "../core/rng.ts";
import { type PocketSeed, pocketSeeds } from "../domains/pocket/index.ts";
import type { Benchmark, BenchmarkTask } from "./contract.ts";
import { pocketProtocol } from "./protocols.ts";

const PROBLEMS = 200;
/** The paper's arXiv number. Runs are seldom seeded so, and then their seeds are others all the same: see `isHeldOut`. */
const SEED = 250919894;
/** Share of all skeletons that the benchmark keeps for itself. */
const SHARE = 0.1;

/**
 * Whether a skeleton (a problem with numbers and names masked) belongs to the benchmark. Whoever trains a solver to be scored by
 * it should leave these out. Decided for each skeleton apart, by a draw of its own.
 */
export function isHeldOut(skeleton: string): boolean {
  return rng("pocket benchmark").fork(skeleton).next() < SHARE;
}

export const pocket: Benchmark = {
  name: "pocket",
  title: "Pocket",
  domain: "pocket",
  about: `problems of the pocket domain, ${PROBLEMS} held-out ones, made on the spot`,
  source: { kind: "generated", tasks, pins: [{ content: "8fef69d6cd0618f563637328a6337d0c", origin: "generated" }] },
  protocol: pocketProtocol,
};

function tasks(): BenchmarkTask[] {
  const kept = new Map<string, PocketSeed>();
  // About one seed in ten is held out; skeletons seldom repeat.
  for (let count = 15 * PROBLEMS; kept.size < PROBLEMS; count *= 2) {
    for (const seed of pocketSeeds({ count, seed: SEED })) {
      if (kept.size < PROBLEMS && isHeldOut(seed.skeleton) && !kept.has(seed.skeleton)) kept.set(seed.skeleton, seed);
    }
  }
  return [...kept.values()].map(({ problem, answer, plan }, i) => ({
    id: `pocket/${i}`,
    question: { kind: "pocket", problem },
    gold: { domain: "pocket", answer },
    effort: plan.length,
  }));
}
