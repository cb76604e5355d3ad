/** Which of a config's trainings its trainers cannot carry out, said from the words alone, before anything is spent. */
import { splitBatch } from "../lm/external/batches.ts";
import { trlIssues } from "../lm/trl/options.ts";
import { type BackendConfig, type Backends, backendOf, EMBEDDED, fullRoles, type Roles } from "./backend-config.ts";
import type { FitConfig } from "./fit-config.ts";

/** The parts of a config that speak of training; each recipe has some of them. */
export interface Trainings {
  backends?: Backends | undefined;
  roles?: Roles | undefined;
  coldStart?: { q: FitConfig; p: FitConfig };
  em?: { select: string; q: FitConfig; p: FitConfig };
  selfPlay?: {
    training: { kind: "dpo" | "sft" | "grpo"; nllWeight: number; fit: FitConfig };
    attempts: { count: number };
  };
  fit?: FitConfig;
}

interface Training {
  /** The key of its fit. */
  path: string;
  trainer: string;
  method: "sft" | "dpo" | "grpo";
  fit: FitConfig;
  /** Answers of each row that a batch holds. */
  answers: number;
  /** Whether its rows have weights of their own. */
  weighted: boolean;
  nllWeight: number;
}

/** Each with the config's key; empty where all is well. Backends that do not train at all are named by `roleIssues`. */
export function trainerIssues(config: Trainings): { path: string; message: string }[] {
  return trainingsOf(config).flatMap((training) => {
    const backend = backendOf(config.backends ?? {}, training.trainer);
    return backend === undefined
      ? []
      : issuesOf(training, backend).map((message) => ({
          path: training.path,
          message: `"${training.trainer}": ${message}`,
        }));
  });
}

function trainingsOf(config: Trainings): Training[] {
  const roles = fullRoles(config);
  const solver = roles.solver?.train ?? EMBEDDED;
  const plain = { method: "sft", answers: 1, weighted: false, nllWeight: 0 } as const;
  const { coldStart, em, selfPlay, fit } = config;
  return [
    ...(["q", "p"] as const).flatMap((which): Training[] => [
      ...(coldStart
        ? [{ ...plain, path: `coldStart.${which}`, trainer: roles[which].train, fit: coldStart[which] }]
        : []),
      ...(em
        ? [
            {
              ...{ ...plain, path: `em.${which}`, trainer: roles[which].train, fit: em[which] },
              weighted: which === "q" && em.select === "posterior",
            },
          ]
        : []),
    ]),
    ...(selfPlay
      ? [
          {
            ...{ path: "selfPlay.training.fit", trainer: solver, fit: selfPlay.training.fit, weighted: false },
            method: selfPlay.training.kind,
            answers: selfPlay.training.kind === "grpo" ? selfPlay.attempts.count : 1,
            nllWeight: selfPlay.training.kind === "dpo" ? selfPlay.training.nllWeight : 0,
          },
        ]
      : []),
    ...(fit ? [{ ...plain, path: "fit", trainer: solver, fit }] : []),
  ];
}

function issuesOf({ method, fit, answers, weighted, nllWeight }: Training, backend: BackendConfig): string[] {
  if (backend.kind === "gguf" || backend.kind === "openai") return [];
  const methods = methodsOf(backend);
  if (!methods.includes(method)) {
    return [
      `a trainer of kind ${backend.kind} does no ${method} here${methods.length > 0 ? `, only ${methods.join(" and ")}` : ""}`,
    ];
  }
  if (backend.kind === "embedded") return [];
  const batchSize = fit.batchSize * answers;
  return [
    ...(weighted ? ["it has no row weights, which em.select=posterior needs: choose another rule"] : []),
    ...(backend.kind === "trl"
      ? trlIssues(nllWeight > 0 ? { perDeviceBatch: 1, ...backend } : backend, {
          optimization: { batchSize },
          optimizer: fit.optimizer,
        })
      : commandIssues(backend, batchSize, fit.optimizer)),
    ...(backend.kind === "trl" && nllWeight > 0 && (backend.perDeviceBatch ?? 1) > 1
      ? ["with an NLL term (nllWeight) it needs perDeviceBatch 1"]
      : []),
  ];
}

function methodsOf(backend: Exclude<BackendConfig, { kind: "gguf" | "openai" }>): ("sft" | "dpo" | "grpo")[] {
  switch (backend.kind) {
    case "embedded":
      return ["sft", "dpo"];
    case "trl":
      return ["sft", "dpo", "grpo"];
    case "command":
      return (["sft", "dpo"] as const).filter((method) => backend[method] !== undefined);
    case "llama-factory":
    case "axolotl":
      return ["sft"];
    default:
      return backend satisfies never;
  }
}

function commandIssues(
  backend: { processes: number; perDeviceBatch?: number | undefined },
  batchSize: number,
  optimizer: "fresh" | "carry",
): string[] {
  const split = splitBatch(batchSize, backend);
  return [
    ...(typeof split === "string" ? [split] : []),
    ...(optimizer === "carry" ? ["it starts AdamW's moments at zero: set optimizer to fresh"] : []),
  ];
}
