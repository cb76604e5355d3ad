/**
 * How fast trainers in other programs were in the runs that lie beside the planned one: from the taught tokens and the time that those
 * runs booked for a trainer of the same settings, teaching a model of the same description in the same way. Starts no trainer.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { PromptCotError } from "../core/errors.ts";
import { contentId } from "../core/hash.ts";
import { errnoOf, storageError } from "../journal/files.ts";
import { readManifest } from "../journal/run.ts";
import { readUsage } from "../journal/usage.ts";
import { type BackendConfig, capabilities } from "./backend-config.ts";
import { Config } from "./config.ts";
import { SolverConfig } from "./solver-config.ts";

/** What earlier runs say of one trainer. */
export interface Taught {
  seconds: number;
  tokens: number;
  jobs: number;
  /** Folders of the runs. */
  runs: string[];
}

type AnyConfig = Config | SolverConfig;

/** By the trainer's name in `config`; those that were never at work are left out. */
export async function taughtBefore(runs: string, config: AnyConfig): Promise<Map<string, Taught>> {
  const wanted = trainersOf(config);
  const taught = new Map<string, Taught>();
  if (wanted.size === 0) return taught;
  for (const folder of await foldersIn(runs)) {
    const earlier = await configOf(folder);
    if (earlier === undefined || pupilOf(earlier) !== pupilOf(config)) continue;
    const usage = await readUsage(folder).catch(unlessOurs([]));
    for (const [name, settings] of trainersOf(earlier)) {
      const found = { seconds: 0, tokens: 0, jobs: 0 };
      for (const line of usage) {
        if (line.kind === "time" || line.backend !== name) continue;
        if (line.kind === "use") found.seconds += line.seconds;
        else {
          found.tokens += line.completion;
          found.jobs += line.requests;
        }
      }
      if (found.tokens === 0 || found.seconds === 0) continue;
      for (const [own, ownSettings] of wanted) if (ownSettings === settings) add(taught, own, found, folder);
    }
  }
  return taught;
}

function add(taught: Map<string, Taught>, name: string, found: Omit<Taught, "runs">, folder: string): void {
  const { seconds, tokens, jobs, runs } = taught.get(name) ?? { seconds: 0, tokens: 0, jobs: 0, runs: [] };
  taught.set(name, {
    ...{ seconds: seconds + found.seconds, tokens: tokens + found.tokens, jobs: jobs + found.jobs },
    runs: [...runs, folder],
  });
}

/** Trainers in other programs, with what their speed depends on. */
function trainersOf({ backends = {} }: AnyConfig): Map<string, string> {
  const trainers = Object.entries(backends).filter(([, backend]) => isOutside(backend));
  return new Map(trainers.map(([name, { price: _, ...settings }]) => [name, contentId(json(settings))]));
}

function isOutside(backend: BackendConfig): boolean {
  const { sample, score, train } = capabilities(backend);
  return train && !sample && !score;
}

/** The model that is taught, and by which objective. */
function pupilOf(config: AnyConfig): string {
  const solving = config.recipe === "math-selfplay" || config.recipe === "code-selfplay";
  return contentId(json({ model: config.model, objective: solving ? config.selfPlay.training.kind : "sft" }));
}

function json(value: unknown) {
  return z.json().parse(JSON.parse(JSON.stringify(value)));
}

async function foldersIn(runs: string): Promise<string[]> {
  const entries = await readdir(runs, { withFileTypes: true }).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return []; // no run yet
    throw storageError(error, runs, "list");
  });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(runs, name))
    .sort();
}

/** Undefined for a folder that is no run of this version. */
async function configOf(folder: string): Promise<AnyConfig | undefined> {
  const manifest = await readManifest(folder).catch(unlessOurs(undefined));
  const parsed = z.union([Config, SolverConfig]).safeParse(manifest?.config);
  return parsed.success ? parsed.data : undefined;
}

/** A folder that cannot be read tells nothing; a bug is one all the same. */
function unlessOurs<Value>(value: Value): (error: unknown) => Value {
  return (error) => {
    if (error instanceof PromptCotError) return value;
    throw error;
  };
}
