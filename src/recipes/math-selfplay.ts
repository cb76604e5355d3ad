/**
 * Self-play on mathematics (PAPER.md §5), over a model and problems that are there already: labels by majority vote, rollouts of the
 * model in training, pairs, DPO. The whole experiment, on one screen.
 */
import { openCheckpoint } from "../lm/embedded/checkpoint.ts";
import type { LabelSource } from "../stages/selfplay/label.ts";
import type { Solver } from "../stages/selfplay/solver.ts";
import { type Cast, compose } from "./backends.ts";
import type { Session } from "./session.ts";
import type { MathSelfPlayConfig } from "./solver-config.ts";
import { mathSolving } from "./solver-graders.ts";
import { speakingSolver, traineeOf } from "./solver-parties.ts";
import { play } from "./solver-play.ts";
import { readTasks } from "./solver-tasks.ts";

export async function mathSelfPlay(
  session: Session,
  config: MathSelfPlayConfig,
  cast: Cast = compose(session, config),
): Promise<void> {
  const { context } = session;
  const { labels, profile, family, model } = config;
  try {
    const tasks = await session.act("problems", () => readTasks(context, config));
    const { solver: parts, labeller } = cast;
    if (parts === undefined) throw new Error("roles.solver has a default");
    const trainee = await traineeOf(parts, await openCheckpoint(model.from), family, "math");
    const { grader, extract } = mathSolving(profile);
    // Without a labeller the model votes for itself.
    const voter = labeller === undefined ? trainee.solver : await speakingSolver(labeller, labels.family, "math");
    await play(session, config, {
      ...{ tasks, trainee, parts, grader, extract, leastMargin: labels.vote.leastMargin },
      labels: votedLabels(config, voter),
    });
  } finally {
    await cast.close();
  }
}

export function votedLabels({ labels, profile }: MathSelfPlayConfig, labeller: Solver): LabelSource {
  const { extract, vote } = mathSolving(profile);
  return { kind: "majority", labeller, attempts: labels.attempts, rules: labels.vote, extract, vote };
}
