/** `promptcot run CONFIG`: starts the run that a config file describes, or goes on with it. */
import { readFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { Command } from "commander";
import { messageOf, PromptCotError } from "../core/errors.ts";
import { storageError } from "../journal/files.ts";
import { parseBudget } from "../recipes/budget.ts";
import { type Config, resolveAny, resolveConfig, withPaths } from "../recipes/config.ts";
import { parseConfigText } from "../recipes/config-text.ts";
import type { SolverConfig } from "../recipes/solver-config.ts";
import { collect, start } from "./start.ts";

export function runCommand(): Command {
  return new Command("run")
    .description("start the run that a config file describes, or go on with it")
    .argument("<config>", "JSON file, comments allowed; `promptcot init` writes one")
    .option("--out <folder>", "run folder (default: runs/ and the name of the config, or of its folder)")
    .option("--strict", "stop on the first malformed row of the seed file")
    .option("--set <key=value>", "override one key of the config; may be repeated", collect)
    .option(
      "--budget <unit=amount>",
      "stop at a limit: usd=5, tokens=2M, gpu-hours=3 or seconds=600; a higher one goes on; may be repeated",
      collect,
    )
    .action(async (file: string, options: { out?: string; strict?: boolean; set?: string[]; budget?: string[] }) => {
      const { set = [] } = options;
      const assignments = options.strict ? [...set, "seeds.strict=true"] : set;
      const budget = parseBudget(options.budget ?? []);
      const config = await readAnyConfig(file, assignments);
      await start(config, options.out ?? runFolder(file), "the same command", budget);
    });
}

/** Where the run of a config lies if nothing else is said: by its name, or its folder's where `init` has named it. */
export function runFolder(config: string): string {
  const name = basename(config).replace(/\.jsonc?$/, "");
  return join("runs", name === "promptcot" ? basename(dirname(resolve(config))) : name);
}

/** As `readConfig`, for any recipe. */
export async function readAnyConfig(file: string, assignments: readonly string[]): Promise<Config | SolverConfig> {
  return placed(resolveAny(await readJson(file), assignments, file), file);
}

/** Reads and resolves a config; files and model folders in it are relative to the config's folder. */
export async function readConfig(file: string, assignments: readonly string[]): Promise<Config> {
  return placed(resolveConfig(await readJson(file), assignments, file), file);
}

function placed<Own extends Config | SolverConfig>(config: Own, file: string): Own {
  return withPaths(config, (path) => (isAbsolute(path) ? path : join(dirname(file), path)));
}

async function readJson(file: string): Promise<unknown> {
  try {
    return parseConfigText(await readFile(file, "utf8"));
  } catch (cause) {
    const refused = storageError(cause, file, "read the config");
    throw new PromptCotError({
      boundary: "config",
      code: "unreadable-config",
      message: refused === cause ? `cannot read the config ${file}: ${messageOf(cause)}` : messageOf(refused),
      next: "write one with `promptcot init`",
      cause,
    });
  }
}
