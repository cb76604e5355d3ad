/** `promptcot demo`: the whole method in the pocket domain, on this machine, in minutes. */
import { Command } from "commander";
import { resolveConfig } from "../recipes/config.ts";
import { collect, start } from "./start.ts";

export function demoCommand(): Command {
  return new Command("demo")
    .description("run the whole method in the pocket domain: no server, no key, no GPU")
    .option("--out <folder>", "run folder; an unfinished run in it goes on", "runs/demo")
    .option("--scale <scale>", "tiny (seconds), small (minutes), paper (hours)", "small")
    .option("--seed <n>", "seed of all chance", "1")
    .option("--set <key=value>", "override one key of the config; may be repeated", collect)
    .action(async (options: { out: string; scale: string; seed: string; set?: string[] }) => {
      const assignments = [`scale=${options.scale}`, `seed=${options.seed}`, ...(options.set ?? [])];
      const config = resolveConfig({ recipe: "pocket" }, assignments, "demo");
      await start(config, options.out, "the same command");
    });
}
