/** The concept sets that synthesis starts from: drawn from the space of annotated seeds, or brought by the recipe. Writes no problem. */
import { z } from "zod";
import { Concepts, type Triple } from "../core/records.ts";
import { readPassRates } from "../curate/concepts/rates.ts";
import { SampleSettings, sampleConceptSets } from "../curate/concepts/sample.ts";
import { buildConceptSpace, type ConceptSpace } from "../curate/concepts/space.ts";
import { type AimOptions, passRateWeights } from "../curate/concepts/weights.ts";
import type { Embedder } from "../embed/contract.ts";
import {
  type ItemStream,
  type Items,
  journaled,
  recordOnce,
  recordsOf,
  recordsSoFar,
  type StageContext,
} from "./stage.ts";

export const ConceptSet = z.strictObject({
  concepts: Concepts,
  level: z.string().optional(),
  /** The seed whose concepts these are, if they are one seed's. */
  seedId: z.string().optional(),
});
export type ConceptSet = z.infer<typeof ConceptSet>;

export const conceptSetsJournal = { journal: "synthesis/sets", schema: ConceptSet, version: 1 };

/** Where a run's concept sets come from; written when all of them are there. */
export const SetSource = z.discriminatedUnion("source", [
  z.strictObject({ source: z.literal("held-out"), sets: z.number().int() }),
  z.strictObject({
    source: z.literal("sampled"),
    sets: z.number().int(),
    settings: SampleSettings,
    /** Identity of the embedder. */
    embedder: z.string(),
    /** Size of the space: distinct concepts, and the annotated problems they were read from. */
    concepts: z.number().int(),
    problems: z.number().int(),
    /** Problems with a measured pass rate that shifted the weights. */
    measured: z.number().int(),
    /** Why there are fewer sets than asked for; null if there are not. */
    exhausted: z.string().nullable(),
  }),
]);
export type SetSource = z.infer<typeof SetSource>;

export const setSourceJournal = { journal: "synthesis/set-source", schema: SetSource, version: 1 };

const SHARD = 4096;

/** Journals sets that the recipe brings, and reads them as a stream. */
export async function bringSets(context: StageContext, sets: readonly ConceptSet[]): Promise<ItemStream<ConceptSet>> {
  await journalSets(context, sets);
  await recordOnce(context, setSourceJournal, "source", { source: "held-out", sets: sets.length });
  return readSets(context);
}

export interface SetSampling {
  settings: SampleSettings;
  /** Sets to draw. */
  sets: number;
  /** Annotated seeds that span the space: those of training. */
  triples: readonly Triple[];
  /** Concepts of fewer problems are left out. */
  minCount: number;
  embedder: (names: readonly string[]) => Embedder;
  /** Difficulty level of the n-th set. */
  levelOf: (concepts: readonly string[], n: number) => string | undefined;
  /** Measured pass rates that the draws are to aim at; null aims at nothing. */
  rates: ({ file: string } & AimOptions) | null;
  /** Threads that draw beside this one. */
  workers: number;
}

/**
 * Draws sets by the sampler, journals them and reads them as a stream. Interrupted, it draws the same sets again and keeps those it has.
 * @throws PromptCotError `config`/`set-too-large`, `data`/`no-concepts`
 */
export async function sampleSets(context: StageContext, options: SetSampling): Promise<ItemStream<ConceptSet>> {
  for await (const source of recordsSoFar(context, setSourceJournal)) {
    await recordOnce(context, setSourceJournal, "source", source); // writes nothing, but clears the lock of a process that died here
    return readSets(context);
  }
  const lists = options.triples.map(({ concepts }) => concepts);
  let embedder = "";
  const named = (names: readonly string[]) => {
    const made = options.embedder(names);
    embedder = made.identity;
    return made;
  };
  const space = await buildConceptSpace(lists, { minCount: options.minCount, embedder: named, ...context });
  const rates = options.rates === null ? undefined : await readPassRates(options.rates.file, space, {}, context);
  for (const { reason, line } of rates?.passedOver ?? []) {
    context.onEvent?.({ kind: "note", message: `${options.rates?.file}:${line} measures nothing: ${reason}` });
  }
  const weights =
    options.rates && rates ? passRateWeights(space.names.length, rates.measured, options.rates) : undefined;
  const drawn = drawSets(context, space, weights, options);
  await journalSets(context, { total: options.sets, [Symbol.asyncIterator]: () => drawn.sets() });
  const exhausted = drawn.exhausted();
  if (exhausted !== null)
    context.onEvent?.({ kind: "note", message: `fewer concept sets than asked for: ${exhausted}` });
  await recordOnce(context, setSourceJournal, "source", {
    source: "sampled",
    sets: await recordsOf(context, conceptSetsJournal).count(),
    ...{ settings: options.settings, embedder },
    ...{ concepts: space.names.length, problems: space.problems, measured: rates?.measured.length ?? 0, exhausted },
  });
  return readSets(context);
}

function drawSets(
  context: StageContext,
  space: ConceptSpace,
  weights: Float64Array | undefined,
  { settings, sets, levelOf, workers }: SetSampling,
) {
  let reason: string | null = null;
  return {
    exhausted: () => reason,
    async *sets(): AsyncGenerator<ConceptSet> {
      const seed = context.rng.fork("sets").uint32();
      for await (const item of sampleConceptSets(space, { settings, seed, sets, weights, workers, ...context })) {
        if (item.kind === "exhausted") {
          reason = item.reason;
          return;
        }
        const concepts = item.concepts.map((concept) => space.names[concept] as string);
        const level = levelOf(concepts, item.index);
        yield { concepts, ...(level === undefined ? {} : { level }) };
      }
    },
  };
}

async function journalSets(context: StageContext, sets: Items<ConceptSet>): Promise<void> {
  await journaled(context, {
    ...conceptSetsJournal,
    ...{ items: sets, shardSize: SHARD, unit: "concept sets" },
    worker: async (shard) => shard.items,
  });
}

async function readSets(context: StageContext): Promise<ItemStream<ConceptSet>> {
  const sets = recordsOf(context, conceptSetsJournal);
  return { total: await sets.count(), [Symbol.asyncIterator]: () => sets[Symbol.asyncIterator]() };
}
