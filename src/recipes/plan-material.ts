/**
 * The material that a plan is made from. Where programmes annotate, it is the run's own, whole; where language models do, a
 * few seeds are annotated by them as the run would do it, which shows what all will take. Trains nothing.
 */
import type { AsyncLocalStorage } from "node:async_hooks";
import { join } from "node:path";
import { momentsOf, totalFrom, unvaried } from "../analyses/estimate.ts";
import { PromptCotError, throwIfStopped } from "../core/errors.ts";
import type { Seed, Split, Triple } from "../core/records.ts";
import type { Executor } from "../exec/contract.ts";
import { writeFileAtomic } from "../journal/files.ts";
import type { UsageLine } from "../journal/usage.ts";
import type { Tokenizer } from "../lm/contract.ts";
import { readTokenizerFiles } from "../lm/embedded/checkpoint.ts";
import { readTokenizer } from "../lm/embedded/tokenizer.ts";
import type { Given } from "../stages/em/format.ts";
import { annotateSeeds, nothingAnnotated } from "./annotation.ts";
import type { compose } from "./backends.ts";
import type { Config } from "./config.ts";
import { foundation } from "./foundation.ts";
import type { Taught } from "./plan-taught.ts";
import { pocketMaterial } from "./pocket.ts";
import type { Material } from "./promptcot.ts";
import { readSeeds, seedsMaterial } from "./seeds.ts";
import type { Session } from "./session.ts";
import type { Work } from "./work.ts";

/** What a plan is made with. */
export interface Scene<Own = Config> {
  session: Session;
  config: Own;
  /** Every booking of the session, as it came, and the probed item that it was for. */
  booked: { line: UsageLine; item: string | undefined }[];
  /** Names the item for which what is asked is asked. */
  items: AsyncLocalStorage<string>;
  notes: string[];
  /** Items to probe. */
  count: number;
  /** How fast trainers in other programs were in earlier runs, by backend. */
  taught: ReadonlyMap<string, Taught>;
  /** Who is asked: what the config names, in a run. */
  compose: typeof compose;
}

export interface Probed {
  /** Whether this is all the material, or a probe of it. */
  whole: boolean;
  /** Triples that all seeds will make, where only some were tried: as many as those promise, and at most. */
  extent: { expected: number; most: number };
  seeds: ReadonlyMap<string, Seed>;
  splits: ReadonlyMap<string, Split>;
  triples: readonly Triple[];
  training: readonly Triple[];
  /** Concept sets, where they are all known. */
  sets: readonly Given[];
  /** What preparing the material asks of servers. */
  work: Work[];
  probe: { items: number; of: number };
}

export async function probeMaterial(scene: Scene): Promise<Probed> {
  const { session, config } = scene;
  if (config.recipe === "pocket") return wholeOf(config, await pocketMaterial(session, config));
  const annotators = config.roles?.annotators?.length ?? 0;
  const seeds = annotators === 0 ? [] : await readSeeds(session, config);
  const bare = seeds.filter(({ concepts, rationale }) => concepts === undefined || rationale === undefined);
  if (bare.length === 0) return wholeOf(config, await seedsMaterial(session, config));
  if (scene.count === 0) throw needsProbe(bare.length);
  const some = session.context.rng.fork("plan").shuffle(bare).slice(0, scene.count);
  // In a folder of its own, so that the probe's journals are not taken for those of all seeds.
  const folder = join(session.context.folder, PROBE);
  const inner = { ...session, context: { ...session.context, folder, executor: itemwise(scene.items) } };
  const file = join(folder, "seeds.jsonl");
  await writeFileAtomic(file, some.map((seed) => `${JSON.stringify(seed)}\n`).join(""));
  const views = await annotateSeeds(inner, { ...config, shardSize: 1, seeds: { ...config.seeds, file } }, some);
  const given = seeds.length - bare.length;
  const triples = views.flatMap((entry) => (entry.ok ? [entry.triple] : []));
  if (triples.length === 0) {
    const [first] = views.flatMap((entry) => (entry.ok ? [] : [entry.reason]));
    throw nothingAnnotated(`none of the ${some.length} seeds tried was annotated`, first);
  }
  return {
    ...{ whole: false, triples, training: triples, sets: [] },
    seeds: new Map(some.map((seed) => [seed.id, seed])),
    // Lengths and yield are those of the probe, whatever split its seeds will be in.
    splits: new Map(some.map(({ id }) => [id, "train" as const])),
    extent: {
      expected: given + (triples.length * bare.length) / some.length,
      most: given + bare.length * annotators,
    },
    work: askedFor(scene, { act: "annotations", probed: some.length, all: bare.length }),
    probe: { items: some.length, of: bare.length },
  };
}

/** Where the probe's stages are booked. */
export const PROBE = "probe";

function needsProbe(seeds: number): PromptCotError {
  return new PromptCotError({
    boundary: "config",
    code: "needs-probe",
    message: `${seeds} seeds are annotated by language models, and what that takes is not known without trying some`,
    next: "give --probe a number of seeds to try; their answers are kept, and the run does not pay for them again",
  });
}

async function wholeOf(config: Config, material: Material): Promise<Probed> {
  const triples = material.annotations.flatMap((entry) => (entry.ok ? [entry.triple] : []));
  const { seeds, splits, sets } = material;
  return {
    ...{ whole: true, splits, triples, extent: { expected: triples.length, most: triples.length } },
    seeds: new Map(seeds.map((seed) => [seed.id, seed])),
    training: triples.filter(({ seedId }) => splits.get(seedId) === "train"),
    sets: (await Array.fromAsync(sets)).slice(0, config.synthesize.sets),
    work: [],
    probe: { items: seeds.length, of: seeds.length },
  };
}

/** All shards at once, each under its own name, so that what each asks can be told apart. */
function itemwise(items: AsyncLocalStorage<string>): Executor {
  return {
    name: "itemwise",
    async *run(shards, worker, options) {
      const started: Promise<{ shardId: string; outputs: Awaited<ReturnType<typeof worker>> }>[] = [];
      for await (const shard of shards) {
        throwIfStopped(options.signal);
        started.push(items.run(shard.id, async () => ({ shardId: shard.id, outputs: await worker(shard, options) })));
      }
      await Promise.allSettled(started);
      for (const one of started) yield await one;
    },
  };
}

type TokensLine = Extract<UsageLine, { kind: "tokens" }>;

/** What was asked of one backend at one stage, item by item; an item that asked nothing is not there. */
export interface Asked {
  /** The stage's name in the run. */
  stage: string;
  backend: string;
  items: Map<string, { requests: number; prompt: number; completion: number }>;
}

export function askedByItem({ booked }: Pick<Scene, "booked">): Asked[] {
  const groups = new Map<string, Asked>();
  for (const { line, item } of booked) {
    if (line.kind !== "tokens" || item === undefined) continue;
    const stage = stageOf(line.stage);
    const key = JSON.stringify([stage, line.backend]);
    const group = groups.get(key) ?? { stage, backend: line.backend, items: new Map() };
    groups.set(key, group);
    group.items.set(item, added(group.items.get(item), line));
  }
  return [...groups.values()];
}

function added(sums = { requests: 0, prompt: 0, completion: 0 }, line: TokensLine) {
  const { requests, prompt, completion } = sums;
  return {
    requests: requests + line.requests,
    prompt: prompt + line.prompt,
    completion: completion + line.completion,
  };
}

/** What the probed items asked of each backend at each stage, scaled to all items. */
function askedFor(
  scene: Pick<Scene, "booked">,
  { act, probed, all }: { act: string; probed: number; all: number },
): Work[] {
  return askedByItem(scene).map(({ stage, backend, items }): Work => {
    const total = (measure: "requests" | "prompt" | "completion") => {
      const sums = [...items.values()].map((sum) => sum[measure]);
      const moments = momentsOf([...sums, ...Array<number>(probed - sums.length).fill(0)]);
      return moments.deviation === 0 ? unvaried(moments.mean, probed, all) : totalFrom(moments, all);
    };
    return {
      ...{ act, stage, backend, of: "other", kind: "sample" },
      ...{ requests: total("requests"), prompt: total("prompt"), completion: total("completion") },
    };
  });
}

/** The stage's name in the run: without the folder of the probe, and of the item where each has its own. */
function stageOf(booked: string): string {
  return booked.replace(new RegExp(`^${PROBE}/(\\d+/)?`), "");
}

/** The tokenizer of the run: that of the given model, or one trained as the run would train it. */
export async function planTokenizer({ session, config }: Scene, training: readonly Triple[]): Promise<Tokenizer> {
  if ("from" in config.model) {
    const { from } = config.model;
    return readTokenizer(await readTokenizerFiles(from), from);
  }
  return (await foundation(session.context, config, training)).tokenizer;
}
