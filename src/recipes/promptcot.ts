/**
 * The method from triples to problems, the same for every recipe: foundation → cold start → EM → test → synthesis.
 * A recipe brings the seeds, their annotations, the concept sets, and (if its domain has one) the oracle.
 */
import { join } from "node:path";
import { PromptCotError } from "../core/errors.ts";
import type { Seed, Split, Triple } from "../core/records.ts";
import type { Oracle } from "../domains/contract.ts";
import type { JournalReader } from "../journal/journal.ts";
import type { Backend, Checkpoint, Tokenizer } from "../lm/contract.ts";
import { type Annotated, pairsOf } from "../stages/annotate.ts";
import { coldStart } from "../stages/coldstart.ts";
import type { Given } from "../stages/em/format.ts";
import { type EmInput, type EmOutcome, type EmSettings, em, type Party } from "../stages/em/loop.ts";
import { measure } from "../stages/em/measure.ts";
import { Pair } from "../stages/em/records.ts";
import { releasedWriter } from "../stages/em/released.ts";
import { type Items, journaled, type StageContext } from "../stages/stage.ts";
import { synthesize, type Written } from "../stages/synthesize.ts";
import { withinContext } from "../stages/within-context.ts";
import { type Cast, compose, type Speaker, withTokenizer } from "./backends.ts";
import { type Config, fitOf, noiseOf } from "./config.ts";
import { curateWritten } from "./curation.ts";
import { foundation } from "./foundation.ts";
import { tryEngines } from "./preflight.ts";
import type { Session } from "./session.ts";

export interface Material {
  seeds: readonly Seed[];
  splits: ReadonlyMap<string, Split>;
  annotations: readonly Annotated[];
  /** Concept sets to synthesize from. */
  sets: Items<Given>;
  /** The domain's exact reader, and the skeletons of the seeds. */
  oracle?: { oracle: Oracle; seedSkeletons: ReadonlySet<string> };
}

/** Both models after the cold start, and the pairs that EM works on. */
export interface Ready {
  cast: Cast;
  tokenizer: Tokenizer;
  base: Checkpoint;
  q: Checkpoint;
  p: Checkpoint;
  train: readonly Pair[];
  dev: readonly Pair[];
  test: readonly Pair[];
}

/** @param last what a recipe does with the problems, while the models are still at hand */
export async function promptcot(
  session: Session,
  config: Config,
  material: Material,
  last?: (ready: Ready, p: Checkpoint) => Promise<void>,
): Promise<void> {
  const { context } = session;
  const cast = compose(session, config);
  try {
    if (cast.writer !== undefined) return await writeOnly(session, config, material, cast.writer);
    const ready = await prepare(session, config, material, cast);
    const fitted = await session.act("expectation–maximisation", () => em(context, emInput(config, ready)));
    for (const teach of config.em.controls) {
      await session.act(`control: ${teach}`, () => control(context, config, ready, teach, fitted.rounds.length - 1));
    }
    await session.act("test", async () => {
      await testModels(context, config, ready, "test/before", ready);
      await testModels(context, config, ready, "test/after", fitted);
    });
    const written = await session.act("synthesis", () => write(context, config, ready, fitted.p, material.sets));
    await session.act("curation", () => curateWritten(context, config, material, written));
    await last?.(ready, fitted.p);
  } finally {
    await cast.close();
  }
}

/** Problems by the released generation model (PAPER.md §4): nothing is trained. */
async function writeOnly(session: Session, config: Config, material: Material, writer: Speaker): Promise<void> {
  const { context } = session;
  const { sets: _, by = "chat", ...drawing } = config.synthesize;
  const written = await session.act("synthesis", async () =>
    synthesize(context, {
      ...{ backend: writer.backend, p: await writer.checkpoint(), writer: releasedWriter(by) },
      ...{ sets: material.sets, shardSize: config.shardSize, ...drawing },
    }),
  );
  await session.act("curation", () => curateWritten(context, config, material, written));
}

/** The observed pairs (c, x) of a run. */
export const pairsJournal = { journal: "pairs", schema: Pair, version: 1 };

/** Foundation and cold start. */
export async function prepare(session: Session, config: Config, material: Material, composed: Cast): Promise<Ready> {
  const { context } = session;
  const { splits, annotations } = material;
  const seeds = new Map(material.seeds.map((seed) => [seed.id, seed]));
  const inTraining = ({ seedId }: Triple) => splits.get(seedId) === "train";
  const annotated = annotations.flatMap((entry) => (entry.ok ? [entry.triple] : []));
  if (!annotated.some(inTraining)) throw tooFew("train", annotated.length);
  const { base, tokenizer } = await session.act("foundation", () =>
    foundation(context, config, annotated.filter(inTraining)),
  );
  const { contextLength } = config.model;
  const { engines } = composed;
  if (engines.size > 0) {
    await session.act("engines", () => tryEngines(context, { base, tokenizer }, engines, contextLength));
  }
  const triples = await withinContext(context, { triples: annotated, tokenizer, contextLength });
  const training = triples.filter(inTraining);
  const pairs = await Array.fromAsync(
    await journaled(context, {
      ...pairsJournal,
      items: pairsOf(triples, seeds, splits, context.rng.fork("pairs")),
      shardSize: 4096,
      unit: "pairs",
      worker: async (shard) => shard.items,
    }),
  );
  const { train, dev, test } = pairsOfEm(context, config, pairs);
  if (train.length === 0) throw tooFew("train", triples.length);
  if (dev.length === 0) throw tooFew("dev", triples.length);

  const cast = sharing(composed, tokenizer);
  const { q, p, qFrom, gate } = config.coldStart;
  const cold = await session.act("cold start", () =>
    coldStart(context, {
      ...{ base, tokenizer, triples: training, dev, qFrom, gate },
      q: { trainer: cast.q.trainer, fit: fitOf(q) },
      p: { trainer: cast.p.trainer, backend: cast.p.scorer, fit: fitOf(p) },
    }),
  );
  return { cast, tokenizer, base, q: cold.q, p: cold.p, train, dev, test };
}

/** The pairs that take part: as many of each split as the config says, drawn from all of them. */
export function pairsOfEm(
  { rng }: Pick<StageContext, "rng">,
  { em: { pairs: trainPairs, devPairs, testPairs } }: Config,
  pairs: readonly Pair[],
): Record<Split, readonly Pair[]> {
  const some = (split: Split, count: number) =>
    rng
      .fork("some", split)
      .shuffle(pairs.filter((pair) => pair.split === split))
      .slice(0, count);
  return { train: some("train", trainPairs), dev: some("dev", devPairs), test: some("test", testPairs) };
}

/** The cast whose models must all read and write this tokenizer's ids. */
function sharing(cast: Cast, tokenizer: Tokenizer): Cast {
  const { q, p } = cast;
  const guarded = (backend: Backend) => withTokenizer(backend, tokenizer);
  const reference = p.reference === undefined ? undefined : guarded(p.reference);
  return {
    ...cast,
    q: { ...q, sampler: guarded(q.sampler) },
    p: { ...p, sampler: guarded(p.sampler), scorer: guarded(p.scorer), reference },
  };
}

/** Without a training pair there is nothing to learn from; without a dev pair neither the gate nor the loop can measure. */
function tooFew(split: "train" | "dev", triples: number): PromptCotError {
  return new PromptCotError({
    boundary: "data",
    code: "too-few-seeds",
    message: `no ${split} pair: of all seeds, ${triples} triples can be used`,
    next:
      "give more seeds that have concepts and a rationale and that fit into model.contextLength, " +
      (split === "dev" ? "or raise split.dev" : "or lower split.dev and split.test"),
  });
}

/** What the loop is given, from the config and the models of the cold start. */
export function emInput(config: Config, { cast, tokenizer, q, p, train, dev }: Ready): EmInput {
  const { candidates: count, temperature, maxRationaleTokens: maxTokens } = config.em;
  const settings: EmSettings = {
    ...config.em,
    candidates: { kind: "drawn", count, temperature, maxTokens },
    noise: noiseOf(config),
    shardSize: config.shardSize,
  };
  const { takeTurns } = cast;
  const parties: { q: Party; p: EmInput["p"] } = {
    q: { backend: cast.q.sampler, trainer: cast.q.trainer, checkpoint: q, fit: fitOf(config.em.q) },
    p: {
      ...{ backend: cast.p.scorer, trainer: cast.p.trainer, checkpoint: p, fit: fitOf(config.em.p) },
      reference: cast.p.reference,
    },
  };
  return { name: "em", ...parties, takeTurns, tokenizer, train, dev, settings };
}

/** A loop without an E-step, with as many rounds as EM took, in a folder of its own; all its chance comes from the same root. */
export function control(
  context: StageContext,
  config: Config,
  ready: Ready,
  teach: Config["em"]["controls"][number],
  rounds: number,
): Promise<EmOutcome> {
  const input = emInput(config, ready);
  const settings = { ...input.settings, teach, rounds, tolerance: 0, stopOnAlarm: false };
  return em({ ...context, folder: controlFolder(context.folder, teach) }, { ...input, settings });
}

/** Where a control of the run in `folder` keeps its journals. */
export function controlFolder(folder: string, teach: string): string {
  return join(folder, "controls", teach);
}

/** Measures a pair of models on the test pairs. */
export async function testModels(
  context: StageContext,
  config: Config,
  { cast, test }: Ready,
  name: string,
  { q, p }: { q: Checkpoint; p: Checkpoint },
) {
  return measure(context, {
    name,
    q: { backend: cast.q.sampler, checkpoint: q },
    p: { backend: cast.p.scorer, checkpoint: p },
    pairs: test,
    draws: config.em.testDraws,
    maxTokens: config.em.maxRationaleTokens,
    shardSize: config.shardSize,
  });
}

/** Problems from `p` for each concept set. */
export function write(
  context: StageContext,
  config: Config,
  { cast }: Ready,
  p: Checkpoint,
  sets: Items<Given>,
): Promise<JournalReader<Written>> {
  const { sets: _, by: __, ...drawing } = config.synthesize;
  return synthesize(context, { backend: cast.p.sampler, p, sets, shardSize: config.shardSize, ...drawing });
}
