/**
 * What the recipes of post-training can be told: `math-selfplay`, `code-selfplay` and `math-sft`, over a model and problems that are
 * there already. Sources of defaults: §n is a section of the paper as PAPER.md restates it; the rest is ours, and
 * docs/decisions/2026-11-28-open-points-of-self-play.md says so.
 */
import { z } from "zod";
import { familyNames } from "../benchmarks/families.ts";
import { Backends, Roles } from "./backend-config.ts";
import { FitConfig, fit } from "./fit-config.ts";
import { AttemptsConfig, paperSelfPlay, SelfPlayConfig, VoteConfig } from "./selfplay-config.ts";

const count = z.number().int().positive();
const share = z.number().min(0).max(1);

const shared = {
  $schema: z.string().optional(),
  scale: z.enum(["tiny", "small", "paper"]).describe("the dial that sets every default"),
  seed: z.number().int().nonnegative(),
  engine: z.strictObject({ threads: count.describe("threads of the embedded engine") }),
  model: z.strictObject({
    from: z.string().min(1).describe("Hugging Face folder of the model that is trained"),
    contextLength: count.describe("tokens that prompt and response may take together"),
  }),
  family: z.enum(familyNames).describe("how problems are worded for the model that is trained"),
  backends: Backends.optional(),
  roles: Roles.optional(),
  problems: z.strictObject({
    file: z.string().min(1).describe("JSONL or Parquet with id and problem; answer, or tests and fnName, if known"),
    strict: z.boolean().describe("whether a malformed row stops the run, or is put aside with its reason"),
  }),
  together: count.describe("requests that a backend is given at once"),
  shardSize: count.describe("items per commit: what at most is done again after an interruption"),
};

const HeldOutConfig = z.strictObject({
  file: z.string().min(1).describe("JSONL or Parquet with id, problem and answer (or tests)"),
  attempts: AttemptsConfig,
});

const Profile = z.enum(["mathverify", "strict", "lenient"]).describe("which policy decides where sources disagree");

const selfPlaying = {
  selfPlay: SelfPlayConfig,
  heldOut: HeldOutConfig.nullable().describe(
    "problems for the score after each round, {file, attempts}; null: every round is played",
  ),
};

export const MathSelfPlayConfig = z.strictObject({
  recipe: z.literal("math-selfplay"),
  ...shared,
  ...selfPlaying,
  profile: Profile,
  labels: z
    .strictObject({ family: z.enum(familyNames), attempts: AttemptsConfig, vote: VoteConfig })
    .describe("how roles.labeller votes for the answers of problems that bring none"),
});
export type MathSelfPlayConfig = z.infer<typeof MathSelfPlayConfig>;

export const CodeSelfPlayConfig = z.strictObject({
  recipe: z.literal("code-selfplay"),
  ...shared,
  ...selfPlaying,
  labels: z
    .strictObject({
      family: z.enum(familyNames),
      tests: count.describe("requests for a test, each with a seed of its own"),
      solutions: count.describe("programs of the labeller that the tests are validated with"),
      agreement: share.describe("least share of these programs that must give one output"),
      minTests: count.describe("least validated tests; a problem with fewer goes to quarantine"),
      temperature: z.number().nonnegative(),
      topP: z.number().gt(0).max(1),
      maxTokens: count,
    })
    .describe("how roles.labeller makes tests for problems that bring none"),
});
export type CodeSelfPlayConfig = z.infer<typeof CodeSelfPlayConfig>;

export const MathSftConfig = z.strictObject({
  recipe: z.literal("math-sft"),
  ...shared,
  profile: Profile,
  teacher: z
    .strictObject({ family: z.enum(familyNames), attempts: AttemptsConfig })
    .describe("how roles.teacher is asked for traces"),
  traces: z.strictObject({
    thought: z.enum(["required", "none"]),
    agree: z
      .boolean()
      .describe("whether a trace must agree with the problem's answer; one without an answer is then lost"),
    leastTokens: count.describe("of prompt and trace, in the student's tokens"),
    mostTokens: count,
  }),
  fit: FitConfig,
});
export type MathSftConfig = z.infer<typeof MathSftConfig>;

export const SolverConfig = z.discriminatedUnion("recipe", [MathSelfPlayConfig, CodeSelfPlayConfig, MathSftConfig]);
export type SolverConfig = z.infer<typeof SolverConfig>;
export const solverRecipes = ["math-selfplay", "code-selfplay", "math-sft"] as const;
export type SolverRecipe = (typeof solverRecipes)[number];

/** `tiny` for tests; `small` for a first look at one's own problems; `paper` with the paper's numbers. */
export function solverDefaults(recipe: SolverRecipe, scale: "tiny" | "small" | "paper"): object {
  const maxTokens = { tiny: 64, small: 2048, paper: 32_768 }[scale];
  const common = {
    ...{ recipe, scale, seed: 1, engine: { threads: 2 }, family: "chat", model: { contextLength: 2 * maxTokens } },
    ...{ problems: { strict: false }, roles: { solver: {} }, together: 1024, shardSize: 1024 },
  };
  switch (recipe) {
    case "math-selfplay":
      return {
        ...{ ...common, ...played(maxTokens), profile: "strict" },
        labels: {
          family: "chat",
          attempts: { count: 8, temperature: 1, topP: 1, maxTokens }, // §5: 8 generations
          vote: { leastVotes: 4, leastMargin: 0.25 },
        },
      };
    case "code-selfplay":
      return {
        ...{ ...common, ...played(maxTokens) },
        // §5: four requests with different seeds, 3–4 tests.
        labels: {
          ...{ family: "chat", tests: 4, solutions: 5, agreement: 0.6, minTests: 3 },
          ...{ temperature: 1, topP: 1, maxTokens },
        },
      };
    case "math-sft":
      return {
        ...{ ...common, profile: "strict", family: "qwen2.5" }, // §5: Qwen2.5-7B-Instruct is the student
        teacher: {
          family: "chat",
          attempts: { count: 1, temperature: 1, topP: 1, maxTokens: Math.min(maxTokens, 16_384) },
        }, // §5
        traces: { thought: "required", agree: false, leastTokens: 1, mostTokens: Math.min(2 * maxTokens, 16_384) },
        fit: scale === "paper" ? { ...fit(1024, 1, 8e-5, 0), weightDecay: 0 } : fit(16, 1, 8e-5, 0), // §5: batch 1,024, 8e-5
      };
    default:
      return recipe satisfies never;
  }
}

function played(maxTokens: number): { selfPlay: SelfPlayConfig; heldOut: null } {
  return { selfPlay: { ...paperSelfPlay, attempts: { ...paperSelfPlay.attempts, maxTokens } }, heldOut: null };
}

/** The config with every file that it names put through `place`, models and backends apart. */
export function placedProblems<Own extends SolverConfig>(config: Own, place: (path: string) => string): Own {
  const problems = { ...config.problems, file: place(config.problems.file) };
  if (config.recipe === "math-sft" || config.heldOut === null) return { ...config, problems };
  return { ...config, problems, heldOut: { ...config.heldOut, file: place(config.heldOut.file) } };
}

/** The files that the config names, with the keys that name them. */
export function problemFiles(config: SolverConfig): { key: string; path: string }[] {
  const problems = { key: "problems.file", path: config.problems.file };
  if (config.recipe === "math-sft" || config.heldOut === null) return [problems];
  return [problems, { key: "heldOut.file", path: config.heldOut.file }];
}
