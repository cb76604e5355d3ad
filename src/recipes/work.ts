/**
 * What a run has to do, stage by stage, from its config and a few counts: how many questions each stage puts to whom, and how
 * long they are. The stages' names are those under which usage is booked. Pure: it opens nothing and asks nobody.
 */
import { between, capped, type Estimate, exactly, NOTHING, sum, times } from "../analyses/estimate.ts";
import { fullRoles } from "./backend-config.ts";
import { type Config, noiseOf } from "./config.ts";

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

/** How much material there is. */
export interface Counts {
  /** Annotated training seeds that fit the context: what the cold start is taught. */
  triples: Estimate;
  /** Pairs that take part in EM, and those that it is measured on. */
  train: Estimate;
  dev: Estimate;
  test: Estimate;
  sets: Estimate;
}

/** Mean lengths in tokens, markers and terminators included. */
export interface Lengths {
  /** Concepts, as `p` is given them. */
  promptOfP: Estimate;
  /** Concepts and problem, as `q` is given them. */
  promptOfQ: Estimate;
  /** A rationale as annotators write it, and a problem. */
  rationale: Estimate;
  problem: Estimate;
}

/**
 * What nobody can know before the models are trained. A rationale may come out at between so many times its teachers' mean and
 * the limit; and so many of the draws are well formed, of a model that was there already and of one trained from scratch.
 */
const SHORTEST = 0.3;
const WELL_FORMED = { given: between(0.3, 0.95, 1), fresh: between(0.01, 0.8, 1) };

/** Fewest pairs whose candidates are scored twice, to measure noise (stages/em/noise.ts). */
const LEAST_NOISE_PAIRS = 8;

export function workOf(config: Config, counts: Counts, lengths: Lengths): Work[] {
  const plan = planner(config, counts, lengths);
  return [
    ...plan.coldStart(),
    ...plan.measure("EM round 0", "em/round-0/dev", counts.dev, config.em.measureDraws, exactly(1)),
    ...rounds(config).flatMap(({ round, happens }) => plan.round(round, happens)),
    ...config.em.controls.flatMap((teach) => plan.control(teach)),
    ...(["before", "after"] as const).flatMap((when) =>
      plan.measure("test", `test/${when}`, counts.test, config.em.testDraws, exactly(1)),
    ),
    ...plan.synthesis(),
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

function planner(config: Config, counts: Counts, lengths: Lengths) {
  const { em, coldStart, synthesize } = config;
  const roles = fullRoles(config);
  const { promptOfP, promptOfQ, rationale, problem } = lengths;
  const hasEStep = em.teach === "greedy" || em.teach === "chosen";
  /** A rationale of a model that has yet to be trained. */
  const drawn = capped(between(SHORTEST * rationale.low, rationale.mid, em.maxRationaleTokens), em.maxRationaleTokens);
  const wellFormed = "from" in config.model ? WELL_FORMED.given : WELL_FORMED.fresh;

  const sample = (
    act: string,
    stage: string,
    requests: Estimate,
    prompt = promptOfQ,
    completion = drawn,
    backend = roles.q.sample,
  ): Work => ({
    ...{ act, stage, backend, of: backend === roles.q.sample ? "q" : "p", kind: "sample", requests },
    ...{ prompt: times(requests, prompt), completion: times(requests, completion) },
  });
  const score = (act: string, stage: string, requests: Estimate, tokens: Estimate, backend = roles.p.score): Work => ({
    ...{ act, stage, backend, of: "p", kind: "score", requests },
    prompt: times(requests, tokens),
    completion: between(0, 0, requests.high), // servers write a token after what they score
  });
  const train = (
    act: string,
    job: string,
    which: "q" | "p",
    rows: Estimate,
    z: Estimate,
    epochs: number,
    happens = exactly(1),
  ): Work => ({
    ...{ act, stage: job, backend: roles[which].train, of: which, kind: "train", requests: happens, prompt: NOTHING },
    completion: times(times(times(rows, which === "q" ? z : sum([z, problem])), epochs), happens),
  });
  const joint = (z: Estimate) => sum([promptOfP, z, problem]);

  /** Greedy and fresh draws of each pair, scored beside the annotator's rationale and none at all. */
  const measure = (act: string, stage: string, pairs: Estimate, draws: number, happens: Estimate): Work[] => {
    const asked = times(times(pairs, 1 + draws), happens);
    const kept = times(asked, wellFormed);
    const given = times(pairs, happens);
    const scores = [
      score(act, stage, given, joint(rationale)),
      score(act, stage, given, joint(exactly(1))),
      score(act, stage, kept, joint(drawn)),
    ];
    return [sample(act, `${stage}-draws`, asked), together(scores)];
  };

  /** Some candidates scored again, and by a second engine. */
  const noise = (act: string, name: string, happens: Estimate): Work[] => {
    const share = noiseOf(config)?.share ?? 0;
    if (share === 0) return [];
    const wanted = Math.max(LEAST_NOISE_PAIRS, Math.ceil(share * counts.train.mid));
    const again = times(times(times(capped(counts.train, wanted), em.candidates), wellFormed), happens);
    const { reference } = roles.p;
    return [
      score(act, `${name}/noise-again`, again, joint(drawn)),
      ...(reference === undefined ? [] : [score(act, `${name}/noise-reference`, again, joint(drawn), reference)]),
    ];
  };

  return {
    measure,
    coldStart(): Work[] {
      const act = "cold start";
      const { dev, triples } = counts;
      const gate = [
        score(act, "coldstart/gate", dev, joint(rationale)),
        score(act, "coldstart/gate", dev, joint(exactly(1))),
      ];
      return [
        train(act, "training/coldstart/p", "p", triples, rationale, coldStart.p.epochs),
        train(act, "training/coldstart/q", "q", triples, rationale, coldStart.q.epochs),
        together(gate),
      ];
    },
    round(round: number, happens: Estimate): Work[] {
      const act = `EM round ${round}`;
      const name = `em/round-${round}`;
      const pairs = times(counts.train, happens);
      const draws = times(pairs, em.candidates);
      // A rule with weights teaches several candidates of a pair.
      const several = em.select.startsWith("posterior") ? between(1, 2, em.candidates) : exactly(1);
      const eStep = [
        sample(act, `${name}/draws`, draws),
        score(act, `${name}/candidates`, times(draws, wellFormed), joint(drawn)),
        train(act, `training/${name}/q`, "q", times(counts.train, several), drawn, em.q.epochs, happens),
        ...noise(act, name, happens),
        sample(act, `${name}/rationales`, pairs),
      ];
      const redrawn = em.teach === "redrawn" || round === 1;
      return [
        ...(hasEStep ? eStep : redrawn ? [sample(act, `${name}/rationales`, pairs)] : []),
        train(act, `training/${name}/p`, "p", counts.train, drawn, em.p.epochs, happens),
        ...measure(act, `${name}/dev`, counts.dev, em.measureDraws, happens),
      ];
    },
    control(teach: Config["em"]["controls"][number]): Work[] {
      const act = `control: ${teach}`;
      const name = `controls/${teach}`;
      const each = rounds(config).flatMap(({ round, happens }): Work[] => [
        ...(round === 1 || teach === "redrawn"
          ? [sample(act, `${name}/em/round-${round}/rationales`, times(counts.train, happens))]
          : []),
        train(act, `${name}/training/em/round-${round}/p`, "p", counts.train, drawn, em.p.epochs, happens),
        ...measure(act, `${name}/em/round-${round}/dev`, counts.dev, em.measureDraws, happens),
      ]);
      return [...measure(act, `${name}/em/round-0/dev`, counts.dev, em.measureDraws, exactly(1)), ...each];
    },
    synthesis(): Work[] {
      const asked = times(counts.sets, synthesize.drawsPerSet);
      const whole = sum([rationale, problem]);
      const written = capped(between(SHORTEST * whole.low, whole.mid, synthesize.maxTokens), synthesize.maxTokens);
      return [sample("synthesis", "synthesis/written", asked, promptOfP, written, roles.p.sample)];
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
