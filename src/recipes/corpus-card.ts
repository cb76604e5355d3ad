/** What the dataset card says of a run: its funnel, its seeds, who wrote and judged what, and what was looked for. Reads; decides nothing. */
import { basename } from "node:path";
import { type Drop, type Funnel, funnelTally } from "../analyses/funnel.ts";
import type { CardInput } from "../curate/export/card.ts";
import { tracesJournal } from "../stages/distill.ts";
import { labelsJournal } from "../stages/selfplay/label.ts";
import { difficultyOfRound } from "../stages/selfplay/round.ts";
import { tasksJournal } from "../stages/selfplay/tasks.ts";
import { recordsSoFar } from "../stages/stage.ts";
import { backendOf, fullRoles } from "./backend-config.ts";
import type { Config } from "./config.ts";
import type { Harvest } from "./corpus.ts";
import { DISTILLATION, SELF_PLAY, taskTexts } from "./played.ts";
import { type AnyConfig, writesProblems } from "./run-config.ts";
import type { SolverConfig } from "./solver-config.ts";
import { summarise } from "./summary.ts";

export interface RunCard {
  card: Partial<CardInput>;
  funnel: Funnel;
  /** What the funnel counts: `problems asked for`, and `problems`. */
  of: string;
  unit: string;
}

export async function runCard(folder: string, config: AnyConfig, harvest: Harvest): Promise<RunCard> {
  const { funnel, of, unit = "problems" } = await funnelOf(folder, config, harvest);
  const dropped = (step: string) =>
    funnel.reasons.filter((reason) => reason.step === step).map(({ reason, count }) => ({ reason, count }));
  const card: Partial<CardInput> = {
    description: `${described(config, harvest)} (promptcot, recipe ${config.recipe}, scale ${config.scale}, seed ${config.seed}).`,
    licence: "other",
    funnel: [
      { step: of, kept: funnel.asked, dropped: [] },
      ...funnel.steps.map(({ step, left }) => ({ step, kept: left, dropped: dropped(step) })),
    ],
    seeds: [seedsOf(config)],
    models: modelsOf(config, harvest),
    ...(writesProblems(config) && harvest === "problems" ? { decontamination: comparedWith(config, funnel) } : {}),
  };
  return { card, funnel, of, unit };
}

async function funnelOf(
  folder: string,
  config: AnyConfig,
  harvest: Harvest,
): Promise<{ funnel: Funnel; of: string; unit?: string }> {
  if (config.recipe === "math-sft" && harvest !== "problems")
    return { funnel: await tracesFunnel(folder), of: "answers of the teacher", unit: "answers" };
  if (writesProblems(config) && harvest === "problems")
    return { funnel: (await summarise(folder)).funnel, of: "problems asked for" };
  return { funnel: await tasksFunnel(folder, harvest), of: "problems for the solver" };
}

/** What became of the solver's problems: unfit, without a label that can be believed, or in no round of a useful difficulty. */
async function tasksFunnel(folder: string, harvest: Harvest): Promise<Funnel> {
  const texts = await taskTexts({ folder });
  const tally = funnelTally(harvest === "problems" ? ["fitness"] : ["fitness", "labels", "difficulty"]);
  const taken = harvest === "problems" ? new Map<string, Drop>() : await dropsOfTasks(folder, texts);
  for await (const choice of recordsSoFar({ folder }, tasksJournal)) {
    if (choice.kept) tally.add(taken.get(choice.task.id));
    else tally.add({ step: "fitness", reason: choice.reason, id: choice.id, text: "" });
  }
  return tally.funnel();
}

/** task id → what took it. A task that stays in one round is not taken, whatever the others say. */
async function dropsOfTasks(folder: string, texts: ReadonlyMap<string, string>): Promise<Map<string, Drop>> {
  const drops = new Map<string, Drop>();
  const stays = new Set<string>();
  const take = (step: string, id: string, reason: string) =>
    void drops.set(id, { step, reason, id, text: texts.get(id) ?? "" });
  for await (const label of recordsSoFar({ folder }, labelsJournal(SELF_PLAY)))
    if (label.source === "quarantine") take("labels", label.taskId, label.reason);
  for (let round = 1; ; round++) {
    let tasks = 0;
    for await (const sifted of recordsSoFar({ folder }, difficultyOfRound(`${SELF_PLAY}/round-${round}`))) {
      tasks++;
      if (sifted.dropped === null) stays.add(sifted.taskId);
      else take("difficulty", sifted.taskId, sifted.dropped);
    }
    if (tasks === 0) break;
  }
  for (const id of stays) drops.delete(id);
  return drops;
}

async function tracesFunnel(folder: string): Promise<Funnel> {
  const tally = funnelTally(["form and length"]);
  for await (const trace of recordsSoFar({ folder }, tracesJournal(DISTILLATION)))
    tally.add(
      trace.kept ? undefined : { step: "form and length", reason: trace.reason, id: trace.id, text: trace.text },
    );
  return tally.funnel();
}

function described(config: AnyConfig, harvest: Harvest): string {
  if (harvest === "pairs")
    return "Preference pairs of self-play: a right and a wrong attempt of one model at one problem";
  if (harvest === "solutions")
    return config.recipe === "math-sft"
      ? "A teacher's solutions, kept by their form, their length and, if it was asked for, their answer"
      : "Solutions of self-play: attempts that the grader calls right, whole and of valid form";
  return writesProblems(config)
    ? "Problems written by the method of PromptCoT 2.0, from concepts through a rationale"
    : "Problems with the answers that are believed, and the share of a model's attempts that were right";
}

function seedsOf(config: AnyConfig): CardInput["seeds"][number] {
  if (config.recipe === "pocket")
    return { name: "generated by promptcot's pocket domain", licence: "MIT", rows: config.seeds.count };
  const file = config.recipe === "seeds" ? config.seeds.file : config.problems.file;
  return { name: basename(file), licence: "not stated: name it with --card" };
}

function modelsOf(config: AnyConfig, harvest: Harvest): CardInput["models"] {
  return writesProblems(config) ? writingModels(config, harvest) : solvingModels(config);
}

function writingModels(config: Config, harvest: Harvest): CardInput["models"] {
  const { annotators, writer } = fullRoles(config);
  const own =
    "from" in config.model
      ? config.model.from
      : `a ${config.model.architecture} model trained from scratch by this run`;
  const written = writer === undefined ? own : spoken(config, writer);
  return [
    ...annotators.map((name) => ({ role: "annotates seeds", name: spoken(config, name) })),
    { role: "writes rationale and problem", name: written },
    ...(harvest === "problems" ? [] : [{ role: "votes for answers, and solves", name: own }]),
  ];
}

function solvingModels(config: SolverConfig): CardInput["models"] {
  const { labeller, teacher } = fullRoles(config);
  const { from } = config.model;
  if (config.recipe === "math-sft")
    return [{ role: "writes the solutions", name: teacher === undefined ? from : spoken(config, teacher) }];
  return [
    { role: "solves, and is trained", name: from },
    { role: "labels", name: labeller === undefined ? from : spoken(config, labeller) },
  ];
}

/** What a backend's model is called by those who serve it. */
function spoken({ backends = {} }: Pick<AnyConfig, "backends">, name: string): string {
  const backend = backendOf(backends, name);
  if (backend?.kind === "embedded" || backend?.kind === "gguf") return backend.checkpoint ?? name;
  if (backend?.kind !== "openai") return name;
  const { model, weights, checkpoint } = backend;
  return weights.kind === "pinned" ? `${model} (${weights.version})` : (checkpoint ?? model);
}

function comparedWith(config: Config, { steps }: Funnel): NonNullable<CardInput["decontamination"]> {
  const { against, ngram } = config.curate.decontaminate;
  const dropped = steps.find(({ step }) => step === "decontamination")?.dropped ?? 0;
  return { ngram, benchmarks: against.map((path) => basename(path)), dropped };
}
