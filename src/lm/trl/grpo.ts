/**
 * GRPO through TRL: it samples, a shim of ours asks a daemon of ours for rewards, and what nobody can decide is masked. Grades nothing
 * itself.
 */
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { CallOptions } from "../../core/events.ts";
import type { GrpoJob, TokenIds, Tokenizer } from "../contract.ts";
import { readTokenizerFiles } from "../embedded/checkpoint.ts";
import { readTokenizer } from "../embedded/tokenizer.ts";
import { refusal, type Work } from "../external/job.ts";
import { outputOf } from "../external/program.ts";
import type { Environment } from "./environment.ts";
import type { ResolvedTrlOptions } from "./options.ts";
import { rewardDaemon } from "./rewards.ts";
import type { Task } from "./task.ts";

/** The module that the shim is imported as, from the job's folder. */
const SHIM = "promptcot_reward";

export async function grpoTask(job: GrpoJob, options: ResolvedTrlOptions): Promise<Task> {
  const tokenizer = readTokenizer(await readTokenizerFiles(job.from.path), job.from.path);
  return {
    ...{ kind: "grpo", job, options, answersPerRow: job.generations },
    keys: {
      ...{ num_generations: job.generations, max_completion_length: job.maxTokens },
      ...{ temperature: job.temperature, top_p: job.topP, beta: job.beta },
      reward_funcs: [`${SHIM}.graded`],
    },
    lines: () => job.rows.values().map(({ id, prompt }) => line(id, prompt, tokenizer)),
    steps: undefined, // TRL may take several steps with the same answers
  };
}

function line(row: string, ids: TokenIds, tokenizer: Tokenizer): string {
  return JSON.stringify({ prompt: tokenizer.decode(ids), row, ids });
}

/**
 * TRL takes prompts as text only: each must tokenize to its ids, by the very tokenizer that will read it.
 * @throws PromptCotError `trainer`/`text-differs`
 */
export async function checkPrompts(job: GrpoJob, environment: Environment, rows: string, model: string): Promise<void> {
  const script = join(import.meta.dirname, "check-prompts.py");
  const text = await outputOf({ command: environment.executable, args: ["-W", "ignore", script, model, rows] });
  const [first, ...others] = z.array(z.int()).parse(JSON.parse(text.trim().split("\n").at(-1) ?? ""));
  if (first === undefined) return;
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  throw refusal(
    "text-differs",
    `the prompt of row ${job.rows[first]?.id}${more} tokenizes to other ids as text, and TRL's GRPO takes text only`,
    "take prompts whose text gives their ids: no special tokens that the tokenizer adds by itself",
  );
}

/** Says which prompts an epoch leaves out: TRL fills batches whole. */
export function noteLeftOut({ rows, optimization: { batchSize } }: GrpoJob, { onEvent }: CallOptions): void {
  const left = rows.length % batchSize;
  if (rows.length < batchSize) {
    const message = `${rows.length} prompts do not fill a batch of ${batchSize}`;
    throw refusal("unfit-job", message, "lower batchSize, or give more prompts");
  }
  if (left === 0) return;
  const message = `${left} of ${rows.length} prompts, drawn anew, stay out of each epoch: they do not fill a batch of ${batchSize}`;
  onEvent?.({ kind: "note", message });
}

/** Runs TRL with a daemon beside it, which ends with it. */
export async function withRewards(
  job: GrpoJob,
  work: Work,
  call: CallOptions,
  run: (env: Record<string, string>) => Promise<void>,
): Promise<void> {
  await copyFile(join(import.meta.dirname, "reward.py"), join(work.folder, `${SHIM}.py`));
  let trials = 0;
  let unknown = 0;
  const daemon = await rewardDaemon(job, call, (asked) => {
    trials += asked.trials;
    unknown += asked.unknown;
  });
  try {
    await run({ PROMPTCOT_REWARD_URL: daemon.url, PROMPTCOT_REWARD_TOKEN: daemon.token });
  } catch (error) {
    throw daemon.failure() ?? error;
  } finally {
    await daemon.close();
  }
  const message = `${unknown} of ${trials} trials could not be decided, and taught nothing`;
  if (unknown > 0) call.onEvent?.({ kind: "note", message });
}
