/** Seeds in, concept–rationale–problem triples out (PAPER.md §2), one per seed and annotator. A failed annotation is kept with its reason. */
import { z } from "zod";
import { contentId } from "../core/hash.ts";
import { type Seed, type Split, Triple } from "../core/records.ts";
import type { Rng } from "../core/rng.ts";
import type { Annotator } from "../domains/contract.ts";
import type { Pair } from "./em/records.ts";
import { journaled, type StageContext } from "./stage.ts";

export const Annotated = z.discriminatedUnion("ok", [
  z.strictObject({ ok: z.literal(true), triple: Triple }),
  z.strictObject({ ok: z.literal(false), seedId: z.string(), annotator: z.string(), reason: z.string() }),
]);
export type Annotated = z.infer<typeof Annotated>;

export const annotationsJournal = { journal: "annotations", schema: Annotated, version: 1 };

export interface AnnotateOptions<S extends Seed> {
  seeds: readonly S[];
  /** Who annotates every seed, or each of them. */
  annotators: readonly Annotator<S>[] | ((seed: S) => readonly Annotator<S>[]);
  shardSize: number;
  /** Its place within the run, if it is not all there is: one annotator's own, `annotations-by/qwen`. */
  journal?: string;
}

/** Every annotator's view of every seed. */
export async function annotate<S extends Seed>(
  context: StageContext,
  options: AnnotateOptions<S>,
): Promise<Annotated[]> {
  const random = context.rng.fork("annotate");
  const { annotators } = options;
  const of = typeof annotators === "function" ? annotators : () => annotators;
  const items = options.seeds.flatMap((seed) => of(seed).map((annotator) => ({ seed, annotator })));
  const records = await journaled(context, {
    ...annotationsJournal,
    journal: options.journal ?? annotationsJournal.journal,
    items,
    shardSize: options.shardSize,
    unit: "annotations",
    worker: async (shard, call) =>
      Promise.all(
        shard.items.map(async ({ seed, annotator }): Promise<Annotated> => {
          const result = await annotator.annotate(seed, random.fork(annotator.name, seed.id), call);
          if ("reason" in result)
            return { ok: false, seedId: seed.id, annotator: annotator.name, reason: result.reason };
          return { ok: true, triple: tripleOf(seed, annotator.name, result) };
        }),
      ),
  });
  return Array.fromAsync(records);
}

function tripleOf(
  seed: Seed,
  annotator: string,
  { concepts, rationale, level }: { concepts: readonly string[]; rationale: string; level?: string | undefined },
): Triple {
  const content = {
    concepts: [...concepts],
    ...(level === undefined ? {} : { level }),
    rationale,
    problem: seed.problem,
  };
  return {
    id: contentId({ triple: { seedId: seed.id, annotator, ...content } }),
    seedId: seed.id,
    annotator,
    ...content,
  };
}

/** An annotator for seeds that bring their own concepts and rationale. */
export function givenAnnotation(): Annotator {
  return {
    name: "given",
    annotate: ({ concepts, rationale, level }) =>
      concepts === undefined || rationale === undefined
        ? {
            ok: false,
            boundary: "data",
            reason: `the seed has no ${concepts === undefined ? "concepts" : "rationale"}`,
          }
        : { concepts, rationale, level },
  };
}

/**
 * The observed pairs (c, x) of the triples, in the order of their first triple: triples that agree in concepts, level and
 * problem are one pair, which starts from the rationale of one of them, drawn at random.
 */
export function pairsOf(
  triples: readonly Triple[],
  seeds: ReadonlyMap<string, Seed>,
  splits: ReadonlyMap<string, Split>,
  random: Rng,
): Pair[] {
  const groups = new Map<string, Triple[]>();
  for (const triple of triples) {
    const id = contentId({ pair: { concepts: triple.concepts, level: triple.level, problem: triple.problem } });
    groups.set(id, [...(groups.get(id) ?? []), triple]);
  }
  return [...groups].map(([id, group]): Pair => {
    const { seedId, concepts, level, problem, rationale, annotator } = random.fork(id).pick(group);
    const answer = seeds.get(seedId)?.answer;
    const split = splits.get(seedId);
    if (split === undefined) throw new Error(`seed ${seedId} is in no split`);
    return {
      ...{ id, seedId, split, concepts, problem, rationale, annotator },
      ...(level === undefined ? {} : { level }),
      ...(answer === undefined ? {} : { answer }),
    };
  });
}
