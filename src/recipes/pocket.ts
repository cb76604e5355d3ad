/** PromptCoT 2.0 in the pocket domain, where an oracle can say exactly what became of it. The whole experiment, on one screen. */

import type { Triple } from "../core/records.ts";
import { PocketSeed } from "../domains/pocket/generate.ts";
import {
  heldOutCombinations,
  levelOf,
  pocketAnnotators,
  pocketSeeds,
  readProblem,
  vagueAnnotator,
} from "../domains/pocket/index.ts";
import { annotate } from "../stages/annotate.ts";
import { formatFor } from "../stages/em/format.ts";
import { splitSeeds } from "../stages/split.ts";
import { journaled } from "../stages/stage.ts";
import type { PocketConfig } from "./config.ts";
import { conceptSets } from "./curation.ts";
import { pocketSelfPlay } from "./pocket-selfplay.ts";
import { type Material, promptcot } from "./promptcot.ts";
import type { Session } from "./session.ts";

export async function pocket(session: Session, config: PocketConfig): Promise<void> {
  await promptcot(session, config, await pocketMaterial(session, config), async ({ cast, tokenizer, q }, p) => {
    if (formatFor(tokenizer).spelling !== "tokens") {
      const message = "no self-play: the solver is spelt with special tokens that the given model's tokenizer lacks";
      session.context.onEvent?.({ kind: "note", message });
      return;
    }
    const { sampler, scorer, trainer } = cast.solver ?? { ...cast.p, trainer: cast.q.trainer };
    const writer = { backend: cast.p.sampler, checkpoint: p };
    await pocketSelfPlay(session, config, { sampler, scorer, trainer, tokenizer, from: q, p: writer });
  });
}

/** Seeds, splits, annotations and concept sets of the pocket domain. */
export async function pocketMaterial(session: Session, config: PocketConfig): Promise<Material> {
  const { context } = session;
  // Combinations are held out first; no seed uses one of them.
  const combinations = heldOutCombinations(context.rng.fork("combinations"));

  const seeds = await session.act("seeds", async () => {
    const journal = { journal: "seeds", schema: PocketSeed, version: 1, unit: "seeds" };
    const make = async () => pocketSeeds({ count: config.seeds.count, seed: config.seed, combinations });
    return Array.fromAsync(await journaled(context, { ...journal, items: ["all"], shardSize: 1, worker: make }));
  });
  const skeletons = new Map(seeds.map(({ id, skeleton }) => [id, skeleton]));
  const splits = await splitSeeds(context, seeds, config.split, ({ id }) => skeletons.get(id) ?? id);

  const wanted: readonly string[] = config.seeds.annotators;
  const annotators = [...pocketAnnotators, vagueAnnotator].filter(({ name }) => wanted.includes(name));
  const annotations = await session.act("annotations", () => annotate(context, { seeds, annotators, shardSize: 4096 }));

  // Held-out combinations measure what was learnt: no training row has shown them.
  const inTraining = ({ seedId }: Triple) => splits.get(seedId) === "train";
  const sets = await session.act("concept sets", () =>
    conceptSets(context, config, {
      training: annotations.flatMap((entry) => (entry.ok && inTraining(entry.triple) ? [entry.triple] : [])),
      levelOf: (concepts) => levelOf(concepts),
      heldOut: () =>
        combinations
          .sampleHeldOut(config.synthesize.sets, context.rng.fork("sets"))
          .map((concepts) => ({ concepts: [...concepts], level: levelOf(concepts) })),
    }),
  );
  return {
    seeds,
    splits,
    annotations,
    sets,
    oracle: { oracle: { read: readProblem }, seedSkeletons: new Set(skeletons.values()) },
  };
}
