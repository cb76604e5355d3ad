/**
 * A few problems, tried as the run would try them, by the same models with the same seeds: how long responses are, which problems
 * get a label, and what comes of them. The run finds the answers in the ledger.
 */
import { join } from "node:path";
import { between, type Estimate, exactly, momentsOf, sum, times, totalFrom, unvaried } from "../analyses/estimate.ts";
import { messageOf, PromptCotError } from "../core/errors.ts";
import type { Checkpoint, TokenIds } from "../lm/contract.ts";
import { openCheckpoint } from "../lm/embedded/checkpoint.ts";
import { label } from "../stages/selfplay/label.ts";
import type { Label, Task } from "../stages/selfplay/records.ts";
import { rollOut } from "../stages/selfplay/rollout.ts";
import type { Solver } from "../stages/selfplay/solver.ts";
import type { StageContext } from "../stages/stage.ts";
import { EMBEDDED, fullRoles } from "./backend-config.ts";
import type { Cast } from "./backends.ts";
import { codeLabels } from "./code-labels.ts";
import { votedLabels } from "./math-selfplay.ts";
import { distilling } from "./math-sft.ts";
import { askedByItem, PROBE, type Scene } from "./plan-material.ts";
import { fateInRound, fateOfTraces, outcomesOf } from "./plan-outcomes.ts";
import { labelled } from "./pocket-selfplay.ts";
import type { CodeSelfPlayConfig, MathSelfPlayConfig, MathSftConfig, SolverConfig } from "./solver-config.ts";
import { codeSolving, mathSolving } from "./solver-graders.ts";
import { speakingSolver, type Trainee, traineeOf } from "./solver-parties.ts";
import { allowed, labelledOf, mostOf, type Outcomes } from "./solver-work.ts";

/** How long the questions and responses of a stage were, on average. */
export interface Response {
  stage: string;
  backend: string;
  prompt: Estimate;
  completion: Estimate;
}

export interface Tried {
  /** Problems that were looked at. */
  items: number;
  responses: Response[];
  /** Undefined where none could be tried. */
  outcomes: Outcomes | undefined;
  /** What was written, as the model in training reads it: to find out how fast it is scored and taught. */
  texts: Written[];
}

export interface Written {
  prompt: TokenIds;
  completion: TokenIds;
}

const NOTHING: Tried = { items: 0, responses: [], outcomes: undefined, texts: [] };

/** Whose answers a plan looks at: the model in training, and who labels or teaches. */
export interface Party {
  trainee: Trainee;
  parts: NonNullable<Cast["solver"]>;
  checkpoint: Checkpoint;
  /** Its own backend's name. */
  own: string;
  speaker: Voice | undefined;
}

interface Voice {
  name: string;
  solver: Solver;
}

export async function partyOf(config: SolverConfig, { solver: parts, labeller, teacher }: Cast): Promise<Party> {
  if (parts === undefined) throw new Error("roles.solver has a default");
  const subject = config.recipe === "code-selfplay" ? "program" : "math";
  const checkpoint = await openCheckpoint(config.model.from);
  const trainee = await traineeOf(parts, checkpoint, config.family, subject);
  const own = fullRoles(config).solver?.sample ?? EMBEDDED;
  const distilled = config.recipe === "math-sft";
  const voice = distilled ? teacher : labeller;
  const family = distilled ? config.teacher.family : config.labels.family;
  const speaker = voice && { name: voice.name, solver: await speakingSolver(voice, family, subject) };
  return { trainee, parts, checkpoint, own, speaker };
}

/** @param shuffled all problems; the first ones are tried. @param prompt tokens of a prompt at most */
export async function tryOut(
  scene: Scene<SolverConfig>,
  party: Party,
  shuffled: readonly Task[],
  prompt: number,
): Promise<Tried> {
  const { config, count } = scene;
  if (count === 0) return NOTHING;
  return config.recipe === "math-sft"
    ? tryTeacher({ ...scene, config }, party, shuffled, prompt)
    : tryRound({ ...scene, config }, party, shuffled, prompt);
}

/** The teacher's traces of a few problems, and which of them are kept. */
async function tryTeacher(
  scene: Scene<MathSftConfig>,
  { speaker, trainee, parts, checkpoint }: Party,
  shuffled: readonly Task[],
  prompt: number,
): Promise<Tried> {
  const { config, count } = scene;
  if (speaker === undefined) return NOTHING;
  const { together, shardSize } = config;
  const { attempts } = config.teacher;
  const name = "distill/teacher";
  const { prompt: promptOf, completion } = trainee;
  const { rules, student } = distilling(config, { checkpoint, trainer: parts.trainer, prompt: promptOf, completion });
  const texts: Written[] = [];
  const fates = await tried(scene, speaker, shuffled.slice(0, count), async (context, task) => {
    const stage = { name, solver: speaker.solver, tasks: [task], attempts, chance: "teacher", together };
    const answers = await rollOut(context, stage);
    for (const one of answers) if (one.ok) texts.push({ prompt: promptOf(task), completion: completion(one.text) });
    return fateOfTraces(context, { name: "distill", rules, student, shardSize }, task, answers);
  });
  return {
    items: fates.length,
    responses: responsesOf(scene, `${name}/rollouts`, speaker.name, {
      ...lengthsOf(trainee, shuffled.slice(0, fates.length), shuffled),
      each: attempts.count,
    }),
    outcomes: outcomesOf(fates, exactly(shuffled.length), mostOf(config, prompt)),
    texts,
  };
}

type RoundScene = Scene<MathSelfPlayConfig | CodeSelfPlayConfig>;

/** Labels of a few problems, the first round's attempts at those that have one, and what comes of them. */
async function tryRound(scene: RoundScene, party: Party, shuffled: readonly Task[], prompt: number): Promise<Tried> {
  const { config, count } = scene;
  const { trainee, own } = party;
  const { together, shardSize } = config;
  const voter = party.speaker ?? { name: own, solver: trainee.solver };
  const judge = judgeOf(scene, voter.solver);
  try {
    const open = shuffled.filter(({ gold }) => gold === undefined);
    const stage = { name: "selfplay", source: judge.labels, together, shardSize };
    const made = await tried(scene, voter, open.slice(0, count), (context, task) =>
      label(context, { ...stage, tasks: [task] }),
    );
    const labels = made.flat();
    const name = "selfplay/round-1";
    const { attempts } = config.selfPlay;
    const rules = { ...judge, name, config, prompt: trainee.prompt };
    const texts: Written[] = [];
    const takingPart = labelled(shuffled, [...labels, ...givenLabels(shuffled)]).slice(0, count);
    const fates = await tried(scene, { name: own, solver: trainee.solver }, takingPart, async (context, one) => {
      const round = { name, solver: trainee.solver, attempts, chance: "round-1", together };
      const rollouts = await rollOut(context, { ...round, tasks: [one.task] });
      for (const made of rollouts) {
        if (made.ok && made.ids?.length) texts.push({ prompt: trainee.prompt(one.task), completion: made.ids });
      }
      return fateInRound(context, rules, one, rollouts);
    });
    const all = sum([exactly(shuffled.length - open.length), labelledShare(labels, open.length)]);
    return {
      items: Math.max(labels.length, fates.length),
      responses: [
        ...responsesOf(scene, judge.stage, voter.name, {
          ...lengthsOf(trainee, open.slice(0, labels.length), open),
          each: judge.questions,
        }),
        ...responsesOf(scene, `${name}/rollouts`, own, {
          ...lengthsOf(
            trainee,
            takingPart.slice(0, fates.length).map(({ task }) => task),
            shuffled,
          ),
          ...{ each: attempts.count, all: Math.round(all.mid) },
        }),
      ],
      outcomes: outcomesOf(fates, all, mostOf(config, prompt)) ?? allowed(config, all, prompt),
      texts,
    };
  } finally {
    await judge.close();
  }
}

/** Tokens of the prompts of those tried, and of all. */
function lengthsOf({ prompt }: Trainee, some: readonly Task[], of: readonly Task[]): Omit<Questions, "each"> {
  const length = (task: Task) => prompt(task).length;
  return { own: some.map(length), all: of.length, mean: momentsOf(of.map(length)).mean };
}

/** How a field labels and judges, where its labels are booked, and how many questions a label takes. */
function judgeOf({ session, config }: RoundScene, voter: Solver) {
  if (config.recipe === "math-selfplay") {
    const { grader, extract } = mathSolving(config.profile);
    const { attempts, vote } = config.labels;
    return {
      ...{ grader, extract, leastMargin: vote.leastMargin, labels: votedLabels(config, voter) },
      ...{ stage: "selfplay/labelling/rollouts", questions: attempts.count, close: () => Promise.resolve() },
    };
  }
  const { grader, extract, sandbox, close } = codeSolving();
  const { tests, solutions } = config.labels;
  return {
    ...{ grader, extract, leastMargin: 0, stage: "selfplay/labels", questions: tests + solutions, close },
    labels: codeLabels(voter, config, sandbox, session.context.rng.fork("tests")),
  };
}

function givenLabels(tasks: readonly Task[]): Label[] {
  return tasks.flatMap(({ id, gold }) => (gold === undefined ? [] : [{ source: "given", taskId: id, gold }]));
}

/** How many of the open problems get a label, by those that did of the ones tried. */
function labelledShare(labels: readonly Label[], open: number): Estimate {
  if (labels.length === 0) return labelledOf(0, open);
  const moments = momentsOf(labels.map(({ source }) => (source === "quarantine" ? 0 : 1)));
  const { low, mid, high } =
    moments.deviation === 0 ? unvaried(moments.mean, moments.n, open, { least: 0, most: 1 }) : totalFrom(moments, open);
  return { low, mid, high: Math.min(high, open) };
}

/** Carries out what is asked for each item, all at once, each under its own name; empty where the model cannot be tried yet. */
async function tried<Item, Found>(
  { session, items: names, notes }: Pick<RoundScene, "session" | "items" | "notes">,
  { name, solver }: Voice,
  items: readonly Item[],
  work: (context: StageContext, item: Item) => Promise<Found>,
): Promise<Found[]> {
  if (items.length === 0) return [];
  try {
    const model = await solver.backend.open(solver.checkpoint, session.context); // once for all
    try {
      const own = (item: Item, i: number) => {
        const context = { ...session.context, folder: join(session.context.folder, PROBE, String(i)) };
        return names.run(String(i), () => work(context, item));
      };
      const ended = await Promise.allSettled(items.map(own));
      return ended.map((one) => {
        if (one.status === "rejected") throw one.reason;
        return one.value;
      });
    } finally {
      await model.close();
    }
  } catch (error) {
    if (!(error instanceof PromptCotError)) throw error;
    notes.push(`${name} was not tried out: ${messageOf(error)}`);
    return [];
  }
}

/** A mean of ratios is biased a little where there are few (Cochran 1977, §6.8); what text costs beside the problem is no ratio. */
const BIAS = between(0.98, 1, 1.02);

interface Questions {
  /** For each of the items tried, in order: tokens of its prompt, as the model in training reads it. */
  own: readonly number[];
  /** How many items there are, and how long their prompts are on average. */
  all: number;
  mean: number;
  /** Questions that each item asks. */
  each: number;
}

/**
 * Lengths of a stage's questions and responses, each a mean over all items. All prompts are known as the model in training reads
 * them; how much longer others spell the same text is found out by the ratio (Cochran 1977, ch. 6).
 */
function responsesOf(
  scene: Pick<RoundScene, "booked">,
  stage: string,
  backend: string,
  { own, all, mean, each }: Questions,
): Response[] {
  const found = askedByItem(scene).find((asked) => asked.stage === stage && asked.backend === backend);
  if (own.length === 0 || found === undefined) return [];
  const meanOf = (values: readonly number[]) => {
    const moments = momentsOf(values);
    const count = Math.max(all, moments.n);
    const total = moments.deviation === 0 ? unvaried(moments.mean, moments.n, count) : totalFrom(moments, count);
    return times(total, 1 / count);
  };
  const asked = (i: number) => found.items.get(String(i)) ?? { prompt: 0, completion: 0 };
  const ratio = meanOf(own.map((tokens, i) => asked(i).prompt / (each * tokens)));
  const completion = meanOf(own.map((_, i) => asked(i).completion / each));
  return [{ stage, backend, prompt: times(times(ratio, BIAS), mean), completion }];
}
