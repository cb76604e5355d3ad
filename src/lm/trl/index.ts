/**
 * Trains by TRL in a Python environment: supervised fine-tuning and DPO, whole weights or LoRA. Writes data and config, launches,
 * follows the log, resumes from TRL's checkpoints, and hands back a checkpoint. Samples and scores nothing.
 */
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { CallOptions } from "../../core/events.ts";
import type { Json } from "../../core/hash.ts";
import { exists, writeFileAtomic, writeStreamAtomic } from "../../journal/files.ts";
import type { DpoJob, SftJob, Trained, Trainer } from "../contract.ts";
import { stepsOf } from "../external/batches.ts";
import { follower, lastCheckpoint } from "../external/follow.ts";
import { carryOut, checkRows, identityOf, type Outcome, refusal, type Work } from "../external/job.ts";
import { type Program, runProgram } from "../external/program.ts";
import { type Keys, yaml } from "../external/yaml.ts";
import { commonKeys, dpoKeys, dpoOptions, launchKeys } from "./config.ts";
import { checkExtra, type Environment, findEnvironment } from "./environment.ts";
import { type ResolvedTrlOptions, TrlOptions } from "./options.ts";
import { dpoLine, sftLine } from "./rows.ts";

export { TrlOptions, trlIssues } from "./options.ts";

export interface TrlTrainer extends Trainer {
  dpo(job: DpoJob, options: CallOptions): Promise<Trained>;
}

/** What differs between kinds of jobs. */
type Task =
  | { kind: "sft"; job: SftJob; keys: Keys; rows: () => Iterable<string> }
  | { kind: "dpo"; job: DpoJob; keys: Keys; rows: () => Iterable<string> };

export function trl(options: TrlOptions = {}): TrlTrainer {
  const resolved = TrlOptions.parse(options);
  return {
    name: "trl",
    sft: (job, call) => train({ kind: "sft", job, keys: {}, rows: () => job.rows.map(sftLine) }, resolved, call),
    async dpo(job, call) {
      const options = dpoOptions(job, resolved);
      return train({ kind: "dpo", job, keys: dpoKeys(job), rows: () => job.rows.map(dpoLine) }, options, call);
    },
  };
}

async function train(task: Task, options: ResolvedTrlOptions, call: CallOptions): Promise<Trained> {
  const { job } = task;
  const { python: _, env: __, saveEvery: ___, ...settings } = options;
  return carryOut(job, identityOf(job, { trl: settings }), call, async (work) => {
    const { longest } = await checkRows(job, "TRL", options.maxLength);
    const environment = await findEnvironment(options);
    await checkExtra(environment, task.kind, options.extra);
    await launch(task, options, environment, work, longest, call);
    return gather(task, options, environment, work, call);
  });
}

async function launch(
  task: Task,
  options: ResolvedTrlOptions,
  environment: Environment,
  work: Work,
  longest: number,
  call: CallOptions,
): Promise<void> {
  const { job } = task;
  const places = placesIn(work);
  const found = await lastCheckpoint(places.output);
  const at = { model: resolve(job.from.path), data: places.data, output: places.output, resume: found?.folder };
  const keys = { ...commonKeys(job, options, at, longest), ...task.keys };
  await writeStreamAtomic(places.data, async (file) => {
    for (const line of task.rows()) await file.writeFile(`${line}\n`);
  });
  await writeFileAtomic(places.config, yaml({ ...keys, ...launchKeys(options) }));
  await rm(join(work.folder, "datasets"), { recursive: true, force: true });
  const total = options.extra.packing === true ? undefined : stepsOf(job);
  const follow = follower({ done: found?.step ?? 0, total, epochs: job.optimization.epochs, onEvent: call.onEvent });
  const program = await programOf(task.kind, options, environment, places.config);
  const env = { ...hermetic(work), ...options.env };
  await runProgram({ ...program, env }, { log: work.log, signal: call.signal, onLine: follow });
}

function placesIn({ folder }: Work) {
  const absolute = resolve(folder);
  return {
    data: join(absolute, "rows.jsonl"),
    config: join(absolute, "config.yaml"),
    output: join(absolute, "trl"),
    merged: join(absolute, "merged"),
    summed: join(absolute, "adapter"),
  };
}

/** Nothing is fetched, and no cache outlives the job. */
function hermetic({ folder }: Work): Record<string, string> {
  return {
    HF_HUB_OFFLINE: "1",
    HF_DATASETS_CACHE: join(resolve(folder), "datasets"),
    TOKENIZERS_PARALLELISM: "false",
    PYTHONUNBUFFERED: "1",
  };
}

/** `trl sft --config …`; for DPO the same launcher with a script that takes tokenized rows. */
async function programOf(
  kind: Task["kind"],
  options: ResolvedTrlOptions,
  environment: Environment,
  config: string,
): Promise<Program> {
  const command = environment.executable;
  if (kind === "sft") {
    return { command, args: ["-W", "ignore::RuntimeWarning", "-m", "trl.cli.main", "sft", "--config", config] };
  }
  const { accelerate_config, ...flags } = launchKeys(options);
  const launcher = Object.entries(flags).flatMap(([key, value]) => [`--${key}`, String(value)]);
  if (typeof accelerate_config === "string") {
    const named = join(environment.trl, "accelerate_configs", `${accelerate_config}.yaml`);
    launcher.unshift("--config_file", (await exists(accelerate_config)) ? accelerate_config : named);
  }
  return { command, args: ["-m", "accelerate.commands.launch", ...launcher, script("dpo.py"), "--config", config] };
}

function script(name: string): string {
  return join(import.meta.dirname, name);
}

/** What the finished run left: whole weights, and with LoRA the adapter. */
async function gather(
  { job, kind }: Task,
  options: ResolvedTrlOptions,
  environment: Environment,
  work: Work,
  call: CallOptions,
): Promise<Outcome> {
  const { output, merged, summed } = placesIn(work);
  const state = await lastCheckpoint(output);
  if (state === undefined) throw refusal("no-checkpoint", `${output} holds no checkpoint of TRL's`, `see ${work.log}`);
  const { env: _, ...settings } = options;
  const about: Json = { trainer: "trl", method: kind, versions: environment.versions, settings };
  const result = { steps: state.step, losses: state.losses, about };
  if (options.lora === undefined) return { weights: output, ...result };
  const earlier = join(resolve(job.from.path), "adapter");
  const sum = (await exists(earlier)) ? [earlier, summed] : [];
  for (const folder of [merged, summed]) await rm(folder, { recursive: true, force: true });
  await runProgram(
    {
      command: environment.executable,
      args: [script("merge.py"), resolve(job.from.path), output, merged, ...sum],
      env: hermetic(work),
    },
    { log: work.log, signal: call.signal },
  );
  return { weights: merged, adapter: sum.length > 0 ? summed : output, ...result };
}
