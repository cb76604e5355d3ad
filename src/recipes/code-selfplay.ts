/**
 * Self-play on programming problems (PAPER.md §5), over a model and problems that are there already: tests drafted and validated,
 * rollouts run in sandboxes, pairs, DPO. The whole experiment, on one screen.
 */
import { openCheckpoint } from "../lm/embedded/checkpoint.ts";
import { type Cast, compose } from "./backends.ts";
import { codeLabels } from "./code-labels.ts";
import type { Session } from "./session.ts";
import type { CodeSelfPlayConfig } from "./solver-config.ts";
import { codeSolving } from "./solver-graders.ts";
import { speakingSolver, traineeOf } from "./solver-parties.ts";
import { play } from "./solver-play.ts";
import { readTasks } from "./solver-tasks.ts";

export async function codeSelfPlay(
  session: Session,
  config: CodeSelfPlayConfig,
  cast: Cast = compose(session, config),
): Promise<void> {
  const { context } = session;
  const { labels, family, model } = config;
  const { grader, extract, sandbox, close } = codeSolving();
  try {
    const tasks = await session.act("problems", () => readTasks(context, config));
    const { solver: parts, labeller } = cast;
    if (parts === undefined) throw new Error("roles.solver has a default");
    const trainee = await traineeOf(parts, await openCheckpoint(model.from), family, "program");
    const drafter = labeller === undefined ? trainee.solver : await speakingSolver(labeller, labels.family, "program");
    await play(session, config, {
      ...{ tasks, trainee, parts, grader, extract, leastMargin: 0 },
      labels: codeLabels(drafter, config, sandbox, context.rng.fork("tests")),
    });
  } finally {
    await close();
    await cast.close();
  }
}
