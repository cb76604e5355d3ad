/**
 * The plan of post-training: labels, rollouts, held-out scores and a teacher's traces, as `solver-work.ts` lists them, with the
 * lengths and shares that `plan-trials.ts` finds out by trying a few problems.
 */
import { between, capped, momentsOf, times } from "../analyses/estimate.ts";
import type { Scene } from "./plan-material.ts";
import { answeredSpeed, type Speeds, solverSpeeds, speedsOf } from "./plan-speeds.ts";
import { partyOf, type Response, tryOut } from "./plan-trials.ts";
import type { SolverConfig } from "./solver-config.ts";
import { readHeldOut, readTasks } from "./solver-tasks.ts";
import { solverWork } from "./solver-work.ts";
import type { Work } from "./work.ts";

export interface SolverPlan {
  work: Work[];
  speeds: Speeds;
  probe: { items: number; of: number };
}

export async function planSolver(scene: Scene<SolverConfig>): Promise<SolverPlan> {
  const { session, config } = scene;
  const { context } = session;
  const tasks = await readTasks(context, config);
  const cast = scene.compose(session, config);
  try {
    const party = await partyOf(config, cast);
    const { mean } = momentsOf(tasks.map((task) => party.trainee.prompt(task).length));
    // Exact for the model in training; others spell the same text in more or in fewer tokens.
    const prompt = between(0.6 * mean, mean, 1.6 * mean);
    const tried = await tryOut(scene, party, context.rng.fork("plan").shuffle(tasks), prompt.high);
    const held =
      config.recipe === "math-sft" || config.heldOut === null
        ? []
        : await readHeldOut(context, config.recipe, config.heldOut.file);
    const unlabelled = tasks.filter(({ gold }) => gold === undefined).length;
    const counts = { problems: tasks.length, unlabelled, heldOut: held.length, prompt };
    const work = solverWork(config, counts, tried.outcomes);
    const backends = [...new Set(tried.responses.map(({ backend }) => backend))];
    const answered = speedsOf(backends.map((backend) => [backend, answeredSpeed(scene, backend)]));
    return {
      work: work.map((line) => learnt(line, tried.responses)),
      speeds: new Map([...answered, ...(await solverSpeeds(scene, party, tried.texts))]),
      probe: { items: tried.items, of: tasks.length },
    };
  } finally {
    await cast.close();
  }
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
