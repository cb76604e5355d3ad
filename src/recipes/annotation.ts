/**
 * Who annotates a user's seeds: seeds that bring concepts and a rationale keep them; the others go to the language models that
 * `roles.annotators` names, one model after another, so that each is opened once.
 */
import { type Failure, PromptCotError } from "../core/errors.ts";
import type { Seed } from "../core/records.ts";
import { mergedWordings } from "../domains/annotation/concepts.ts";
import { codeAnnotator } from "../domains/code/annotate.ts";
import type { Annotation, Annotator } from "../domains/contract.ts";
import { mathAnnotator } from "../domains/math/annotate.ts";
import type { Model, Sampler } from "../lm/contract.ts";
import { gathered } from "../lm/gather.ts";
import { type Annotated, annotate, givenAnnotation } from "../stages/annotate.ts";
import type { StageContext } from "../stages/stage.ts";
import { AnnotateConfig } from "./annotate-config.ts";
import { backendOf } from "./backend-config.ts";
import { compose, type Speaker } from "./backends.ts";
import type { SeedsConfig } from "./config.ts";
import type { Session } from "./session.ts";

/** Where each model's own annotations are kept, before wordings are merged. */
export const annotatorJournal = (name: string) => `annotations-by/${name}`;

/** Every annotator's view of every seed that it is meant for. */
export async function annotateSeeds(
  session: Session,
  config: SeedsConfig,
  seeds: readonly Seed[],
): Promise<Annotated[]> {
  const { context } = session;
  const own = [givenAnnotation()];
  const bare = seeds.filter((seed) => !isAnnotated(seed));
  const cast = compose(session, config);
  if (cast.annotators.length === 0 || bare.length === 0) {
    return annotate(context, { seeds, annotators: own, shardSize: 4096 });
  }
  try {
    const settings = AnnotateConfig.parse(config.seeds.annotate ?? {});
    const views = new Map<string, Annotated[]>();
    for (const speaker of cast.annotators) {
      views.set(speaker.name, await ask(context, config, settings, speaker, bare));
    }
    const recalled = recall(seeds, views);
    return await annotate(context, {
      seeds,
      annotators: (seed) => (isAnnotated(seed) ? own : recalled),
      shardSize: 4096,
    });
  } finally {
    await cast.close();
  }
}

function isAnnotated({ concepts, rationale }: Seed): boolean {
  return concepts !== undefined && rationale !== undefined;
}

async function ask(
  context: StageContext,
  config: SeedsConfig,
  { domain, ...settings }: AnnotateConfig,
  speaker: Speaker,
  seeds: readonly Seed[],
): Promise<Annotated[]> {
  const make = domain === "math" ? mathAnnotator : codeAnnotator;
  const backend = backendOf(config.backends ?? {}, speaker.name);
  const batch = backend?.kind === "openai" ? backend.batch : undefined;
  // A batch endpoint is given as much at once as it takes; seeds asked about one by one (a plan's probe) stay apart.
  const shardSize = config.shardSize === 1 ? 1 : (batch?.maxRequests ?? config.shardSize);
  let opened: Promise<Model> | undefined;
  let sampler: Promise<Sampler> | undefined;
  const open = (): Promise<Sampler> => {
    opened ??= speaker.checkpoint().then((checkpoint) => speaker.backend.open(checkpoint, context));
    sampler ??= opened.then((model) => {
      if (model.sampler === undefined) throw new Error(`${speaker.name} does not sample: refuse it with the config`);
      return shardSize === 1 ? model.sampler : gathered(model.sampler);
    });
    return sampler;
  };
  context.onEvent?.({ kind: "note", message: `${speaker.name} annotates ${seeds.length} seeds` });
  try {
    return await annotate(context, {
      seeds,
      annotators: [notInVain(make({ name: speaker.name, sampler: open, ...settings }))],
      shardSize,
      journal: annotatorJournal(speaker.name),
    });
  } finally {
    await (await opened)?.close();
  }
}

/** So many failures since the command began, and nothing that went well: what is wrong is not the seeds, and each further one would be paid for. */
const TELLING = 50;

function notInVain(annotator: Annotator): Annotator {
  const reasons: string[] = [];
  let well = false;
  return {
    ...annotator,
    async annotate(seed, rng, call) {
      const result = await annotator.annotate(seed, rng, call);
      if (!("reason" in result)) well = true;
      else if (!well && reasons.push(result.reason) >= TELLING) {
        throw nothingAnnotated(`${reasons.length} seeds in a row were not annotated by ${annotator.name}`, reasons[0]);
      }
      return result;
    },
  };
}

/** Where annotating is of no use. */
export function nothingAnnotated(what: string, firstReason = "none was given"): PromptCotError {
  return new PromptCotError({
    boundary: "backend",
    code: "nothing-annotated",
    message: `${what}; the first reason: ${firstReason}`,
    next: "mend the annotators in the config; a run that has begun keeps what was rejected, so start it anew (--out)",
  });
}

/** The models' annotations as annotators, with near-identical wordings of a concept made one over all of them. */
function recall(seeds: readonly Seed[], views: ReadonlyMap<string, readonly Annotated[]>): Annotator[] {
  const annotations = [...views.values()].flat();
  const merged = mergedWordings([
    ...seeds.flatMap(({ concepts = [] }) => concepts),
    ...annotations.flatMap((entry) => (entry.ok ? entry.triple.concepts : [])),
  ]);
  return [...views].map(([name, view]): Annotator => {
    const bySeed = new Map(view.map((entry) => [entry.ok ? entry.triple.seedId : entry.seedId, entry]));
    return {
      name,
      annotate({ id }): Annotation | Failure {
        const entry = bySeed.get(id);
        if (entry === undefined) throw new Error(`${name} did not annotate seed ${id}`);
        if (!entry.ok) return { ok: false, boundary: "backend", reason: entry.reason };
        const { concepts, rationale, level } = entry.triple;
        return { concepts: concepts.map(merged), rationale, level };
      },
    };
  });
}
