/** The config of a run that is there, read back from its manifest. Writes nothing. */
import { z } from "zod";
import { PromptCotError } from "../core/errors.ts";
import { type Manifest, readManifest } from "../journal/run.ts";
import { Config } from "./config.ts";
import { SolverConfig } from "./solver-config.ts";

const AnyConfig = z.discriminatedUnion("recipe", [...Config.options, ...SolverConfig.options]);
export type AnyConfig = Config | SolverConfig;

/** Whether the recipe writes problems; the others post-train a model on problems that are there. */
export function writesProblems(config: AnyConfig): config is Config {
  return config.recipe === "pocket" || config.recipe === "seeds";
}

/** @throws PromptCotError `data`: `no-run`, or `other-version` where another version of promptcot wrote a config that this one does not know */
export async function readAnyRun(folder: string): Promise<{ manifest: Manifest; config: AnyConfig }> {
  const manifest = await readManifest(folder);
  if (manifest === undefined) {
    throw new PromptCotError({
      boundary: "data",
      code: "no-run",
      message: `there is no run in ${folder}`,
      next: "name the folder that `promptcot run` or `promptcot demo` wrote",
    });
  }
  const config = AnyConfig.safeParse(manifest.config);
  if (config.success) return { manifest, config: config.data };
  const issue = config.error.issues[0];
  throw new PromptCotError({
    boundary: "data",
    code: "other-version",
    message: `${folder} was made by promptcot ${manifest.versions.promptcot ?? "of an unknown version"}, whose config this one does not read: ${issue?.path.join(".")}: ${issue?.message}`,
    next: "read it with the promptcot that made it, or make the run again",
  });
}

/** A run that writes problems. @throws as `readAnyRun`; PromptCotError `data`/`other-recipe` where it is one of post-training */
export async function readRun(folder: string): Promise<{ manifest: Manifest; config: Config }> {
  const { manifest, config } = await readAnyRun(folder);
  if (writesProblems(config)) return { manifest, config };
  throw new PromptCotError({
    boundary: "data",
    code: "other-recipe",
    message: `${folder} is a run of the recipe ${config.recipe}, which writes no problems`,
    next: "name a run of the recipes pocket or seeds",
  });
}
