/**
 * What a run can be told, and what it does if it is not told: one dial, `scale`, sets the rest, and whatever the user
 * writes goes over it. Reads no files. Unknown keys and options are errors with a suggestion.
 */
import { z } from "zod";
import { AlarmBounds } from "../stages/em/alarms.ts";
import { specialTokens } from "../stages/em/format.ts";
import { AnnotateConfig } from "./annotate-config.ts";
import { Backends, backendOf, fullRoles, placedBackend, Roles } from "./backend-config.ts";
import { explain, invalid, suggest } from "./config-errors.ts";
import { ConceptsConfig, PocketCurateConfig, placedCuration, SeedsCurateConfig } from "./curation-config.ts";
import { defaultsFor } from "./defaults.ts";
import { FitConfig } from "./fit-config.ts";
import { roleIssues } from "./role-issues.ts";
import { PocketSelfPlayConfig } from "./selfplay-config.ts";
import {
  CodeSelfPlayConfig,
  MathSelfPlayConfig,
  MathSftConfig,
  placedProblems,
  SolverConfig,
  solverDefaults,
  solverRecipes,
} from "./solver-config.ts";
import { trainerIssues } from "./trainer-issues.ts";

const count = z.number().int().positive();
const share = z.number().min(0).max(1);

export { FitConfig, fitOf } from "./fit-config.ts";

/** What the byte-level vocabulary holds before any merge: 256 bytes and the special tokens. */
const LEAST_VOCABULARY = 256 + specialTokens.length;

const contextLength = count.describe("tokens; seeds whose rows are longer are put aside");

/** A model of sizes of one's own, trained from scratch. */
const NewModel = z
  .strictObject({
    architecture: z.enum(["llama", "qwen2", "qwen3"]),
    hiddenSize: count.describe("a multiple of 8 × heads"),
    layers: count,
    heads: count,
    keyValueHeads: count.describe("a divisor of heads"),
    intermediateSize: count,
    vocabulary: count
      .min(LEAST_VOCABULARY)
      .describe("tokens of the byte-level BPE that is trained on the training seeds"),
    contextLength,
    initializerRange: z.number().positive().describe("standard deviation of fresh weights"),
  })
  .refine(({ hiddenSize, heads }) => hiddenSize % (8 * heads) === 0, {
    path: ["hiddenSize"],
    error: "must be a multiple of 8 × heads, as the engine's attention needs",
  })
  .refine(({ heads, keyValueHeads }) => heads % keyValueHeads === 0, {
    path: ["keyValueHeads"],
    error: "must divide heads, which share them evenly",
  });

/** A model that is there already. */
const GivenModel = z.strictObject({
  from: z
    .string()
    .min(1)
    .describe("Hugging Face folder that both models start from, in place of a model trained from scratch"),
  contextLength,
});

const ColdStartConfig = z.strictObject({
  q: FitConfig,
  p: FitConfig,
  qFrom: z
    .enum(["base", "p"])
    .describe("what q starts from: the base model (the paper), or the p of this cold start, which has learned to copy"),
  gate: z.strictObject({
    bound: z.number().positive().describe("greatest dev NLL of x given a true z, in nats per token"),
    stop: z.boolean().describe("whether a failed gate stops the run before EM"),
  }),
});

const NoiseConfig = z
  .strictObject({
    share: share.default(0.01).describe("share of the candidates that are scored twice; 0 measures nothing"),
    flips: share.default(0.05).describe("greatest share of pairs whose winner may change"),
    gap: z.number().nonnegative().default(0.02).describe("greatest difference to roles.p.reference, in nats per token"),
  })
  .describe("numeric noise of scoring; left out: measured where a server scores, not where the embedded engine does");

const EmConfig = z.strictObject({
  rounds: z.number().int().nonnegative().describe("greatest number of EM rounds; 0 skips EM"),
  pairs: count.describe("training pairs that take part in EM"),
  devPairs: count.describe("dev pairs measured after each round"),
  testPairs: count.describe("test pairs measured once, at the end"),
  candidates: count.describe("rationales drawn from q for each pair"),
  temperature: z.number().positive().describe("of the candidates; 1 in the paper"),
  maxRationaleTokens: count.describe("a longer rationale is malformed"),
  select: z
    .enum(["best", "posterior", "posterior-sampled", "mean", "length-controlled", "random"])
    .describe("which candidates q is taught; best is the paper's rule"),
  teach: z
    .enum(["greedy", "chosen", "fixed-sampled", "fixed-greedy", "redrawn"])
    .describe(
      "where the rationales that p is taught come from; greedy is the paper's rule, the last three are controls without an E-step",
    ),
  controls: z
    .array(z.enum(["fixed-sampled", "fixed-greedy", "redrawn"]))
    .describe(
      "loops without an E-step, run beside EM from the same cold start with the same steps, for the report's curves",
    ),
  tolerance: z
    .number()
    .nonnegative()
    .describe("relative change of the dev ELBO under which the loop has converged; 0 never stops early"),
  q: FitConfig,
  p: FitConfig,
  measureDraws: count.describe("fresh draws per dev pair and round, for the importance-weighted bound"),
  testDraws: count.describe("the same for test pairs at the end"),
  alarms: AlarmBounds,
  stopOnAlarm: z.boolean().describe("whether an alarm ends the run (exit code 5), or is only shown"),
  noise: NoiseConfig.optional(),
});

const SynthesizeConfig = z.strictObject({
  sets: z.number().int().nonnegative().describe("concept sets asked for; 0 skips synthesis"),
  drawsPerSet: count.describe("problems asked for with each set"),
  temperature: z.number().nonnegative().describe("of the writing; 0.8 in the paper"),
  topP: z.number().gt(0).max(1).describe("1 leaves no token out"),
  maxTokens: count.describe("rationale and problem together; a longer answer is malformed"),
  by: z.enum(["chat", "text"]).optional().describe("how roles.writer is asked; left out: chat"),
});

const shared = {
  $schema: z.string().optional(),
  scale: z.enum(["tiny", "small", "paper"]).describe("the dial that sets every default"),
  seed: z.number().int().nonnegative().describe("of all chance: the same seed gives the same bytes"),
  engine: z.strictObject({
    threads: count.describe("threads of the embedded engine; another number gives other last digits"),
  }),
  split: z
    .strictObject({ dev: share, test: share })
    .describe("shares of the problems that are held out: dev for stopping and alarms, test to be read once at the end"),
  model: z.union([NewModel, GivenModel]),
  backends: Backends.optional(),
  roles: Roles.optional(),
  coldStart: ColdStartConfig,
  em: EmConfig,
  concepts: ConceptsConfig,
  synthesize: SynthesizeConfig,
  shardSize: count.describe("items per commit: what at most is done again after an interruption"),
};

export const PocketConfig = z.strictObject({
  recipe: z.literal("pocket").describe("pocket: problems of the miniature domain, which an oracle reads exactly"),
  seeds: z.strictObject({
    count: count.describe("problems to generate"),
    annotators: z
      .array(z.enum(["precise", "terse", "wordy", "wrong", "vague"]))
      .min(1)
      .describe("who annotates every seed; vague leaves out what a problem needs, and shows collapse"),
  }),
  ...shared,
  curate: PocketCurateConfig,
  selfPlay: PocketSelfPlayConfig,
});
export type PocketConfig = z.infer<typeof PocketConfig>;

export const SeedsConfig = z.strictObject({
  recipe: z.literal("seeds").describe("seeds: problems of your own"),
  seeds: z.strictObject({
    file: z.string().describe("JSONL or Parquet with id and problem; concepts and rationale where they are known"),
    strict: z.boolean().describe("whether a malformed row stops the run, or is put aside with its reason"),
    annotate: AnnotateConfig.optional(),
  }),
  ...shared,
  curate: SeedsCurateConfig,
});
export type SeedsConfig = z.infer<typeof SeedsConfig>;

export const Config = z.discriminatedUnion("recipe", [PocketConfig, SeedsConfig]);
export type Config = z.infer<typeof Config>;

/** Anything that came out of a JSON file: an object of unknown members. */
type Tree = { [key: string]: unknown };

/**
 * The whole config from what the user wrote: the scale's defaults, under the file, under the `--set` assignments.
 * @param source the file's name, for messages
 * @throws PromptCotError `config` naming the key and, for a misspelt one, the likely meaning
 */
export function resolveAny(written: unknown, assignments: readonly string[], source: string): Config | SolverConfig {
  if (!isTree(written)) throw invalid(source, "the config must be a JSON object");
  const user = structuredClone(written);
  for (const assignment of assignments) assign(user, assignment);
  const recipe = z.enum(recipes).safeParse(user.recipe ?? "pocket");
  if (!recipe.success) throw invalid(source, `recipe: ${suggest(String(user.recipe), recipes)}`);
  const scale = shared.scale.safeParse(user.scale ?? "small");
  if (!scale.success) throw invalid(source, `scale: ${suggest(String(user.scale), ["tiny", "small", "paper"])}`);
  const schema = schemas[recipe.data];
  const given = isTree(user.model) && "from" in user.model;
  const defaults =
    recipe.data === "pocket" || recipe.data === "seeds"
      ? defaultsFor(recipe.data, scale.data, given)
      : solverDefaults(recipe.data, scale.data);
  const merged = merge(defaults, user);
  const parsed = schema.safeParse(merged, { reportInput: true });
  if (!parsed.success) {
    throw invalid(source, parsed.error.issues.map((issue) => explain(issue, schema, merged)).join("; "));
  }
  const issues = [...roleIssues(parsed.data), ...trainerIssues(parsed.data)];
  if (issues.length > 0) throw invalid(source, issues.map(({ path, message }) => `${path}: ${message}`).join("; "));
  return parsed.data;
}

export const recipes = ["pocket", "seeds", ...solverRecipes] as const;

/** What each recipe's config must be. */
export const schemas = {
  pocket: PocketConfig,
  seeds: SeedsConfig,
  "math-selfplay": MathSelfPlayConfig,
  "code-selfplay": CodeSelfPlayConfig,
  "math-sft": MathSftConfig,
} as const satisfies Record<(typeof recipes)[number], z.ZodObject>;

/** As `resolveAny`, for what only the recipes from seeds to problems can do. */
export function resolveConfig(written: unknown, assignments: readonly string[], source: string): Config {
  const config = resolveAny(written, assignments, source);
  if (config.recipe === "pocket" || config.recipe === "seeds") return config;
  throw invalid(source, `recipe: this command needs pocket or seeds, and the config says ${config.recipe}`);
}

/** How numeric noise is measured: where nothing is said, wherever it is not the embedded engine that scores. */
export function noiseOf(config: Pick<Config, "backends" | "roles" | "em">): z.infer<typeof NoiseConfig> | undefined {
  const scorer = backendOf(config.backends ?? {}, fullRoles(config).p.score);
  return config.em.noise ?? (scorer?.kind === "embedded" ? undefined : NoiseConfig.parse({}));
}

/** The config with every file and model folder that it names put through `place`. */
export function withPaths<Own extends Config | SolverConfig>(config: Own, place: (path: string) => string): Own;
export function withPaths(config: Config | SolverConfig, place: (path: string) => string): Config | SolverConfig {
  const { model, backends } = config;
  const moved = {
    model: "from" in model ? { ...model, from: place(model.from) } : model,
    ...(backends === undefined
      ? {}
      : {
          backends: Object.fromEntries(
            Object.entries(backends).map(([name, backend]) => [name, placedBackend(backend, place)]),
          ),
        }),
  };
  if (config.recipe === "pocket") return { ...config, ...moved, ...placedCuration(config, place) };
  if (config.recipe !== "seeds") {
    const own = { ...placedProblems(config, place), ...moved };
    return { ...own, model: { ...config.model, from: place(config.model.from) } };
  }
  const seeds = { ...config.seeds, file: place(config.seeds.file) };
  return { ...config, ...moved, ...placedCuration(config, place), seeds };
}

/** JSON Schema of what a user may write: every key optional, since the scale sets it. */
export function configJsonSchema(): Tree {
  const all = z.discriminatedUnion("recipe", [...Config.options, ...SolverConfig.options]);
  const schema = z.toJSONSchema(all, { io: "input" }) as Tree;
  return { ...relaxedTree(schema), title: "promptcot config" };
}

function relaxed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(relaxed);
  return isTree(node) ? relaxedTree(node) : node;
}

function relaxedTree({ required: _, ...rest }: Tree): Tree {
  return Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, relaxed(value)]));
}

/** `em.rounds=3`: the value is JSON, or a plain string where it is not. */
function assign(tree: Tree, assignment: string): void {
  const at = assignment.indexOf("=");
  if (at <= 0) throw invalid("--set", `"${assignment}" is not of the form key.key=value`);
  const path = assignment.slice(0, at).split(".");
  let node = tree;
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(node, key) ? node[key] : undefined;
    node = isTree(next) ? next : own(node, key, {});
  }
  own(node, path.at(-1) as string, jsonOr(assignment.slice(at + 1)));
}

/** Sets a member of the object itself, whatever its name: `__proto__` too is a key like any other here. */
function own<T>(node: Tree, key: string, value: T): T {
  Object.defineProperty(node, key, { value, enumerable: true, configurable: true, writable: true });
  return value;
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function merge(under: unknown, over: unknown): unknown {
  if (!isTree(under) || !isTree(over)) return over === undefined ? under : over;
  const merged: Tree = { ...under };
  for (const [key, value] of Object.entries(over)) {
    own(merged, key, merge(Object.hasOwn(under, key) ? under[key] : undefined, value));
  }
  return merged;
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
