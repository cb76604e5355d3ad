/**
 * The material that a plan is made from. Where programmes annotate, it is the run's own, whole; where language models do, a
 * few seeds are annotated by them as the run would do it, which shows what all will take. Trains nothing.
 */
import { join } from "node:path";
import { type Estimate, momentsOf, totalFrom } from "../analyses/estimate.ts";
import type { Seed, Split, Triple } from "../core/records.ts";
import { writeFileAtomic } from "../journal/files.ts";
import type { UsageLine } from "../journal/usage.ts";
import type { Tokenizer } from "../lm/contract.ts";
import { readTokenizerFiles } from "../lm/embedded/checkpoint.ts";
import { readTokenizer } from "../lm/embedded/tokenizer.ts";
import type { Given } from "../stages/em/format.ts";
import { SERVER_CHECKS } from "./account.ts";
import type { Config } from "./config.ts";
import { foundation } from "./foundation.ts";
import { pocketMaterial } from "./pocket.ts";
import type { Material } from "./promptcot.ts";
import { readSeeds, seedsMaterial } from "./seeds.ts";
import type { Session } from "./session.ts";
import type { Work } from "./work.ts";

/** What a plan is made with. */
export interface Scene {
  session: Session;
  config: Config;
  /** Every booking of the session, as it came. */
  booked: UsageLine[];
  notes: string[];
  /** Items to probe. */
  items: number;
}

export interface Probed {
  /** Whether this is all the material, or a probe of it. */
  whole: boolean;
  /** All seeds to the seeds that were looked at. */
  scale: number;
  seedCount: number;
  annotators: number;
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
  if (config.recipe === "pocket") return wholeOf(config, await pocketMaterial(session, config), 1);
  const annotators = config.roles?.annotators?.length ?? 0;
  if (annotators === 0) return wholeOf(config, await seedsMaterial(session, config), 1);
  const seeds = await readSeeds(session, config);
  const some = session.context.rng.fork("plan").shuffle(seeds).slice(0, Math.max(1, scene.items));
  const file = join(session.context.folder, "probe.jsonl");
  await writeFileAtomic(file, some.map((seed) => `${JSON.stringify(seed)}\n`).join(""));
  const inner = { ...session, context: { ...session.context, folder: join(session.context.folder, "probe") } };
  const material = await seedsMaterial(inner, { ...config, seeds: { ...config.seeds, file } });
  return {
    ...(await wholeOf(config, material, annotators)),
    ...{ whole: false, scale: seeds.length / some.length, seedCount: seeds.length },
    sets: [],
    work: askedFor(scene, some.length, seeds.length),
    probe: { items: some.length, of: seeds.length },
  };
}

async function wholeOf(config: Config, material: Material, annotators: number): Promise<Probed> {
  const triples = material.annotations.flatMap((entry) => (entry.ok ? [entry.triple] : []));
  const { seeds, splits, sets } = material;
  return {
    ...{ whole: true, scale: 1, seedCount: seeds.length, annotators, splits, triples },
    seeds: new Map(seeds.map((seed) => [seed.id, seed])),
    training: triples.filter(({ seedId }) => splits.get(seedId) === "train"),
    sets: (await Array.fromAsync(sets)).slice(0, config.synthesize.sets),
    work: [],
    probe: { items: seeds.length, of: seeds.length },
  };
}

/** What the probe's seeds asked of each backend at each stage, scaled to all seeds. */
function askedFor({ booked }: Scene, probed: number, all: number): Work[] {
  const groups = new Map<string, Extract<UsageLine, { kind: "tokens" }>[]>();
  for (const line of booked) {
    if (line.kind !== "tokens" || line.source === "computed" || line.stage === SERVER_CHECKS) continue;
    const key = JSON.stringify([line.stage, line.backend]);
    groups.set(key, [...(groups.get(key) ?? []), line]);
  }
  return [...groups.values()].map((lines): Work => {
    const [first] = lines;
    if (first === undefined) throw new Error("an empty group");
    const each = lines.length / probed;
    const requests = requestsOf(each, probed, all);
    // A long seed makes all its questions long: the questions of one seed count as one measurement.
    const total = (value: (line: (typeof lines)[number]) => number) => {
      const { mean, deviation } = momentsOf(lines.map(value));
      const { low, mid, high } = totalFrom({ n: probed, mean: each * mean, deviation: each * deviation }, all);
      return { low: (low * requests.low) / requests.mid, mid, high: (high * requests.high) / requests.mid };
    };
    return {
      ...{ act: "annotations", stage: first.stage.replace(/^probe\//, ""), backend: first.backend },
      ...{ of: "other", kind: "sample", requests },
      prompt: total(({ prompt }) => prompt),
      completion: total(({ completion }) => completion),
    };
  });
}

/**
 * Seeds ask alike, but for those that are given up early and those whose answers have to be mended. What did not happen in
 * the probe may happen to three in so many as were probed (the rule of three, 95 %).
 */
function requestsOf(each: number, probed: number, all: number): Estimate {
  const left = all - probed;
  const odd = Math.min(1, 3 / probed);
  const known = each * probed;
  return {
    low: known + left * (each - odd * Math.max(0, each - 1)),
    mid: each * all,
    high: known + left * (each + odd * each),
  };
}

/** The tokenizer of the run: that of the given model, or one trained as the run would train it. */
export async function planTokenizer({ session, config }: Scene, training: readonly Triple[]): Promise<Tokenizer> {
  if ("from" in config.model) {
    const { from } = config.model;
    return readTokenizer(await readTokenizerFiles(from), from);
  }
  return (await foundation(session.context, config, training)).tokenizer;
}
