/**
 * Trains by any program that a config describes: LLaMA-Factory, axolotl, verl, OpenRLHF, or a script of one's own. Writes rows and
 * files from a template, runs commands, and takes the weights from where they appear. Samples and scores nothing.
 */
import type { DpoJob, SftJob, Trainer } from "../contract.ts";
import { CommandOptions, PLACEHOLDER, type Placeholder, type Recipe, type ResolvedCommandOptions } from "./options.ts";
import { type Plan, type Setting, trainByPlan } from "./plan.ts";

export { CommandOptions } from "./options.ts";

/** The trainer that the options describe; it has `dpo` only where they say how. */
export function command(options: CommandOptions): Trainer {
  const resolved = CommandOptions.parse(options);
  const { sft, dpo } = resolved;
  return {
    name: "command",
    async sft(job, call) {
      if (sft === undefined) throw new Error("this trainer was given no recipe for sft");
      return trainByPlan(job, trainerOf(resolved, sft), (setting) => planOf(job, sft, setting, resolved), call);
    },
    ...(dpo === undefined
      ? {}
      : {
          dpo: (job: DpoJob, call) =>
            trainByPlan(job, trainerOf(resolved, dpo), (setting) => planOf(job, dpo, setting, resolved), call),
        }),
  };
}

function trainerOf(options: ResolvedCommandOptions, recipe: Recipe) {
  const { processes, perDeviceBatch, maxLength, env } = options;
  return { name: "command", processes, perDeviceBatch, maxLength, env, settings: { command: recipe, processes } };
}

function planOf(job: SftJob | DpoJob, recipe: Recipe, setting: Setting, options: ResolvedCommandOptions): Plan {
  const values = valuesOf(job, setting, options);
  const fill = (text: string) =>
    text.replaceAll(PLACEHOLDER, (whole, kept: string | undefined, name: string | undefined) => {
      if (kept !== undefined) return `{${kept}}`;
      return values[name ?? ""] ?? whole;
    });
  return {
    rows: recipe.rows,
    files: Object.fromEntries(Object.entries(recipe.files).map(([name, text]) => [name, fill(text)])),
    run: recipe.run.map((argv) => argv.map(fill)),
    result: fill(recipe.result),
    adapter: recipe.adapter === undefined ? undefined : fill(recipe.adapter),
    expect: recipe.expect.map(fill),
    progress: recipe.loss === undefined ? { kind: "none" } : { kind: "pattern", pattern: new RegExp(recipe.loss) },
  };
}

/** The text of each placeholder. */
function valuesOf(
  job: SftJob | DpoJob,
  { perDevice, ...setting }: Setting,
  { processes }: ResolvedCommandOptions,
): Readonly<Record<string, string>> {
  const { schedule, ...optimization } = job.optimization;
  const values: Record<Placeholder, string | number> = {
    ...setting,
    ...optimization,
    ...{ schedule: schedule.kind, floor: schedule.kind === "constant" ? 1 : schedule.floor },
    ...{ warmupSteps: schedule.warmupSteps, seed: job.seed, rows: job.rows.length },
    ...{ perDeviceBatch: perDevice, processes },
    ...("beta" in job ? { beta: job.beta, nllWeight: job.nllWeight } : { beta: "", nllWeight: "" }),
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}
