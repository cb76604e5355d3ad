/**
 * The solver of the pocket domain: how it reads a problem and writes a solution, and how it comes to be. It starts from the
 * cold start's `q`, which has learned to read problems, and is taught a few worked solutions and some arithmetic. Plays no rounds.
 */
import type { Rng } from "../core/rng.ts";
import type { Grader } from "../domains/contract.ts";
import { answersEqual, majority } from "../domains/math/index.ts";
import {
  type Combinations,
  type ConceptName,
  finalAnswer,
  type PocketSeed,
  pocketGrader,
  pocketOracle,
  pocketSeeds,
  working,
} from "../domains/pocket/index.ts";
import type { Backend, Checkpoint, Tokenizer, Trainer, TrainRow } from "../lm/contract.ts";
import { row } from "../stages/em/format.ts";
import { type HeldOut, heldOutScore } from "../stages/selfplay/held-out.ts";
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

/** What a round of self-play teaches besides: the solutions that the solver was taught, so that it does not forget them. */
export function replayed(
  tokenizer: Tokenizer,
  seeds: readonly PocketSeed[],
  { replay }: Pick<PocketSelfPlayConfig["solver"], "replay">,
): TrainRow[] {
  return Array.from({ length: replay }, () => solutionRows(tokenizer, seeds)).flat();
}

/** Worked solutions as rows. */
export function solutionRows(tokenizer: Tokenizer, seeds: readonly PocketSeed[]): TrainRow[] {
  const format = solutionFormat(tokenizer);
  return seeds.map(({ id, problem, solution }) => row(id, format.prompt(problem), format.completion(solution), 1));
}

/** Workings as rows: what stands after an equals sign is taught, not the numbers that happen to be there. */
export function workingRows(
  tokenizer: Tokenizer,
  count: number,
  concepts: readonly ConceptName[],
  random: Rng,
): TrainRow[] {
  const { mark, end } = solutionFormat(tokenizer);
  return Array.from({ length: count }, (_, i) => {
    const ids = [mark];
    const targets = [0];
    for (const [piece] of working(concepts, random.fork(i)).matchAll(/(?<= =) [\d/]+|(?:(?!(?<= =) \d)[\s\S])+/g)) {
      const tokens = tokenizer.encode(piece);
      ids.push(...tokens);
      targets.push(...tokens.map(() => (/^ [\d/]+$/.test(piece) ? 1 : 0)));
    }
    return { id: `working/${i}`, ids: [...ids, end], targets: [...targets, 1], weight: 1 };
  });
}

export interface SolverTraining {
  /** Jobs and journals go under this name: `selfplay/solver`. */
  name: string;
  trainer: Trainer;
  sampler: Backend;
  from: Checkpoint;
  tokenizer: Tokenizer;
  /** Whose worked solutions are taught. */
  seeds: readonly PocketSeed[];
  settings: PocketSelfPlayConfig["solver"];
  /** Problems on which its training is stopped; no score is reported on them. */
  stopping: HeldOut;
}

/**
 * The solver as self-play finds it: trained part by part until it is right about as often as asked for, so that there is something
 * left to learn. A solver that never gets there is taken as it is, with a note.
 */
export async function trainSolver(context: StageContext, options: SolverTraining): Promise<Checkpoint> {
  const { name, trainer, sampler, tokenizer, seeds, settings, stopping } = options;
  const solutions = solutionRows(tokenizer, seeds);
  const repeated = Array.from({ length: settings.repeats }, () => solutions).flat();
  let checkpoint = options.from;
  let reached = 0;
  for (let part = 1; part <= settings.parts; part++) {
    const own = `${name}/part-${part}`;
    const fresh = workingRows(tokenizer, settings.workings, settings.concepts, context.rng.fork(own, "workings"));
    const seed = context.rng.fork(own, "order").uint32();
    const job = { from: checkpoint, rows: [...repeated, ...fresh], ...fitOf(settings.fit), seed };
    ({ checkpoint } = await trained(context, { name: own, trainer, job: { kind: "sft", job } }));
    reached = (await heldOutScore(context, own, pocketSolver(sampler, checkpoint, tokenizer), stopping)).score;
    context.onEvent?.({ kind: "note", message: `solver, part ${part}: ${(100 * reached).toFixed(1)} % right` });
    if (reached >= settings.until) return checkpoint;
  }
  const message = `the solver is right ${(100 * reached).toFixed(1)} % of the time after ${settings.parts} parts, not ${100 * settings.until} %: going on with it`;
  context.onEvent?.({ kind: "note", message });
  return checkpoint;
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
