/** What a run can be told of its concept sets and of curation, and the defaults. Reads no files; carries nothing out. */
import { z } from "zod";
import { SampleSettings } from "../curate/concepts/sample.ts";
import { DEFAULT_MATCH } from "../curate/decontaminate/matcher.ts";
import { DEFAULT_DEDUP, DedupSettings } from "../curate/dedup/options.ts";
import { DEFAULT_FILTERS, FILTER_NAMES, FilterSettings } from "../curate/filter/chain.ts";

const count = z.number().int().positive();
const share = z.number().min(0).max(1);

const Rates = z.strictObject({
  file: z.string().min(1).describe("JSONL or Parquet: measured problems, with concepts and passRate (0 to 1)"),
  target: share.default(0.5).describe("the pass rate to draw towards"),
  width: z.number().positive().default(0.2).describe("how far from the target still counts"),
  prior: z.number().nonnegative().default(5).describe("problems at the mean that every concept is credited with"),
});

const EmbedderConfig = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("lexical") }).describe("Hashed n-grams: no download, no synonyms."),
  z
    .strictObject({
      kind: z.literal("openai"),
      url: z.url({ protocol: /^https?$/ }).describe("up to and including /v1"),
      model: z.string().min(1),
      keyEnv: z.string().min(1).optional().describe("environment variable that holds the server's key"),
    })
    .describe("A server's /v1/embeddings."),
  z
    .strictObject({
      kind: z.literal("transformers"),
      model: z.string().min(1).describe("a folder, or a name at the Hub"),
    })
    .describe("A sentence encoder in ONNX, through Transformers.js."),
]);
export type EmbedderConfig = z.infer<typeof EmbedderConfig>;

export const ConceptsConfig = z.strictObject({
  source: z
    .enum(["sampled", "held-out"])
    .describe(
      "sampled: drawn from the space of the training seeds' concepts; held-out: combinations that no training row has shown",
    ),
  mode: SampleSettings.shape.mode.describe(
    "paper; uniform; or frontier, which prefers plausible pairs that seldom met",
  ),
  size: z
    .union([count.max(64), z.literal("usual")])
    .describe("concepts a set; usual: as many as most training seeds have"),
  temperature: SampleSettings.shape.temperature.describe("temperature of the softmax over the next concept"),
  cooccurrence: SampleSettings.shape.cooccurrence.describe("how counts of pairs are tempered"),
  minCount: count.describe("concepts of fewer training seeds are left out"),
  embedder: EmbedderConfig.describe("which vectors say how similar two concepts are"),
  rates: Rates.nullable().describe("measured pass rates that the draws aim at; null aims at nothing"),
});
export type ConceptsConfig = z.infer<typeof ConceptsConfig>;

function curateConfig<const Names extends readonly string[]>(names: Names) {
  return z.strictObject({
    filters: z.array(z.enum(names)).describe("which filters judge the written problems"),
    statement: FilterSettings.describe("what the filters go by"),
    decontaminate: z.strictObject({
      against: z.array(z.string().min(1)).describe("benchmark files, JSONL or Parquet; none: nothing is looked for"),
      ngram: count.min(2).describe("shared tokens in a row that count as contamination"),
      contained: count.describe("least length at which a shorter problem within another counts"),
      common: z.number().int().nonnegative().describe("a span of so many benchmark problems is a phrase, no evidence"),
    }),
    dedup: DedupSettings.describe("what counts as a duplicate; the calibrator chose the defaults"),
  });
}

/** The pocket domain's oracle is a filter, too, and judges exactly what the others guess. */
export const POCKET_FILTERS = ["oracle", ...FILTER_NAMES] as const;
export const PocketCurateConfig = curateConfig(POCKET_FILTERS);
export const SeedsCurateConfig = curateConfig(FILTER_NAMES);
export type CurateConfig = z.infer<typeof PocketCurateConfig> | z.infer<typeof SeedsCurateConfig>;

/** The same at every scale: what is a duplicate, or a benchmark's, does not depend on how many problems are drawn. */
export function curationDefaults(recipe: "pocket" | "seeds"): object {
  const { mode, temperature, cooccurrence } = SampleSettings.parse({}); // §4: temperature 0.2
  const source = recipe === "pocket" ? "held-out" : "sampled";
  return {
    concepts: {
      source,
      mode,
      size: "usual",
      temperature,
      cooccurrence,
      minCount: 1,
      embedder: { kind: "lexical" },
      rates: null,
    },
    curate: {
      filters: recipe === "pocket" ? ["oracle"] : DEFAULT_FILTERS,
      statement: FilterSettings.parse({}),
      decontaminate: { against: [], ...DEFAULT_MATCH }, // §5: 13-grams
      dedup: DEFAULT_DEDUP,
    },
  };
}

/** The files that these sections name, with what to call them where one is missing. */
export function curationFiles({ concepts, curate }: CurationSections): { key: string; path: string }[] {
  const rates = concepts.rates === null ? [] : [{ key: "concepts.rates.file", path: concepts.rates.file }];
  const against = curate.decontaminate.against.map((path) => ({ key: "curate.decontaminate.against", path }));
  return [...rates, ...against];
}

interface CurationSections {
  concepts: ConceptsConfig;
  curate: { decontaminate: CurateConfig["decontaminate"] };
}

/** The same sections with every file that they name put through `place`. */
export function placedCuration<Sections extends CurationSections>(
  { concepts, curate }: Sections,
  place: (path: string) => string,
): Pick<Sections, "concepts" | "curate"> {
  const { rates } = concepts;
  const against = curate.decontaminate.against.map(place);
  return {
    concepts: { ...concepts, rates: rates === null ? null : { ...rates, file: place(rates.file) } },
    curate: { ...curate, decontaminate: { ...curate.decontaminate, against } },
  };
}
