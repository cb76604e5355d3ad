/**
 * The solver of the pocket domain: how it reads a problem and writes a solution, and how it comes to be. It starts from the
 * cold start's `q`, which has learned to read problems, does sums, and is taught a few worked solutions. Plays no rounds.
 */
import type { Rng } from "../core/rng.ts";
import type { Grader } from "../domains/contract.ts";
import { answersEqual, majority } from "../domains/math/index.ts";
import {
  arithmeticLine,
  type Combinations,
  type ConceptName,
  finalAnswer,
  type PocketSeed,
  pocketGrader,
  pocketOracle,
  pocketSeeds,
} from "../domains/pocket/index.ts";
import type { Backend, Checkpoint, Tokenizer, Trainer, TrainRow } from "../lm/contract.ts";
import { row } from "../stages/em/format.ts";
import type { Gold, Task } from "../stages/selfplay/records.ts";
import type { Solver } from "../stages/selfplay/solver.ts";
import { type StageContext, trained } from "../stages/stage.ts";
import { fitOf } from "./fit-config.ts";
import type { PocketSelfPlayConfig } from "./selfplay-config.ts";

/** `⟨given⟩ problem ⟨solution⟩ | solution ⟨end⟩`: what stands after the bar is written, and taught. */
export function solutionFormat(tokenizer: Tokenizer): {
  prompt(problem: string): number[];
  completion(solution: string): number[];
  mark: number;
  end: number;
} {
  const id = (token: string) => {
    const found = tokenizer.idOf(token);
    if (found === undefined) throw new Error(`the tokenizer has no ${token}`);
    return found;
  };
  const [given, mark, end] = [id("<|given|>"), id("<|solution|>"), id("<|end|>")];
  return {
    prompt: (problem) => [given, ...tokenizer.encode(problem), mark],
    completion: (text) => [...tokenizer.encode(text), end],
    ...{ mark, end },
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
} as const;

/** What the oracle says of labels. */
export const pocketTruth = {
  oracle: pocketOracle,
  same: (gold: Gold, answer: string) => gold.kind === "answer" && answersEqual(gold.answer, answer),
};

/** Worked solutions as rows. */
export function solutionRows(tokenizer: Tokenizer, seeds: readonly PocketSeed[]): TrainRow[] {
  const format = solutionFormat(tokenizer);
  return seeds.map(({ id, problem, solution }) => row(id, format.prompt(problem), format.completion(solution), 1));
}

/** Lines of sums as rows: the results are taught, not the numbers that are added. */
export function sumRows(tokenizer: Tokenizer, count: number, random: Rng): TrainRow[] {
  const { mark, end } = solutionFormat(tokenizer);
  return Array.from({ length: count }, (_, i) => {
    const ids = [mark];
    const targets = [0];
    for (const piece of arithmeticLine(random.fork(i)).match(/ \d+(?=[,.])|[^=,]+=|[,.]/g) ?? []) {
      const tokens = tokenizer.encode(piece);
      ids.push(...tokens);
      targets.push(...tokens.map(() => (piece.endsWith("=") ? 0 : 1)));
    }
    return { id: `sums/${i}`, ids: [...ids, end], targets: [...targets, 1], weight: 1 };
  });
}

/** The solver as self-play finds it: sums first, then the worked solutions of the seeds. */
export async function trainSolver(
  context: StageContext,
  options: {
    name: string;
    trainer: Trainer;
    from: Checkpoint;
    tokenizer: Tokenizer;
    seeds: readonly PocketSeed[];
    solver: PocketSelfPlayConfig["solver"];
  },
): Promise<Checkpoint> {
  const { name, trainer, from, tokenizer, seeds, solver } = options;
  const order = (part: string) => context.rng.fork(name, part, "order").uint32();
  const sums = await trained(context, {
    ...{ name: `${name}/sums`, trainer },
    job: {
      kind: "sft",
      job: {
        ...{ from, ...fitOf(solver.sumsFit), seed: order("sums") },
        rows: sumRows(tokenizer, solver.sums, context.rng.fork(name, "sums")),
      },
    },
  });
  const taught = await trained(context, {
    ...{ name: `${name}/solutions`, trainer },
    job: {
      kind: "sft",
      job: {
        ...{ from: sums.checkpoint, ...fitOf(solver.fit), seed: order("solutions") },
        rows: solutionRows(tokenizer, seeds),
      },
    },
  });
  return taught.checkpoint;
}

/** Every set of two of the solver's concepts, whether or not seeds have shown it. */
export function solverCombinations(concepts: readonly ConceptName[]): Combinations {
  const draw = (random: Rng): ConceptName[] => random.shuffle(concepts).slice(0, 2).sort();
  return {
    heldOut: () => false,
    sampleSeen: draw,
    sampleHeldOut: (count, random) => Array.from({ length: count }, () => draw(random)),
  };
}

/** Fresh problems with their answers, whose skeletons are not among `taken`: no seed has one, and each is there once. */
export function heldOutTasks(
  count: number,
  { random, concepts, taken }: { random: Rng; concepts: readonly ConceptName[]; taken: ReadonlySet<string> },
): Task[] {
  const seen = new Set(taken);
  const tasks: Task[] = [];
  const combinations = solverCombinations(concepts);
  for (let batch = 0; tasks.length < count && batch < 100; batch++) {
    for (const seed of pocketSeeds({ count, seed: random.fork(batch).uint32(), combinations })) {
      if (seen.has(seed.skeleton)) continue;
      seen.add(seed.skeleton);
      tasks.push({ id: seed.id, problem: seed.problem, gold: { kind: "answer", answer: seed.answer } });
    }
  }
  return tasks.slice(0, count);
}

/** Whether a problem and an answer to it fit into the model. */
export function fits(tokenizer: Tokenizer, problem: string, contextLength: number, maxTokens: number): boolean {
  return solutionFormat(tokenizer).prompt(problem).length + maxTokens <= contextLength;
}
