/** From the config to concept sets and to curated problems: what the recipes share between EM and export. */
import { PromptCotError } from "../core/errors.ts";
import type { Triple } from "../core/records.ts";
import { SampleSettings } from "../curate/concepts/sample.ts";
import { readBenchmarks } from "../curate/decontaminate/benchmarks.ts";
import { filterChain } from "../curate/filter/chain.ts";
import type { Filter } from "../curate/filter/contract.ts";
import type { Embedder } from "../embed/contract.ts";
import { lexical } from "../embed/lexical.ts";
import { openaiEmbedder } from "../embed/openai.ts";
import { transformersEmbedder } from "../embed/transformers.ts";
import type { JournalReader } from "../journal/journal.ts";
import { bringSets, type ConceptSet, sampleSets } from "../stages/concept-sets.ts";
import { type Curation, curate, oracleFilter } from "../stages/curate.ts";
import { readProblems } from "../stages/read.ts";
import type { ItemStream, StageContext } from "../stages/stage.ts";
import { problemsOf, type Written } from "../stages/synthesize.ts";
import type { Config } from "./config.ts";
import type { EmbedderConfig } from "./curation-config.ts";
import type { Material } from "./promptcot.ts";

/** So many sets are drawn here; more, beside this thread. */
const ALONE = 20_000;

export interface SetChoice {
  /** Annotated seeds of training. */
  training: readonly Triple[];
  /** Combinations that no training row has shown. */
  heldOut: () => readonly ConceptSet[];
  levelOf: (concepts: readonly string[], n: number) => string | undefined;
}

/** The concept sets that synthesis starts from, drawn or held out as the config says; journaled once. */
export function conceptSets(context: StageContext, config: Config, choice: SetChoice): Promise<ItemStream<ConceptSet>> {
  const { source, mode, size, temperature, cooccurrence, minCount, embedder, rates } = config.concepts;
  const { sets } = config.synthesize;
  if (source === "held-out") return bringSets(context, choice.heldOut().slice(0, sets));
  if (choice.training.length === 0) throw noTraining();
  const fixed = size === "usual" ? usualSize(choice.training) : size;
  return sampleSets(context, {
    settings: SampleSettings.parse({ mode, size: fixed, temperature, cooccurrence }),
    ...{ sets, minCount, rates, triples: choice.training, levelOf: choice.levelOf },
    embedder: embedderOf(embedder),
    workers: sets > ALONE ? config.engine.threads : 0,
  });
}

function embedderOf(config: EmbedderConfig): (names: readonly string[]) => Embedder {
  switch (config.kind) {
    case "lexical":
      return (names) => lexical(names);
    case "openai": {
      const { url, model, keyEnv } = config;
      const key = keyEnv === undefined ? ({ kind: "none" } as const) : ({ kind: "env", name: keyEnv } as const);
      return () => openaiEmbedder({ url, model, key });
    }
    case "transformers":
      return () => transformersEmbedder({ model: config.model });
    default:
      return config satisfies never;
  }
}

/** How many concepts most of the triples have; the smaller number where two are as frequent. */
function usualSize(triples: readonly Triple[]): number {
  const counts = new Map<number, number>();
  for (const { concepts } of triples) counts.set(concepts.length, (counts.get(concepts.length) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || a - b)[0]?.[0] ?? 1;
}

/** Levels as often as the triples have them, drawn for each set on its own. */
export function usualLevels(context: StageContext, triples: readonly Triple[]): SetChoice["levelOf"] {
  const levels = triples.map(({ level }) => level);
  const stream = context.rng.fork("levels");
  return (_, n) => (levels.length === 0 ? undefined : stream.fork(n).pick(levels));
}

function noTraining(): PromptCotError {
  return new PromptCotError({
    boundary: "data",
    code: "too-few-seeds",
    message: "no training seed has concepts to draw sets from",
    next: "give more annotated seeds, or lower split.dev and split.test",
  });
}

/** Filters, decontaminates and deduplicates what was written, and has the domain's oracle read all of it. */
export async function curateWritten(
  context: StageContext,
  config: Config,
  material: Material,
  written: JournalReader<Written>,
): Promise<AsyncIterable<Curation>> {
  const { against, ...match } = config.curate.decontaminate;
  const problems = problemsOf(written, await written.count());
  const curated = await curate(context, {
    ...{ problems, seeds: material.seeds, filters: filtersOf(config, material), match, dedup: config.curate.dedup },
    benchmarks: (await readBenchmarks(against, context)).problems,
    workers: config.engine.threads - 1,
  });
  const { shardSize } = config;
  if (material.oracle !== undefined) await readProblems(context, { ...material.oracle, problems, shardSize });
  return curated;
}

function filtersOf({ curate: { filters, statement } }: Config, { oracle }: Material): Filter[] {
  const named = filters.flatMap((name) => (name === "oracle" ? [] : [name]));
  const exact = filters.some((name) => name === "oracle") && oracle !== undefined ? [oracleFilter(oracle.oracle)] : [];
  return [...exact, ...filterChain(named, statement)];
}
