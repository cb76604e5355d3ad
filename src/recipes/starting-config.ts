/** What `promptcot init` starts a recipe from: the keys that are usually changed, or all of them, at their defaults. Writes no file. */
import type { z } from "zod";
import { type Config, type recipes, resolveAny, schemas } from "./config.ts";
import type { SolverConfig } from "./solver-config.ts";

export interface Start {
  recipe: (typeof recipes)[number];
  scale: "tiny" | "small" | "paper";
  /** Every key, not only the ones that are usually changed. */
  full: boolean;
  /** Files and folders as the config is to name them. */
  places: { seeds: string; model: string; problems: string };
}

/** The config, and the schema that says what its keys mean. */
export function startingConfig({ recipe, scale, full, places }: Start): { config: object; schema: z.ZodType } {
  const config = resolveAny({ recipe, scale, ...required(recipe, places) }, [], "init");
  return { config: full ? config : usual(config), schema: schemas[recipe] };
}

/** What has no default: files, and for distillation a teacher. */
function required(recipe: Start["recipe"], { seeds, model, problems }: Start["places"]): object {
  switch (recipe) {
    case "pocket":
      return {};
    case "seeds":
      return { seeds: { file: seeds } };
    case "math-selfplay":
    case "code-selfplay":
      return { model: { from: model }, problems: { file: problems } };
    case "math-sft":
      return {
        ...{ model: { from: model }, problems: { file: problems } },
        backends: { teacher: aServer },
        roles: { teacher: "teacher" },
      };
    default:
      return recipe satisfies never;
  }
}

/** To be corrected: no teacher can be guessed. */
const aServer = {
  ...{ kind: "openai", dialect: "generic", url: "http://127.0.0.1:8000/v1", model: "teacher-model" },
  weights: { kind: "pinned", provider: "local", version: "teacher-model-1" },
} as const;

function usual(config: Config | SolverConfig): object {
  const { recipe, scale, seed } = config;
  switch (config.recipe) {
    case "pocket":
    case "seeds": {
      const { rounds, pairs, candidates, select, stopOnAlarm } = config.em;
      return {
        ...{ recipe, scale, seed, engine: config.engine, seeds: config.seeds },
        em: { rounds, pairs, candidates, select, stopOnAlarm },
        synthesize: { sets: config.synthesize.sets, temperature: config.synthesize.temperature },
      };
    }
    case "math-selfplay":
      return { ...material(config), labels: config.labels, ...playing(config) };
    case "code-selfplay":
      return { ...material(config), labels: config.labels, ...playing(config) };
    case "math-sft": {
      const { roles, teacher, traces, fit } = config;
      const backends = { teacher: aServer };
      return { ...material(config), backends, roles, teacher, traces, fit: usualFit(fit) };
    }
    default:
      return config satisfies never;
  }
}

function material({ recipe, scale, seed, model, family, problems }: SolverConfig): object {
  return { ...{ recipe, scale, seed, model, family }, problems: { file: problems.file } };
}

function playing({ selfPlay, heldOut }: Extract<SolverConfig, { selfPlay: unknown }>): object {
  const { rounds, attempts, band, training } = selfPlay;
  const { kind, beta, nllWeight, fit } = training;
  return { selfPlay: { rounds, attempts, band, training: { kind, beta, nllWeight, fit: usualFit(fit) } }, heldOut };
}

function usualFit({ epochs, batchSize, learningRate }: { epochs: number; batchSize: number; learningRate: number }) {
  return { epochs, batchSize, learningRate };
}
