/**
 * How a model is asked to solve, the same for the labeller, for rollouts and for held-out scores: what it reads, how long it
 * may write, and how its response is spelt. Asks; judges nothing.
 */
import type { CallOptions } from "../../core/events.ts";
import type { Backend, Checkpoint, Model, SampleAnswer, SampleRequest, SampleResult, Text } from "../../lm/contract.ts";
import type { Task } from "./records.ts";

/** A model that solves tasks. */
export interface Solver {
  backend: Backend;
  checkpoint: Checkpoint;
  /** What the model is given. Ids, wherever it is to be trained on what it writes. */
  prompt(task: Task): Text;
  stop(model: Model): SampleRequest["stop"];
  /** The whole response in one spelling, thought included: what graders read and what is taught. */
  spell(answer: SampleAnswer): string;
}

export interface Attempts {
  /** Attempts at each task. */
  count: number;
  temperature: number;
  topP: number;
  maxTokens: number;
}

/** One attempt to be made. */
export interface Attempt {
  task: Task;
  index: number;
  seed: number;
}

/** Carries attempts out; each is answered once, in any order. */
export async function* attempt<Item extends Attempt>(
  solver: Solver,
  model: Model,
  attempts: readonly Item[],
  how: Attempts,
  call: CallOptions,
): AsyncGenerator<{ attempt: Item; result: SampleResult }> {
  const { sampler } = model;
  if (sampler === undefined) throw new Error("a solver must sample: refuse the backend at composition");
  const byId = new Map(attempts.map((item) => [`${item.task.id}/${item.index}`, item]));
  const requests = attempts.map(
    ({ task, index, seed }): SampleRequest => ({
      id: `${task.id}/${index}`,
      prompt: solver.prompt(task),
      maxTokens: how.maxTokens,
      temperature: how.temperature,
      topP: how.topP,
      stop: solver.stop(model),
      seed,
    }),
  );
  for await (const result of sampler.sample(requests, call)) {
    const item = byId.get(result.id);
    if (item === undefined) throw new Error(`the sampler answered ${result.id}, which was not asked`);
    yield { attempt: item, result };
  }
}

/** The prompt's ids, for training on what was written after it. @throws Error for a prompt that is not given as ids */
export function promptIds(solver: Pick<Solver, "prompt">, task: Task): readonly number[] {
  const prompt = solver.prompt(task);
  if (prompt.kind === "ids") return prompt.ids;
  throw new Error("a solver that is trained must be given its prompts as ids: refuse the recipe at composition");
}
