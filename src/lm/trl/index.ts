/**
 * Trains by TRL in a Python environment: supervised fine-tuning, DPO and GRPO, whole weights or LoRA. Writes data and config, launches,
 * follows the log, resumes from TRL's checkpoints, and hands back a checkpoint. Scores nothing, and samples only within GRPO.
 */
import type { CallOptions } from "../../core/events.ts";
import type { DpoJob, GrpoJob, Trained, Trainer } from "../contract.ts";
import { stepsOf } from "../external/batches.ts";
import { carryOut, checkRows, identityOf, type Job, type Outcome, type Work } from "../external/job.ts";
import { checkExtra, type Environment, findEnvironment } from "./environment.ts";
import { checkPrompts, grpoTask, noteLeftOut, withRewards } from "./grpo.ts";
import { gather, type Prepared, prepare, run } from "./launch.ts";
import { TrlOptions } from "./options.ts";
import { dpoTask, sftTask, type Task } from "./task.ts";

export { TrlOptions, trlIssues } from "./options.ts";

export interface TrlTrainer extends Trainer {
  dpo(job: DpoJob, options: CallOptions): Promise<Trained>;
  grpo(job: GrpoJob, options: CallOptions): Promise<Trained>;
}

/** @throws PromptCotError as `carryOut`, `checkRows`, `findEnvironment`, `checkExtra` and `runProgram` say */
export function trl(options: TrlOptions = {}): TrlTrainer {
  const resolved = TrlOptions.parse(options);
  const { python: _, env: __, saveEvery: ___, ...settings } = resolved;
  const train = (job: Job, call: CallOptions, body: (work: Work) => Promise<Outcome>) =>
    carryOut(job, identityOf(job, { trl: settings }), call, body);
  return {
    name: "trl",
    sft: (job, call) =>
      train(job, call, async (work) => {
        const { longest } = await checkRows(job, "TRL", resolved.maxLength);
        return carry(sftTask(job, resolved, longest, stepsOf(job)), work, call);
      }),
    dpo: (job, call) =>
      train(job, call, async (work) => {
        const { longest } = await checkRows(job, "TRL", resolved.maxLength);
        return carry(dpoTask(job, resolved, longest, stepsOf(job)), work, call);
      }),
    grpo: (job, call) =>
      train(job, call, async (work) => {
        await checkRows(job, "TRL", resolved.maxLength);
        const task = await grpoTask(job, resolved);
        const { environment, prepared } = await ready(task, work);
        await checkPrompts(job, environment, prepared.data, prepared.model);
        noteLeftOut(job, call);
        await withRewards(job, work, call, (env) => {
          const program = { ...prepared.program, env: { ...prepared.program.env, ...env } };
          return run(task, { ...prepared, program }, work, call);
        });
        return gather(task, environment, work, call);
      }),
  };
}

async function carry(task: Task, work: Work, call: CallOptions): Promise<Outcome> {
  const { environment, prepared } = await ready(task, work);
  await run(task, prepared, work, call);
  return gather(task, environment, work, call);
}

/** All that can be refused is refused here, before the launch. */
async function ready(task: Task, work: Work): Promise<{ environment: Environment; prepared: Prepared }> {
  const environment = await findEnvironment(task.options);
  await checkExtra(environment, task.kind, task.options.extra);
  return { environment, prepared: await prepare(task, environment, work) };
}
