/**
 * What a post-training run has to do, stage by stage, from its config and what its problems look like: how many questions go to
 * whom, and how long they are. Pure: it opens nothing and asks nobody.
 */
import { between, type Estimate, exactly, NOTHING, sum, times } from "../analyses/estimate.ts";
import { fullRoles } from "./backend-config.ts";
import type { CodeSelfPlayConfig, MathSelfPlayConfig, MathSftConfig, SolverConfig } from "./solver-config.ts";
import type { Work } from "./work.ts";

/** What is known of the problems before anybody is asked. */
export interface ProblemCounts {
  problems: number;
  /** Those that bring no answer and no tests. */
  unlabelled: number;
  heldOut: number;
  /** Mean tokens of a prompt. */
  prompt: Estimate;
}

/** Nobody knows how long a response will be: between a hundredth of the limit and all of it. */
const RESPONSE = { least: 0.01, likely: 0.35 };

/** Shares that cannot be known before: of tasks with a label, of tasks in the difficulty band, of pairs per task of it. */
const LABELLED = between(0.3, 0.8, 1);
const IN_BAND = between(0.02, 0.3, 1);
const PAIRS = between(1, 2, 4);

export function solverWork(config: SolverConfig, counts: ProblemCounts): Work[] {
  return config.recipe === "math-sft" ? distillation(config, counts) : selfPlaying(config, counts);
}

function response(maxTokens: number): Estimate {
  return between(RESPONSE.least * maxTokens, RESPONSE.likely * maxTokens, maxTokens);
}

type Place = Pick<Work, "act" | "stage" | "backend">;

function samples(place: Place, requests: Estimate, prompt: Estimate, maxTokens: number): Work {
  return {
    ...{ ...place, of: "other", kind: "sample", requests },
    ...{ prompt: times(requests, prompt), completion: times(requests, response(maxTokens)) },
  };
}

function selfPlaying(config: MathSelfPlayConfig | CodeSelfPlayConfig, counts: ProblemCounts): Work[] {
  const { rounds, leastRise } = config.selfPlay;
  const solver = fullRoles(config).solver ?? { sample: "embedded", score: "embedded", train: "embedded" };
  const given = counts.problems - counts.unlabelled;
  const tasks = sum([exactly(given), times(LABELLED, counts.unlabelled)]);
  const mayEnd = config.heldOut !== null && leastRise >= 0;
  const each = Array.from({ length: rounds }, (_, i) => {
    const happens = i > 0 && mayEnd ? between(0, 1, 1) : exactly(1);
    return oneRound(config, counts, solver, i + 1, times(tasks, happens), happens);
  });
  return [
    ...labels(config, counts, solver.sample),
    ...heldOut(config, counts, solver.sample, 0, exactly(1)),
    ...each.flat(),
  ];
}

function labels(config: MathSelfPlayConfig | CodeSelfPlayConfig, counts: ProblemCounts, solver: string): Work[] {
  const backend = fullRoles(config).labeller ?? solver;
  if (config.recipe === "math-selfplay") {
    const { count, maxTokens } = config.labels.attempts;
    const place = { act: "labels", stage: "selfplay/labelling/rollouts", backend };
    return [samples(place, exactly(counts.unlabelled * count), counts.prompt, maxTokens)];
  }
  const { tests, solutions, maxTokens } = config.labels;
  const place = { act: "labels", stage: "selfplay/labels", backend };
  return [samples(place, exactly(counts.unlabelled * (tests + solutions)), counts.prompt, maxTokens)];
}

function heldOut(
  { heldOut: held }: MathSelfPlayConfig | CodeSelfPlayConfig,
  counts: ProblemCounts,
  backend: string,
  round: number,
  happens: Estimate,
): Work[] {
  if (held === null) return [];
  const place = {
    act: round === 0 ? "start" : `round ${round}`,
    stage: `selfplay/held-out-${round}/rollouts`,
    backend,
  };
  return [samples(place, times(happens, counts.heldOut * held.attempts.count), counts.prompt, held.attempts.maxTokens)];
}

function oneRound(
  config: MathSelfPlayConfig | CodeSelfPlayConfig,
  counts: ProblemCounts,
  solver: { sample: string; score: string; train: string },
  round: number,
  tasks: Estimate,
  happens: Estimate,
): Work[] {
  const { attempts, training } = config.selfPlay;
  const act = `round ${round}`;
  const name = `selfplay/round-${round}`;
  const rollouts = samples(
    { act, stage: `${name}/rollouts`, backend: solver.sample },
    times(tasks, attempts.count),
    counts.prompt,
    attempts.maxTokens,
  );
  const pairs = times(times(tasks, IN_BAND), PAIRS);
  const both = times(pairs, 2);
  const whole = sum([counts.prompt, response(attempts.maxTokens)]);
  const reference: Work = {
    ...{ act, stage: `${name}/reference`, backend: solver.score, of: "other", kind: "score", requests: both },
    ...{ prompt: times(both, whole), completion: NOTHING },
  };
  const taught = times(both, response(attempts.maxTokens));
  const job: Work = {
    ...{ act, stage: `training/${name}`, backend: solver.train, of: "other", kind: "train", requests: happens },
    ...{ prompt: NOTHING, completion: times(taught, training.fit.epochs) },
  };
  return [
    rollouts,
    ...(training.kind === "dpo" ? [reference] : []),
    job,
    ...heldOut(config, counts, solver.sample, round, happens),
  ];
}

function distillation(config: MathSftConfig, counts: ProblemCounts): Work[] {
  const roles = fullRoles(config);
  const { count, maxTokens } = config.teacher.attempts;
  const traces = exactly(counts.problems * count);
  const place = { act: "distillation", stage: "distill/teacher/rollouts", backend: roles.teacher ?? "embedded" };
  const taught = times(times(traces, LABELLED), response(Math.min(maxTokens, config.traces.mostTokens)));
  return [
    samples(place, traces, counts.prompt, maxTokens),
    {
      ...{ act: "distillation", stage: "training/distill", backend: roles.solver?.train ?? "embedded", of: "other" },
      ...{ kind: "train", requests: exactly(1), prompt: NOTHING, completion: times(taught, config.fit.epochs) },
    },
  ];
}
