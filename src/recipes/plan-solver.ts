/**
 * The plan of post-training: labels, rollouts, held-out scores and a teacher's traces, as `solver-work.ts` lists them. A few
 * problems are tried as the run would try them, by the same models with the same seeds, to learn how long responses are.
 */
import { join } from "node:path";
import { between, capped, type Estimate, momentsOf, times } from "../analyses/estimate.ts";
import { messageOf, PromptCotError } from "../core/errors.ts";
import { openCheckpoint } from "../lm/embedded/checkpoint.ts";
import type { Task } from "../stages/selfplay/records.ts";
import { rollOut } from "../stages/selfplay/rollout.ts";
import type { Attempts, Solver } from "../stages/selfplay/solver.ts";
import { fullRoles } from "./backend-config.ts";
import { compose } from "./backends.ts";
import { askedFor, PROBE, type Scene } from "./plan-material.ts";
import { answeredSpeed, type Speeds, speedsOf } from "./plan-speeds.ts";
import type { SolverConfig } from "./solver-config.ts";
import { speakingSolver, traineeOf } from "./solver-parties.ts";
import { readHeldOut, readTasks } from "./solver-tasks.ts";
import { solverWork } from "./solver-work.ts";
import type { Work } from "./work.ts";

export interface SolverPlan {
  work: Work[];
  speeds: Speeds;
  probe: { items: number; of: number };
}

/** A stage that lets a model try problems. */
interface Trial {
  /** The stage's name before `/rollouts`. */
  name: string;
  backend: string;
  solver: Solver;
  tasks: readonly Task[];
  attempts: Attempts;
  chance: string;
}

export async function planSolver(scene: Scene<SolverConfig>): Promise<SolverPlan> {
  const { session, config } = scene;
  const { context } = session;
  const tasks = await readTasks(context, config.problems.file, config.problems.strict);
  const cast = compose(session, config);
  try {
    const { trials, prompt } = await trialsOf(scene, cast, tasks);
    const responses: Response[] = [];
    for (const trial of trials) responses.push(...(await tried(scene, trial)));
    const held =
      config.recipe === "math-sft" || config.heldOut === null ? [] : await readHeldOut(context, config.heldOut.file);
    const unlabelled = tasks.filter(({ gold }) => gold === undefined).length;
    const work = solverWork(config, { problems: tasks.length, unlabelled, heldOut: held.length, prompt });
    const backends = [...new Set(trials.map(({ backend }) => backend))];
    return {
      work: work.map((line) => learnt(line, responses)),
      speeds: speedsOf(backends.map((backend) => [backend, answeredSpeed(scene, backend)])),
      probe: { items: responses.length === 0 ? 0 : Math.min(scene.count, tasks.length), of: tasks.length },
    };
  } finally {
    await cast.close();
  }
}

/** Who tries what before anything is trained; the last one is whom training learns from. */
async function trialsOf(
  { config }: Scene<SolverConfig>,
  cast: ReturnType<typeof compose>,
  tasks: readonly Task[],
): Promise<{ trials: Trial[]; prompt: Estimate }> {
  const roles = fullRoles(config);
  const { solver: parts, labeller, teacher } = cast;
  if (parts === undefined) throw new Error("roles.solver has a default");
  const subject = config.recipe === "code-selfplay" ? "program" : "math";
  const trainee = await traineeOf(parts, await openCheckpoint(config.model.from), config.family, subject);
  const own = roles.solver?.sample ?? "embedded";
  const { mean } = momentsOf(tasks.map((task) => trainee.prompt(task).length));
  // Exact for the model in training; others spell the same text in more or in fewer tokens.
  const prompt = between(0.6 * mean, mean, 1.6 * mean);
  if (config.recipe === "math-sft") {
    if (teacher === undefined) return { trials: [], prompt };
    const solver = await speakingSolver(teacher, config.teacher.family, subject);
    const { attempts } = config.teacher;
    const trial = { name: "distill/teacher", backend: teacher.name, solver, tasks, attempts, chance: "teacher" };
    return { trials: [trial], prompt };
  }
  const { attempts } = config.selfPlay;
  const round = { name: "selfplay/round-1", backend: own, solver: trainee.solver };
  const trials: Trial[] = [{ ...round, tasks, attempts, chance: "round-1" }];
  const open = tasks.filter(({ gold }) => gold === undefined);
  if (config.recipe === "code-selfplay" || open.length === 0) return { trials, prompt };
  const voter = labeller === undefined ? trainee.solver : await speakingSolver(labeller, config.labels.family, subject);
  const labels = { name: "selfplay/labelling", backend: labeller?.name ?? own, solver: voter };
  const labelling = { ...labels, tasks: open, attempts: config.labels.attempts, chance: "labels" };
  return { trials: [labelling, ...trials], prompt };
}

/** How long the questions and responses of a stage were, on average. */
interface Response {
  stage: string;
  backend: string;
  prompt: Estimate;
  completion: Estimate;
}

/** Lets the model try a few of the tasks; empty where it cannot be tried yet. */
async function tried(scene: Scene<SolverConfig>, trial: Trial): Promise<Response[]> {
  const { session, config, items, count, notes } = scene;
  const { name, backend, solver, tasks, attempts, chance } = trial;
  const some = session.context.rng.fork("plan", name).shuffle(tasks).slice(0, count);
  if (some.length === 0) return [];
  try {
    const model = await solver.backend.open(solver.checkpoint, session.context); // once for all
    try {
      const own = (task: Task, i: number) => {
        const context = { ...session.context, folder: join(session.context.folder, PROBE, String(i)) };
        const stage = { name, solver, tasks: [task], attempts, chance, together: config.together };
        return items.run(task.id, () => rollOut(context, stage));
      };
      const ended = await Promise.allSettled(some.map(own));
      for (const one of ended) if (one.status === "rejected") throw one.reason;
    } finally {
      await model.close();
    }
  } catch (error) {
    if (!(error instanceof PromptCotError)) throw error;
    notes.push(`${backend} was not tried out: ${messageOf(error)}`);
    return [];
  }
  const scaled = askedFor(scene, { act: "", probed: some.length, all: tasks.length });
  const requests = tasks.length * attempts.count;
  return scaled.flatMap(({ stage, prompt, completion, ...found }) =>
    stage === `${name}/rollouts` && found.backend === backend
      ? [{ stage, backend, prompt: times(prompt, 1 / requests), completion: times(completion, 1 / requests) }]
      : [],
  );
}

/** How much longer or shorter responses may become once the model is trained, or to other problems. */
const LATER = between(0.5, 1, 2);

/** A stage's work with the lengths that were learnt: its own, or those of another stage of the same backend. */
function learnt(work: Work, responses: readonly Response[]): Work {
  if (work.kind !== "sample") return work;
  const own = responses.find(({ stage, backend }) => stage === work.stage && backend === work.backend);
  const other = responses.findLast(({ backend }) => backend === work.backend);
  const found = own ?? other;
  if (found === undefined) return work;
  const { prompt, completion } = found;
  if (own !== undefined) {
    return { ...work, prompt: times(work.requests, prompt), completion: times(work.requests, completion) };
  }
  const most = work.requests.high === 0 ? 0 : work.completion.high / work.requests.high;
  return { ...work, completion: times(work.requests, capped(times(completion, LATER), most)) };
}
