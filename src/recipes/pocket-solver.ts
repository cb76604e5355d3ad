/**
 * The solver of the pocket domain: how it reads a problem and writes a solution, and how it comes to be. It starts from the
 * cold start's `q`, which has learned to read problems, and is taught a few worked solutions. Plays no rounds.
 */
import type { Rng } from "../core/rng.ts";
import type { Grader } from "../domains/contract.ts";
import { majority } from "../domains/math/index.ts";
import {
  type Combinations,
  finalAnswer,
  type PocketSeed,
  pocketGrader,
  pocketSeeds,
  skeletonOf,
} from "../domains/pocket/index.ts";
import type { Backend, Checkpoint, TokenIds, Tokenizer, Trainer, TrainRow } from "../lm/contract.ts";
import { row } from "../stages/em/format.ts";
import type { Fit } from "../stages/em/m-step.ts";
import type { Gold, Task } from "../stages/selfplay/records.ts";
import type { Solver } from "../stages/selfplay/solver.ts";
import { type StageContext, trained } from "../stages/stage.ts";

/** `⟨given⟩ problem ⟨solution⟩ | solution ⟨end⟩`: what stands after the bar is written, and taught. */
export function solutionFormat(tokenizer: Tokenizer): {
  prompt(problem: string): number[];
  completion(solution: string): number[];
  end: number;
} {
  const id = (token: string) => {
    const found = tokenizer.idOf(token);
    if (found === undefined) throw new Error(`the tokenizer has no ${token}`);
    return found;
  };
  const [given, solution, end] = [id("<|given|>"), id("<|solution|>"), id("<|end|>")];
  return {
    prompt: (problem) => [given, ...tokenizer.encode(problem), solution],
    completion: (text) => [...tokenizer.encode(text), end],
    end,
  };
}

export function pocketSolver(backend: Backend, checkpoint: Checkpoint, tokenizer: Tokenizer): Solver {
  const { prompt, end } = solutionFormat(tokenizer);
  return {
    ...{ backend, checkpoint },
    prompt: ({ problem }) => ({ kind: "ids", ids: prompt(problem) }),
    stop: () => ({ ids: [end] }),
    spell: ({ text }) => text,
  };
}

/** What the pocket domain says of responses: the answer in them, the vote among answers, the verdict. */
export const pocketSolving = {
  extract: finalAnswer,
  vote: (answers: readonly (string | undefined)[]) => majority(answers),
  grader: {
    grade: async (gold, response, call) => {
      if (gold.kind === "answer") return pocketGrader.grade(gold, response, call);
      return { verdict: "unknown", stage: "gold", reason: "a pocket problem has an answer, not tests" };
    },
  } satisfies Grader<Gold>,
  validity: { thought: "none", scripts: [] },
} as const;

/** Worked solutions as rows. */
export function solutionRows(tokenizer: Tokenizer, seeds: readonly PocketSeed[]): TrainRow[] {
  const format = solutionFormat(tokenizer);
  return seeds.map(({ id, problem, solution }) => row(id, format.prompt(problem), format.completion(solution), 1));
}

/** The solver as self-play finds it. */
export async function trainSolver(
  context: StageContext,
  options: { name: string; trainer: Trainer; from: Checkpoint; rows: readonly TrainRow[]; fit: Fit },
): Promise<Checkpoint> {
  const { name, trainer, from, rows, fit } = options;
  const seed = context.rng.fork(name, "order").uint32();
  return (await trained(context, { name, trainer, job: { kind: "sft", job: { from, rows, ...fit, seed } } }))
    .checkpoint;
}

/** Fresh problems with their answers, whose skeletons are not among `taken`: no seed, and nothing that was trained on. */
export function heldOutTasks(
  count: number,
  { random, combinations, taken }: { random: Rng; combinations: Combinations; taken: ReadonlySet<string> },
): Task[] {
  const tasks: Task[] = [];
  for (let batch = 0; tasks.length < count; batch++) {
    for (const { id, problem, answer, skeleton } of pocketSeeds({
      count,
      seed: random.fork(batch).uint32(),
      combinations,
    })) {
      if (!taken.has(skeleton)) tasks.push({ id, problem, gold: { kind: "answer", answer } });
    }
  }
  return tasks.slice(0, count);
}

/** A prompt and what was written after it must fit into the model; longer problems are no tasks. */
export function fits(tokenizer: Tokenizer, problem: string, contextLength: number, maxTokens: number): boolean {
  return (solutionFormat(tokenizer).prompt(problem) satisfies TokenIds).length + maxTokens <= contextLength;
}

export { skeletonOf };
