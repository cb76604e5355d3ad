/**
 * What a run has to do, stage by stage, from its config and a few counts: how many questions each stage puts to whom, and how
 * long they are. The stages' names are those under which usage is booked. Pure: it opens nothing and asks nobody.
 */
import { between, capped, type Estimate, exactly, NOTHING, sum, times } from "../analyses/estimate.ts";
import { fullRoles } from "./backend-config.ts";
import { type Config, noiseOf } from "./config.ts";
import { selfPlayWork } from "./selfplay-work.ts";

export type WorkKind = "sample" | "score" | "train";

/** Work that one stage puts to one backend. Tokens are those of all requests together. */
export interface Work {
  /** Where it belongs in a table for people: `EM round 1`. */
  act: string;
  /** The stage's journal: `em/round-1/draws`. */
  stage: string;
  backend: string;
  /** Whose weights are at work. */
  of: "q" | "p" | "other";
  kind: WorkKind;
  /** Samples or scores; jobs, for training. */
  requests: Estimate;
  prompt: Estimate;
  /** Tokens written; for training, tokens taught over all epochs. */
  completion: Estimate;
}

/** How many there are of some texts, and their mean lengths in tokens, markers and terminators included. */
export interface Group {
  count: Estimate;
  /** Concepts, as `p` is given them. */
  promptOfP: Estimate;
  /** Concepts and problem, as `q` is given them. */
  promptOfQ: Estimate;
  /** A rationale as annotators write it, and a problem. */
  rationale: Estimate;
  problem: Estimate;
}

/** What there is to work on. */
export interface Extent {
  /** Annotated training seeds that fit the context: what the cold start is taught. */
  triples: Group;
  /** Pairs that take part in EM, and those that it is measured on. */
  train: Group;
  dev: Group;
  test: Group;
  /** Concept sets to synthesize from. */
  sets: Pick<Group, "count" | "promptOfP">;
}

/**
 * What nobody can know before the models are trained. A rationale may come out at between so many times its teachers' mean and
 * the limit; and so many of the draws are well formed, of a model that was there already and of one trained from scratch.
 */
const SHORTEST = 0.3;
const WELL_FORMED = { given: between(0.3, 0.95, 1), fresh: between(0, 0.8, 1) };

/** Fewest pairs whose candidates are scored twice, to measure noise (stages/em/noise.ts). */
const LEAST_NOISE_PAIRS = 8;

export function workOf(config: Config, extent: Extent): Work[] {
  const plan = planner(config, extent);
  return [
    ...plan.coldStart(),
    ...plan.measure("EM round 0", "em/round-0/dev", extent.dev, config.em.measureDraws, exactly(1)),
    ...rounds(config).flatMap(({ round, happens }) => plan.round(round, happens)),
    ...config.em.controls.flatMap((teach) => plan.control(teach)),
    ...(["before", "after"] as const).flatMap((when) =>
      plan.measure("test", `test/${when}`, extent.test, config.em.testDraws, exactly(1)),
    ),
    ...plan.synthesis(),
    ...(config.recipe === "pocket" ? selfPlayWork(config, extent) : []),
  ];
}

/** The rounds of EM; a later one happens only if the loop has not converged and no alarm has stopped it. */
function rounds({ em }: Config): { round: number; happens: Estimate }[] {
  const mayEnd = em.tolerance > 0 || em.stopOnAlarm;
  return Array.from({ length: em.rounds }, (_, i) => ({
    round: i + 1,
    happens: i > 0 && mayEnd ? between(0, 1, 1) : exactly(1),
  }));
}

function planner(config: Config, { triples, train: training, dev, sets }: Extent) {
  const { em, coldStart, synthesize } = config;
  const roles = fullRoles(config);
  const hasEStep = em.teach === "greedy" || em.teach === "chosen";
  const wellFormed = "from" in config.model ? WELL_FORMED.given : WELL_FORMED.fresh;
  /** What a model writes that has yet to be trained, where its teachers wrote so much. */
  const drawn = ({ low, mid }: Estimate, most: number) => capped(between(SHORTEST * low, mid, most), most);
  const rationaleOf = ({ rationale }: Group) => drawn(rationale, em.maxRationaleTokens);
  /** A pair without a well-formed draw keeps the rationale that it had. */
  const taughtOf = (group: Group) => {
    const { low, mid, high } = rationaleOf(group);
    return between(low, mid, Math.max(high, group.rationale.high));
  };

  const sample = (act: string, stage: string, requests: Estimate, group: Group): Work => ({
    ...{ act, stage, backend: roles.q.sample, of: "q", kind: "sample", requests },
    ...{ prompt: times(requests, group.promptOfQ), completion: times(requests, rationaleOf(group)) },
  });
  /** Rationales `z` and problems of a group, scored together. */
  const score = (
    { act, stage, backend = roles.p.score }: { act: string; stage: string; backend?: string },
    requests: Estimate,
    group: Group,
    z: Estimate,
  ): Work => ({
    ...{ act, stage, backend, of: "p", kind: "score", requests },
    prompt: times(requests, sum([group.promptOfP, z, group.problem])),
    completion: between(0, 0, requests.high), // servers write a token after what they score
  });
  const train = (
    { act, job, which }: { act: string; job: string; which: "q" | "p" },
    rows: Estimate,
    taught: Estimate,
    epochs: number,
    happens = exactly(1),
  ): Work => ({
    ...{ act, stage: job, backend: roles[which].train, of: which, kind: "train", requests: happens, prompt: NOTHING },
    completion: times(times(times(rows, taught), epochs), happens),
  });

  /** Greedy and fresh draws of each pair, scored beside the annotator's rationale and none at all. */
  const measure = (act: string, stage: string, group: Group, draws: number, happens: Estimate): Work[] => {
    const given = times(group.count, happens);
    const asked = times(given, 1 + draws);
    return [
      sample(act, `${stage}-draws`, asked, group),
      together([
        score({ act, stage }, given, group, group.rationale),
        score({ act, stage }, given, group, exactly(1)),
        score({ act, stage }, times(asked, wellFormed), group, rationaleOf(group)),
      ]),
    ];
  };

  /** Some candidates scored again, and by a second engine. */
  const noise = (act: string, name: string, happens: Estimate): Work[] => {
    const share = noiseOf(config)?.share ?? 0;
    if (share === 0) return [];
    const wanted = Math.max(LEAST_NOISE_PAIRS, Math.ceil(share * training.count.mid));
    const again = times(times(times(capped(training.count, wanted), em.candidates), wellFormed), happens);
    const { reference } = roles.p;
    const z = rationaleOf(training);
    return [
      score({ act, stage: `${name}/noise-again` }, again, training, z),
      ...(reference === undefined
        ? []
        : [score({ act, stage: `${name}/noise-reference`, backend: reference }, again, training, z)]),
    ];
  };

  return {
    measure,
    coldStart(): Work[] {
      const act = "cold start";
      const { rationale, problem } = triples;
      const stage = "coldstart/gate";
      return [
        train(
          { act, job: "training/coldstart/p", which: "p" },
          triples.count,
          sum([rationale, problem]),
          coldStart.p.epochs,
        ),
        train({ act, job: "training/coldstart/q", which: "q" }, triples.count, rationale, coldStart.q.epochs),
        together([
          score({ act, stage }, dev.count, dev, dev.rationale),
          score({ act, stage }, dev.count, dev, exactly(1)),
        ]),
      ];
    },
    round(round: number, happens: Estimate): Work[] {
      const act = `EM round ${round}`;
      const name = `em/round-${round}`;
      const pairs = times(training.count, happens);
      const draws = times(pairs, em.candidates);
      const z = rationaleOf(training);
      // A rule with weights teaches several candidates of a pair.
      const several = em.select.startsWith("posterior") ? between(1, 2, em.candidates) : exactly(1);
      const eStep = [
        sample(act, `${name}/draws`, draws, training),
        score({ act, stage: `${name}/candidates` }, times(draws, wellFormed), training, z),
        train(
          { act, job: `training/${name}/q`, which: "q" },
          times(training.count, several),
          taughtOf(training),
          em.q.epochs,
          happens,
        ),
        ...noise(act, name, happens),
        sample(act, `${name}/rationales`, pairs, training),
      ];
      const decodes = em.teach === "redrawn" || round === 1;
      const taught = sum([taughtOf(training), training.problem]);
      return [
        ...(hasEStep ? eStep : decodes ? [sample(act, `${name}/rationales`, pairs, training)] : []),
        train({ act, job: `training/${name}/p`, which: "p" }, training.count, taught, em.p.epochs, happens),
        ...measure(act, `${name}/dev`, dev, em.measureDraws, happens),
      ];
    },
    control(teach: Config["em"]["controls"][number]): Work[] {
      const act = `control: ${teach}`;
      const name = `controls/${teach}`;
      const taught = sum([taughtOf(training), training.problem]);
      const each = rounds(config).flatMap(({ round, happens }): Work[] => [
        ...(round === 1 || teach === "redrawn"
          ? [sample(act, `${name}/em/round-${round}/rationales`, times(training.count, happens), training)]
          : []),
        train(
          { act, job: `${name}/training/em/round-${round}/p`, which: "p" },
          ...([training.count, taught, em.p.epochs, happens] as const),
        ),
        ...measure(act, `${name}/em/round-${round}/dev`, dev, em.measureDraws, happens),
      ]);
      return [...measure(act, `${name}/em/round-0/dev`, dev, em.measureDraws, exactly(1)), ...each];
    },
    synthesis(): Work[] {
      const requests = times(sets.count, synthesize.drawsPerSet);
      const whole = sum([triples.rationale, triples.problem]);
      return [
        {
          ...{
            act: "synthesis",
            stage: "synthesis/written",
            backend: roles.p.sample,
            of: "p",
            kind: "sample",
            requests,
          },
          prompt: times(requests, sets.promptOfP),
          completion: times(requests, drawn(whole, synthesize.maxTokens)),
        },
      ];
    },
  };
}

/** Several kinds of question of one stage, as one. */
function together(parts: readonly Work[]): Work {
  const [first] = parts;
  if (first === undefined) throw new Error("a stage without work");
  return {
    ...first,
    requests: sum(parts.map(({ requests }) => requests)),
    prompt: sum(parts.map(({ prompt }) => prompt)),
    completion: sum(parts.map(({ completion }) => completion)),
  };
}
