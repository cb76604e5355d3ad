/**
 * A plan: what a run will ask, write and cost, stage by stage, each number with the bounds that it should lie within. Made
 * from the run's own material, read as the run would read it, and from a probe of a few items; `work.ts` says how many
 * questions there are. The probe's answers stand in the project's ledger afterwards, where the run finds them.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import {
  between,
  capped,
  Estimate,
  exactly,
  meanOfPart,
  momentsOf,
  NOTHING,
  sum,
  times,
} from "../analyses/estimate.ts";
import { PromptCotError } from "../core/errors.ts";
import { contentId, type Json } from "../core/hash.ts";
import type { Triple } from "../core/records.ts";
import { errnoOf, writeFileAtomic } from "../journal/files.ts";
import type { Tokenizer } from "../lm/contract.ts";
import { pairsOf } from "../stages/annotate.ts";
import { type Format, formatFor } from "../stages/em/format.ts";
import { withinContext } from "../stages/within-context.ts";
import { compose } from "./backends.ts";
import type { Config } from "./config.ts";
import { type Probed, planTokenizer, probeMaterial, type Scene } from "./plan-material.ts";
import { planSolver, type SolverPlan } from "./plan-solver.ts";
import { probeSpeeds, type Speeds, secondsOf } from "./plan-speeds.ts";
import { taughtBefore } from "./plan-taught.ts";
import { type Price, priceOfTokens } from "./price.ts";
import { pairsOfEm } from "./promptcot.ts";
import { freeSettings, openSession, pricesOf, type RunEvent } from "./session.ts";
import type { SolverConfig } from "./solver-config.ts";
import { type Extent, type Group, type Work, workOf } from "./work.ts";

const Line = z.strictObject({
  act: z.string(),
  stage: z.string(),
  backend: z.string(),
  kind: z.enum(["sample", "score", "train"]),
  requests: Estimate,
  prompt: Estimate,
  completion: Estimate,
  /** US dollars; null where hours cost something and nobody can tell how many. */
  usd: Estimate.nullable(),
  gpuHours: Estimate.nullable(),
  /** Null where no probe could tell. */
  seconds: Estimate.nullable(),
});
export type PlanLine = z.infer<typeof Line>;

export const Plan = z.strictObject({
  format: z.literal(1),
  /** Of the config, its ways of asking left out: a plan is for one run. */
  config: z.string(),
  /** Items that the probe looked at, of how many; what it asked a server, and what the ledger knew. */
  probe: z.strictObject({ items: z.number(), of: z.number(), paid: z.number(), ledger: z.number(), usd: z.number() }),
  lines: z.array(Line),
  /** What could not be told, and why. */
  notes: z.array(z.string()),
});
export type Plan = z.infer<typeof Plan>;

export interface PlanOptions {
  /** Items (seeds, prompts) that the probe asks about; 0 asks nobody. */
  probe: number;
  /** Folder of the project's ledger. */
  ledger?: string;
  /** Folder of the project's runs: what they say of trainers in other programs. */
  runs?: string;
  inputs: readonly { path: string; sha256: string }[];
  signal?: AbortSignal;
  onEvent: (event: RunEvent) => void;
}

/**
 * @param castOf who is asked, as the recipes take it: what the config names, unless given
 * @throws PromptCotError where the run itself could not begin
 */
export async function makePlan(
  config: Config | SolverConfig,
  options: PlanOptions,
  castOf: typeof compose = compose,
): Promise<Plan> {
  const folder = await mkdtemp(join(tmpdir(), "promptcot-plan-"));
  const { inputs, ledger, signal, onEvent } = options;
  const booked: Scene["booked"] = [];
  const items: Scene["items"] = new AsyncLocalStorage();
  const notes: string[] = [];
  try {
    // A session in a folder of its own, over the project's ledger: what it asks is asked as the run would.
    const session = await openSession({
      ...{ folder, config, inputs, signal, onEvent },
      ...(ledger === undefined ? {} : { ledger }),
      onBooked: (line) => booked.push({ line, item: items.getStore() }),
    });
    const { work, speeds, probe } = await probed(withoutBatches(config, notes), {
      session,
      booked,
      items,
      notes,
      compose: castOf,
      count: options.probe,
      taught: options.runs === undefined ? new Map() : await taughtBefore(options.runs, config),
    }).finally(() => session.close("done"));
    const { requests: paid, ledgerRequests, usd } = session.account.spend;
    const prices = pricesOf(config);
    return {
      ...{ format: 1, config: planId(config), probe: { ...probe, paid, ledger: ledgerRequests, usd } },
      lines: work.map((one) => priced(one, config, prices.get(one.backend), speeds)),
      notes: [...new Set(notes)],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A batch takes up to a day, and this folder, which would remember it, goes with the plan: the probe asks at once. */
function withoutBatches<Own extends Config | SolverConfig>(config: Own, notes: string[]): Own {
  const backends = Object.entries(config.backends ?? {}).map(([name, backend]) => {
    if (backend.kind !== "openai" || backend.batch === undefined) return [name, backend] as const;
    notes.push(
      `${name}: the probe asks at once, which may cost more than the run's batches do; its time is not theirs`,
    );
    const { batch: _, ...atOnce } = backend;
    return [name, atOnce] as const;
  });
  return config.backends === undefined ? config : { ...config, backends: Object.fromEntries(backends) };
}

async function probed(config: Config | SolverConfig, scene: Omit<Scene, "config">): Promise<SolverPlan> {
  return config.recipe === "pocket" || config.recipe === "seeds"
    ? planEm({ ...scene, config })
    : planSolver({ ...scene, config });
}

async function planEm(scene: Scene): Promise<SolverPlan> {
  const material = await probeMaterial(scene);
  const tokenizer = await planTokenizer(scene, material.training);
  const { extent, pairs } = await measureMaterial(scene, material, tokenizer);
  const speeds = await probeSpeeds(scene, tokenizer, pairs, extent.triples);
  return { work: [...material.work, ...workOf(scene.config, extent)], speeds, probe: material.probe };
}

/** Counts and lengths of the material, or of the part of it that was probed, scaled to the whole. */
async function measureMaterial({ session, config }: Scene, material: Probed, tokenizer: Tokenizer) {
  const { triples: annotated, splits, seeds } = material;
  const { contextLength } = config.model;
  const triples = await withinContext(session.context, { triples: annotated, tokenizer, contextLength });
  const pairs = pairsOf(triples, seeds, splits, session.context.rng.fork("pairs"));
  const format = formatFor(tokenizer);
  const group = (count: Estimate, texts: readonly Text[], bounds: Bounds): Group =>
    groupOf(format, tokenizer, count, texts, bounds);
  if (material.whole) {
    const em = pairsOfEm(session.context, config, pairs);
    const training = triples.filter(({ seedId }) => splits.get(seedId) === "train");
    const exact = (texts: readonly Text[]) =>
      group(exactly(texts.length), texts, (values) => exactly(momentsOf(values).mean));
    const extent: Extent = {
      ...{ triples: exact(training), train: exact(em.train), dev: exact(em.dev), test: exact(em.test) },
      sets: { count: exactly(material.sets.length), promptOfP: setsPrompt(format, material) },
    };
    return { extent, pairs };
  }
  const counts = countsOf(config, material, triples.length === 0 ? 1 : pairs.length / triples.length);
  // Every stage takes a part of what is yet to be annotated; the probe is a sample of it, and so is the part.
  // A vocabulary trained on all of them will spell them shorter than one trained on a few.
  const shorter = "from" in config.model ? 1 : SHORTER;
  const sampled = (count: Estimate) =>
    group(count, triples, (values) => {
      const { low, mid, high } = meanOfPart(values, count.mid);
      return between(low * shorter, mid, high);
    });
  const extent: Extent = {
    ...{ triples: sampled(counts.triples), train: sampled(counts.train), dev: sampled(counts.dev) },
    ...{ test: sampled(counts.test), sets: { count: counts.sets, promptOfP: sampled(counts.triples).promptOfP } },
  };
  return { extent, pairs };
}

/** How much shorter, at most. */
const SHORTER = 0.5;

type Text = Pick<Triple, "concepts" | "level" | "rationale" | "problem">;
type Bounds = (values: readonly number[]) => Estimate;

function groupOf(format: Format, tokenizer: Tokenizer, count: Estimate, texts: readonly Text[], mean: Bounds): Group {
  return {
    count,
    promptOfP: mean(texts.map((text) => format.promptOfP(text).length)),
    promptOfQ: mean(texts.map((text) => format.promptOfQ(text, text.problem).length)),
    rationale: mean(texts.map(({ rationale }) => format.rationale(tokenizer.encode(rationale)).length)),
    problem: mean(texts.map(({ problem }) => format.problem(problem).length)),
  };
}

function setsPrompt(format: Format, { sets }: Probed): Estimate {
  return exactly(momentsOf(sets.map((set) => format.promptOfP(set).length)).mean);
}

/** How the splits will share what a few seeds promise: the config sets their sizes, the yield of a seed is not known. */
function countsOf({ split, em, synthesize }: Config, { extent }: Probed, pairsPerTriple: number) {
  const shares = { train: 1 - split.dev - split.test, dev: split.dev, test: split.test };
  const triples = (share: number) =>
    between(0.5 * share * extent.expected, share * extent.expected, Math.ceil(share * extent.most));
  const pairs = (share: number) => times(triples(share), between(0.5 * pairsPerTriple, pairsPerTriple, 1));
  return {
    triples: triples(shares.train),
    train: capped(pairs(shares.train), em.pairs),
    dev: capped(pairs(shares.dev), em.devPairs),
    test: capped(pairs(shares.test), em.testPairs),
    sets: between(0, synthesize.sets, synthesize.sets),
  };
}

/** What the work costs and how long it takes. */
export function priced(
  work: Work,
  config: Pick<Config, "backends">,
  price: Price | undefined,
  speeds: Speeds,
): PlanLine {
  const { of: _, ...line } = work;
  const cost = (at: "low" | "mid" | "high") =>
    work.kind === "train" ? 0 : priceOfTokens(price, { prompt: work.prompt[at], completion: work.completion[at] });
  const tokens = between(cost("low"), cost("mid"), cost("high"));
  const seconds = secondsOf(work, config, speeds);
  const devices = price?.devices ?? 0;
  const gpuHours = devices === 0 ? NOTHING : seconds === null ? null : times(seconds, devices / 3600);
  const byTheHour = price?.gpuHour ?? 0;
  const hours = byTheHour === 0 ? NOTHING : gpuHours === null ? null : times(gpuHours, byTheHour);
  const usd = hours === null ? null : sum([tokens, hours]);
  return { ...line, usd, gpuHours, seconds };
}

/** Names the run that a plan is for. */
export function planId(config: Config | SolverConfig): string {
  const free = new Set(freeSettings(config));
  const kept = (value: unknown, path: string): Json | undefined => {
    if (free.has(path)) return undefined;
    if (Array.isArray(value)) return value.map((one, i) => kept(one, `${path}.${i}`) ?? null);
    if (typeof value !== "object" || value === null) return z.json().parse(value) as Json;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, kept(inner, `${path}.${key}`)]));
  };
  return contentId(kept(config, "config") ?? null);
}

const FILE = "plan.json";

export async function writePlan(run: string, plan: Plan): Promise<void> {
  await writeFileAtomic(join(run, FILE), `${JSON.stringify(plan)}\n`);
}

/** @throws PromptCotError `no-plan` */
export async function readPlan(run: string): Promise<Plan> {
  try {
    return Plan.parse(JSON.parse(await readFile(join(run, FILE), "utf8")));
  } catch (cause) {
    throw new PromptCotError({
      boundary: "data",
      code: "no-plan",
      message:
        errnoOf(cause) === "ENOENT" ? `no plan was made for ${run}` : `${join(run, FILE)} is no plan of this version`,
      next: `make one with \`promptcot plan CONFIG --out ${run}\`; what was probed before is in the ledger`,
      cause,
    });
  }
}
