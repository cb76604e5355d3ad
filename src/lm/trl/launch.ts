/** Launches TRL for a task, follows it, and gathers what it leaves. Knows no kind of job beyond what `Task` says. */
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { CallOptions } from "../../core/events.ts";
import type { Json } from "../../core/hash.ts";
import { exists, writeFileAtomic } from "../../journal/files.ts";
import { visibleDevices } from "../external/devices.ts";
import { checkSteps, follower, lastCheckpoint, type TrainerState } from "../external/follow.ts";
import { type Outcome, refusal, type Work, writeLines } from "../external/job.ts";
import { type Program, runProgram } from "../external/program.ts";
import { yaml } from "../external/yaml.ts";
import { commonKeys, launchKeys, ownedTwice } from "./config.ts";
import type { Environment } from "./environment.ts";
import type { ResolvedTrlOptions } from "./options.ts";
import type { Task } from "./task.ts";

/** A task with its config written, ready to run. */
export interface Prepared {
  program: Program;
  done: number;
  data: string;
  model: string;
}

/** Writes data and config into the job's folder. @throws PromptCotError `trainer`/`unfit-job` */
export async function prepare(task: Task, environment: Environment, work: Work): Promise<Prepared> {
  const { job, options } = task;
  ownedTwice(task);
  const places = placesIn(work);
  const found = await lastCheckpoint(places.output);
  const model = resolve(job.from.path);
  const at = { model, data: places.data, output: places.output, resume: found?.folder };
  await writeLines(places.data, task.lines());
  const keys = { ...commonKeys(job, options, at, task.answersPerRow), ...task.keys, ...launchKeys(options) };
  await writeFileAtomic(places.config, yaml(keys));
  await rm(join(work.folder, "datasets"), { recursive: true, force: true });
  const program = await programOf(task, environment, places.config);
  const env = { ...hermetic(work), ...visibleDevices(options.processes, options.env) };
  return { program: { ...program, cwd: resolve(work.folder), env }, done: found?.step ?? 0, data: places.data, model };
}

/** @throws those of `runProgram`, and `diverged` */
export async function run(task: Task, { program, done }: Prepared, work: Work, call: CallOptions): Promise<void> {
  const { epochs } = task.job.optimization;
  const onLine = follower({ done, total: task.steps, epochs, onEvent: call.onEvent });
  await runProgram(program, { log: work.log, signal: call.signal, onLine });
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

/** What `trl sft --config …` comes to, without its second import of everything: accelerate's launcher, and TRL's script or ours. */
async function programOf(task: Task, environment: Environment, config: string): Promise<Program> {
  const { accelerate_config, ...flags } = launchKeys(task.options);
  const launcher = Object.entries(flags).flatMap(([key, value]) => [`--${key}`, String(value)]);
  if (typeof accelerate_config === "string") {
    const named = join(environment.trl, "accelerate_configs", `${accelerate_config}.yaml`);
    launcher.unshift("--config_file", (await exists(accelerate_config)) ? resolve(accelerate_config) : named);
  }
  const script = task.script === undefined ? join(environment.trl, "scripts", `${task.kind}.py`) : beside(task.script);
  return {
    command: environment.executable,
    args: ["-m", "accelerate.commands.launch", ...launcher, script, "--config", config],
  };
}

function beside(name: string): string {
  return join(import.meta.dirname, name);
}

/** What the finished run left: whole weights, and with LoRA the adapter. */
export async function gather(task: Task, environment: Environment, work: Work, call: CallOptions): Promise<Outcome> {
  const { job, kind, options } = task;
  const { output, merged, summed } = placesIn(work);
  const state = await lastCheckpoint(output);
  if (state === undefined) throw refusal("no-checkpoint", `${output} holds no checkpoint of TRL's`, `see ${work.log}`);
  checkSteps(state, task.steps, job.optimization.epochs);
  const result = {
    ...{ steps: state.step, losses: state.losses, about: about(kind, options, environment) },
    ...(kind === "grpo" ? { targetTokens: answerTokens(state, job.optimization.batchSize * task.answersPerRow) } : {}),
  };
  if (options.lora === undefined) return { weights: output, ...result };
  const earlier = join(resolve(job.from.path), "adapter");
  const sum = (await exists(earlier)) ? [earlier, summed] : [];
  for (const folder of [merged, summed]) await rm(folder, { recursive: true, force: true });
  const args = [beside("merge.py"), resolve(job.from.path), output, merged, ...sum];
  await runProgram(
    { command: environment.executable, args, env: hermetic(work) },
    { log: work.log, signal: call.signal },
  );
  return { weights: merged, adapter: sum.length > 0 ? summed : output, ...result };
}

function about(method: Task["kind"], { env: _, ...settings }: ResolvedTrlOptions, { versions }: Environment): Json {
  return { trainer: "trl", method, versions, settings };
}

/** Tokens of all answers, from their mean lengths as logged. */
function answerTokens({ history }: TrainerState, answersPerStep: number): number {
  const means = history.flatMap((entry) => entry["completions/mean_length"] ?? []);
  return Math.round(means.reduce<number>((sum, mean) => sum + Number(mean) * answersPerStep, 0));
}
