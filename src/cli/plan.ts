/** `promptcot plan CONFIG`: what a run will ask, cost and take, before it does; `--check RUN` afterwards. */
import { dirname, resolve } from "node:path";
import { Command } from "commander";
import { z } from "zod";
import { PromptCotError } from "../core/errors.ts";
import { readManifest } from "../journal/run.ts";
import { readUsage } from "../journal/usage.ts";
import { Config } from "../recipes/config.ts";
import { makePlan, planId, readPlan, writePlan } from "../recipes/plan.ts";
import { checkPlan } from "../recipes/plan-check.ts";
import { pricesOf } from "../recipes/session.ts";
import { SolverConfig } from "../recipes/solver-config.ts";
import { onInterrupt } from "./interrupt.ts";
import { checkText, planText } from "./plan-table.ts";
import { display } from "./progress.ts";
import { readAnyConfig, runFolder } from "./run.ts";
import { collect, inputsOf } from "./start.ts";

interface Options {
  out?: string;
  set?: string[];
  probe: string;
  stages?: boolean;
  check?: string;
  json?: boolean;
}

export function planCommand(): Command {
  return new Command("plan")
    .description("say what a run will ask, cost and take, each number with its bounds; or how a plan came out")
    .argument("[config]", "JSON file, as for `promptcot run`")
    .option("--out <folder>", "the run that is planned; the plan is kept there (default: as for `promptcot run`)")
    .option("--set <key=value>", "override one key of the config; may be repeated", collect)
    .option(
      "--probe <n>",
      "seeds or problems that models try, to see what all will take; 0 asks and times nothing",
      "8",
    )
    .option("--stages", "a line for each stage, not only for each act")
    .option("--check <run>", "set the plan of a run beside what the run used")
    .option("--json", "print one JSON object")
    .action(async (file: string | undefined, options: Options) => {
      if (options.check !== undefined) await check(options.check, options);
      else if (file !== undefined) await plan(file, options);
      else throw badArgument("name a config, or a run with --check", "promptcot plan my-run/promptcot.json");
    });
}

async function plan(file: string, options: Options): Promise<void> {
  const probe = Number(options.probe);
  if (!Number.isInteger(probe) || probe < 0)
    throw badArgument(`--probe wants a number, not "${options.probe}"`, "--probe 8");
  const config = await readAnyConfig(file, options.set ?? []);
  const screen = display(process.stderr);
  const interrupt = onInterrupt(screen.note, "the same command finds in the ledger what has been asked");
  const folder = options.out ?? runFolder(file);
  const runs = dirname(resolve(folder));
  try {
    const inputs = await inputsOf(config);
    const { signal } = interrupt;
    const made = await makePlan(config, { probe, inputs, runs, signal, onEvent: screen.onEvent });
    await writePlan(folder, made);
    screen.end();
    process.stdout.write(
      `${options.json ? JSON.stringify(made, null, 2) : planText(made, folder, options.stages ?? false)}\n`,
    );
  } finally {
    screen.end();
    interrupt.release();
  }
}

async function check(run: string, { json = false }: Options): Promise<void> {
  const made = await readPlan(run);
  const manifest = await readManifest(run);
  if (manifest === undefined)
    throw badArgument(`${run} was planned and has not been run`, "start it with `promptcot run`");
  const config = z.union([Config, SolverConfig]).parse(manifest.config);
  if (planId(config) !== made.config) {
    throw badArgument(`the plan in ${run} is for another config than its run`, "make a plan with the run's own config");
  }
  const checked = checkPlan(made, await readUsage(run), pricesOf(config));
  process.stdout.write(`${json ? JSON.stringify(checked, null, 2) : checkText(checked)}\n`);
}

function badArgument(message: string, next: string): PromptCotError {
  return new PromptCotError({ boundary: "config", code: "bad-argument", message, next });
}
