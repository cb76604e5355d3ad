/**
 * What self-play at the end of a pocket run has to do, in the terms of `work.ts`. Nobody knows beforehand how often a solver
 * that has yet to be trained is right, so the bounds of its rounds are what the config allows.
 */
import { between, capped, type Estimate, exactly, NOTHING, sum, times } from "../analyses/estimate.ts";
import { fullRoles } from "./backend-config.ts";
import type { PocketConfig } from "./config.ts";
import type { Extent, Work } from "./work.ts";

/** Tokens of a working that are taught: its results. */
const WORKING = between(2, 10, 40);

/** Tokens of a worked solution: a few lines. */
const SOLUTION = between(8, 30, 90);

export function selfPlayWork(config: PocketConfig, { triples }: Extent): Work[] {
  const { selfPlay, synthesize } = config;
  if (selfPlay.rounds === 0) return [];
  const { p, q, solver } = fullRoles(config);
  const { sample: sampler, score: scorer, train: trainer } = solver ?? { ...p, train: q.train };
  const { attempts, heldOut, labels, training } = selfPlay;
  const act = "self-play";
  // The problem between two marks.
  const prompt = between(0.7 * triples.problem.low, triples.problem.mid + 2, 1.5 * triples.problem.high + 2);
  const attempt = capped(SOLUTION, attempts.maxTokens);
  const tried = (stage: string, requests: Estimate): Work => ({
    ...{ act, stage, backend: sampler, of: "other", kind: "sample", requests },
    ...{ prompt: times(requests, prompt), completion: times(requests, between(1, attempt.mid, attempts.maxTokens)) },
  });
  const taught = (job: string, rows: Estimate, tokens: Estimate, epochs: number, happens: Estimate): Work => ({
    ...{ act, stage: `training/${job}`, backend: trainer, of: "other", kind: "train", requests: happens },
    ...{ prompt: NOTHING, completion: times(times(rows, tokens), epochs) },
  });
  const tasks = between(0, selfPlay.tasks, selfPlay.tasks);
  const whole = sum([triples.rationale, triples.problem]);
  const asked = exactly(selfPlay.tasks);
  const rollouts = times(tasks, attempts.count);
  const { solver: settings } = selfPlay;
  const parts = Array.from({ length: settings.parts }, (_, i) => i + 1);
  const solutions = between(0, settings.solutions, settings.solutions);
  const rounds = Array.from({ length: selfPlay.rounds }, (_, i) => i + 1);
  return [
    ...parts.flatMap((part) => {
      // Its training ends when it is right often enough.
      const happens = part === 1 ? exactly(1) : between(0, 1, 1);
      const name = `selfplay/solver/part-${part}`;
      const rows = sum([times(solutions, times(SOLUTION, settings.repeats)), times(WORKING, settings.workings)]);
      return [
        taught(name, happens, rows, settings.fit.epochs, happens),
        tried(`${name}/rollouts`, times(exactly(heldOut.dev * heldOut.attempts), happens)),
      ];
    }),
    {
      ...{ act, stage: "selfplay/synthesis/written", backend: p.sample, of: "p", kind: "sample", requests: asked },
      prompt: times(asked, between(0.5 * triples.promptOfP.low, triples.promptOfP.mid, 2 * triples.promptOfP.high)),
      completion: times(asked, capped(between(0.3 * whole.low, whole.mid, synthesize.maxTokens), synthesize.maxTokens)),
    },
    tried("selfplay/labelling/rollouts", times(tasks, labels.generations)),
    tried("selfplay/held-out-0/rollouts", exactly(heldOut.dev * heldOut.attempts)),
    ...rounds.flatMap((round) => {
      const name = `selfplay/round-${round}`;
      const happens = between(0, 1, 1);
      const rows = between(0, 0.3 * rollouts.mid, rollouts.high);
      const learnt = between(1, attempt.mid, attempts.maxTokens);
      const reference: Work = {
        ...{ act, stage: `${name}/reference`, backend: scorer, of: "other", kind: "score", requests: times(rows, 2) },
        prompt: times(times(rows, 2), sum([prompt, learnt])),
        completion: between(0, 0, 2 * rows.high),
      };
      return [
        tried(`${name}/rollouts`, times(rollouts, happens)),
        ...(training.kind === "dpo" ? [reference] : []),
        taught(name, rows, training.kind === "dpo" ? times(learnt, 2) : learnt, training.fit.epochs, happens),
        tried(`selfplay/held-out-${round}/rollouts`, times(exactly(heldOut.dev * heldOut.attempts), happens)),
      ];
    }),
    ...["before", "after"].map((when) =>
      tried(`selfplay/test/${when}/rollouts`, exactly(heldOut.test * heldOut.attempts)),
    ),
  ];
}
