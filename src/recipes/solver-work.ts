/**
 * What a post-training run has to do, stage by stage, from its config and what its problems look like: how many questions go to
 * whom, and how long they are. Pure: it opens nothing and asks nobody.
 */
import { between, type Estimate, exactly, NOTHING, times } from "../analyses/estimate.ts";
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

/** What nobody can know without trying: shares of problems with a label, of those in the difficulty band, and of kept traces. */
const LIKELY = { labelled: 0.8, inBand: 0.3, kept: 0.8 };

/** What comes of one problem in a round, or of its traces; tokens of one epoch. */
export interface Fate {
  taught: number;
  /** Rollouts that the reference scores, and their tokens, prompts included. */
  references: number;
  referenceTokens: number;
}
export const NO_FATE: Fate = { taught: 0, references: 0, referenceTokens: 0 };

/** What becomes of all problems. */
export type Outcomes = { [Measure in keyof Fate]: Estimate } & {
  /** Problems that have a label, and so take part. */
  labelled: Estimate;
};

/** @param found what a probe says of the first round, or of the traces; without one only what the config allows is known */
export function solverWork(config: SolverConfig, counts: ProblemCounts, found?: Outcomes): Work[] {
  const { problems, unlabelled, prompt } = counts;
  const given = config.recipe === "math-sft" ? problems : problems - unlabelled;
  const outcomes = found ?? allowed(config, labelledOf(given, problems - given), prompt.high);
  return config.recipe === "math-sft" ? distillation(config, counts, outcomes) : selfPlaying(config, counts, outcomes);
}

/** The most that can come of one problem. */
export function mostOf(config: SolverConfig, prompt: number): Fate {
  if (config.recipe === "math-sft") {
    const { count, maxTokens } = config.teacher.attempts;
    return { ...NO_FATE, taught: count * Math.min(RESPELT * maxTokens, config.traces.mostTokens) };
  }
  const { attempts, training } = config.selfPlay;
  const { count, maxTokens } = attempts;
  if (training.kind !== "dpo") return { ...NO_FATE, taught: count * maxTokens };
  const references = 2 * Math.floor(count / 2);
  return { taught: references * maxTokens, references, referenceTokens: references * (prompt + maxTokens) };
}

/** A student may need so many times the teacher's tokens for one text. */
const RESPELT = 4;

/** What is known of the problems with a label, `labelled` of them, before any is tried. @param prompt tokens at most */
export function allowed(config: SolverConfig, labelled: Estimate, prompt: number): Outcomes {
  const most = mostOf(config, prompt);
  const likely = (config.recipe === "math-sft" ? LIKELY.kept : LIKELY.inBand) * RESPONSE.likely;
  const upTo = (value: number) => between(0, likely * value * labelled.mid, value * labelled.high);
  return {
    ...{ labelled, taught: upTo(most.taught) },
    ...{ references: upTo(most.references), referenceTokens: upTo(most.referenceTokens) },
  };
}

/** How many take part where nobody has tried to label any. */
export function labelledOf(given: number, unlabelled: number): Estimate {
  return between(given, given + LIKELY.labelled * unlabelled, given + unlabelled);
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

function selfPlaying(
  config: MathSelfPlayConfig | CodeSelfPlayConfig,
  counts: ProblemCounts,
  outcomes: Outcomes,
): Work[] {
  const { rounds } = config.selfPlay;
  const solver = fullRoles(config).solver ?? { sample: "embedded", score: "embedded", train: "embedded" };
  const each = Array.from({ length: rounds }, (_, i) =>
    i === 0
      ? oneRound(config, counts, solver, { round: 1, happens: exactly(1), outcomes })
      : oneRound(config, counts, solver, { round: i + 1, ...laterRound(config, counts, outcomes) }),
  );
  return [
    ...labels(config, counts, solver.sample),
    ...heldOut(config, counts, solver.sample, 0, exactly(1)),
    ...each.flat(),
  ];
}

/** Of a model that has been trained in between nobody knows how often it is right: it may end the loop, or pair whatever it can. */
function laterRound(config: SolverConfig, { prompt }: ProblemCounts, { labelled, ...first }: Outcomes) {
  const most = mostOf(config, prompt.high);
  const upTo = (measure: keyof Fate) => between(0, first[measure].mid, most[measure] * labelled.high);
  const outcomes: Outcomes = {
    ...{ labelled, taught: upTo("taught") },
    ...{ references: upTo("references"), referenceTokens: upTo("referenceTokens") },
  };
  return { happens: between(0, 1, 1), outcomes };
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

interface Round {
  round: number;
  happens: Estimate;
  outcomes: Outcomes;
}

function oneRound(
  config: MathSelfPlayConfig | CodeSelfPlayConfig,
  counts: ProblemCounts,
  solver: { sample: string; score: string; train: string },
  { round, happens, outcomes }: Round,
): Work[] {
  const { attempts, training } = config.selfPlay;
  const act = `round ${round}`;
  const name = `selfplay/round-${round}`;
  const rollouts = samples(
    { act, stage: `${name}/rollouts`, backend: solver.sample },
    times(times(outcomes.labelled, happens), attempts.count),
    counts.prompt,
    attempts.maxTokens,
  );
  const { references, referenceTokens, taught } = outcomes;
  // Where nothing can be taught, the loop ends without a job.
  const trained = taught.low > 0 ? happens : between(0, happens.mid, happens.high);
  const reference: Work = {
    ...{ act, stage: `${name}/reference`, backend: solver.score, of: "other", kind: "score" },
    ...{ requests: references, prompt: referenceTokens },
    completion: between(0, 0, references.high), // servers write a token after what they score
  };
  const job: Work = {
    ...{ act, stage: `training/${name}`, backend: solver.train, of: "other", kind: "train", requests: trained },
    ...{ prompt: NOTHING, completion: times(taught, training.fit.epochs) },
  };
  return [
    rollouts,
    ...(training.kind === "dpo" ? [reference] : []),
    job,
    ...heldOut(config, counts, solver.sample, round, trained),
  ];
}

function distillation(config: MathSftConfig, counts: ProblemCounts, { taught }: Outcomes): Work[] {
  const roles = fullRoles(config);
  const { count, maxTokens } = config.teacher.attempts;
  const traces = exactly(counts.problems * count);
  const place = { act: "distillation", stage: "distill/teacher/rollouts", backend: roles.teacher ?? "embedded" };
  return [
    samples(place, traces, counts.prompt, maxTokens),
    {
      ...{ act: "distillation", stage: "training/distill", backend: roles.solver?.train ?? "embedded", of: "other" },
      ...{ kind: "train", requests: exactly(1), prompt: NOTHING, completion: times(taught, config.fit.epochs) },
    },
  ];
}
