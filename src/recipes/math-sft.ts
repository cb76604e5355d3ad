/**
 * SFT of a weaker model on a teacher's traces (PAPER.md §5): one trace per problem, kept with an extractable answer, within length
 * bounds. The whole experiment, on one screen.
 */
import { PromptCotError } from "../core/errors.ts";
import { openCheckpoint } from "../lm/embedded/checkpoint.ts";
import { distill, type Student, type TraceRules } from "../stages/distill.ts";
import { type Cast, compose } from "./backends.ts";
import { fitOf } from "./fit-config.ts";
import type { Session } from "./session.ts";
import type { MathSftConfig } from "./solver-config.ts";
import { mathSolving } from "./solver-graders.ts";
import { speakingSolver, traineeOf } from "./solver-parties.ts";
import { readTasks } from "./solver-tasks.ts";

export async function mathSft(
  session: Session,
  config: MathSftConfig,
  cast: Cast = compose(session, config),
): Promise<void> {
  const { context } = session;
  const { teacher, family, model, together, shardSize } = config;
  try {
    const tasks = await session.act("problems", () => readTasks(context, config));
    const { solver: parts } = cast;
    if (parts === undefined) throw new Error("roles.solver has a default");
    if (cast.teacher === undefined) throw noTeacher();
    const checkpoint = await openCheckpoint(model.from);
    const { prompt, completion } = await traineeOf(parts, checkpoint, family, "math");
    const speaker = await speakingSolver(cast.teacher, teacher.family, "math");
    await session.act("distillation", () =>
      distill(context, {
        ...{ name: "distill", tasks, teacher: speaker, attempts: teacher.attempts, together, shardSize, beside: [] },
        ...distilling(config, { checkpoint, trainer: parts.trainer, prompt, completion }),
      }),
    );
  } finally {
    await cast.close();
  }
}

/** Who is taught, and by which traces. */
export function distilling(
  { profile, traces, fit }: MathSftConfig,
  student: Omit<Student, "fit">,
): { student: Student; rules: TraceRules } {
  const { grader, extract } = mathSolving(profile);
  return {
    student: { ...student, fit: fitOf(fit) },
    rules: {
      ...{ extract, leastTokens: traces.leastTokens, mostTokens: traces.mostTokens },
      validity: { thought: traces.thought, scripts: [] },
      agree: traces.agree ? { grader } : null,
    },
  };
}

function noTeacher(): PromptCotError {
  return new PromptCotError({
    ...{ boundary: "config", code: "no-teacher", message: "math-sft needs a teacher, and roles.teacher names none" },
    next: "name a backend that samples in roles.teacher",
  });
}
