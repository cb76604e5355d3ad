/**
 * A plan: what a run will ask, write and cost, stage by stage, each number with the bounds that it should lie within. Made
 * from the run's own material, read as the run would read it, and from a probe of a few items; `work.ts` says how many
 * questions there are. The probe's answers stand in the project's ledger afterwards, where the run finds them.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { between, Estimate, exactly, meanOf, NOTHING, sum, times } from "../analyses/estimate.ts";
import { PromptCotError } from "../core/errors.ts";
import { contentId, type Json } from "../core/hash.ts";
import type { Split, Triple } from "../core/records.ts";
import { errnoOf, writeFileAtomic } from "../journal/files.ts";
import type { Tokenizer } from "../lm/contract.ts";
import { pairsOf } from "../stages/annotate.ts";
import { type Format, formatFor } from "../stages/em/format.ts";
import { withinContext } from "../stages/within-context.ts";
import type { Config } from "./config.ts";
import { type Probed, planTokenizer, probeMaterial, type Scene } from "./plan-material.ts";
import { probeSpeeds, type Speeds, secondsOf } from "./plan-speeds.ts";
import { type Price, priceOfTokens } from "./price.ts";
import { freeSettings, openSession, pricesOf, type RunEvent } from "./session.ts";
import { type Counts, type Lengths, type Work, workOf } from "./work.ts";

const Line = z.strictObject({
  act: z.string(),
  stage: z.string(),
  backend: z.string(),
  kind: z.enum(["sample", "score", "train"]),
  requests: Estimate,
  prompt: Estimate,
  completion: Estimate,
  /** US dollars. */
  usd: Estimate,
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
  inputs: readonly { path: string; sha256: string }[];
  signal?: AbortSignal;
  onEvent: (event: RunEvent) => void;
}

/** @throws PromptCotError where the run itself could not begin */
export async function makePlan(config: Config, options: PlanOptions): Promise<Plan> {
  const folder = await mkdtemp(join(tmpdir(), "promptcot-plan-"));
  const notes: string[] = [];
  try {
    const probed = await probe(folder, config, options, notes);
    const { counts, lengths, speeds, material } = probed;
    const work = [...material.work, ...workOf(config, counts, lengths)];
    const prices = pricesOf(config);
    return {
      ...{ format: 1, config: planId(config), probe: { ...material.probe, ...probed.asked } },
      lines: work.map((one) => priced(one, config, prices.get(one.backend), speeds)),
      notes: [...new Set(notes)],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface ProbeResult {
  material: Probed;
  counts: Counts;
  lengths: Lengths;
  speeds: Speeds;
  asked: { paid: number; ledger: number; usd: number };
}

/** A session in a folder of its own, over the project's ledger: what it asks is asked as the run would. */
async function probe(folder: string, config: Config, options: PlanOptions, notes: string[]): Promise<ProbeResult> {
  const { inputs, ledger, signal, onEvent } = options;
  const booked: Scene["booked"] = [];
  const session = await openSession({
    ...{ folder, config, inputs, signal, onEvent },
    ...(ledger === undefined ? {} : { ledger }),
    onBooked: (line) => booked.push(line),
  });
  try {
    const scene: Scene = { session, config, booked, notes, items: options.probe };
    const material = await probeMaterial(scene);
    const tokenizer = await planTokenizer(scene, material.training);
    const { counts, lengths, pairs } = await measureMaterial(scene, material, tokenizer);
    const speeds = await probeSpeeds(scene, tokenizer, pairs, lengths);
    const { requests: paid, ledgerRequests, usd } = session.account.spend;
    return { material, counts, lengths, speeds, asked: { paid, ledger: ledgerRequests, usd } };
  } finally {
    await session.close("done");
  }
}

/** Counts and lengths of the material, or of the part of it that was probed, scaled to the whole. */
async function measureMaterial({ session, config }: Scene, material: Probed, tokenizer: Tokenizer) {
  const { triples: annotated, splits, seeds, scale, sets } = material;
  const { contextLength } = config.model;
  const fitting = await withinContext(session.context, { triples: annotated, tokenizer, contextLength });
  const pairs = pairsOf(fitting, seeds, splits, session.context.rng.fork("pairs"));
  const of = (split: Split) => ({
    triples: fitting.filter(({ seedId }) => splits.get(seedId) === split).length,
    pairs: pairs.filter((pair) => pair.split === split).length,
  });
  // A probe of a few seeds tells how many triples one makes; how the splits share them is set by the config.
  const share = { train: 1 - config.split.dev - config.split.test, dev: config.split.dev, test: config.split.test };
  const estimate = (split: Split, what: "triples" | "pairs") => {
    const whole = what === "triples" ? fitting.length : pairs.length;
    return material.whole
      ? exactly(of(split)[what])
      : between(
          0.5 * share[split] * whole * scale,
          share[split] * whole * scale,
          share[split] * annotatedMost(material),
        );
  };
  const most = (split: Split, limit: number) => {
    const { low, mid, high } = estimate(split, "pairs");
    return { low: Math.min(low, limit), mid: Math.min(mid, limit), high: Math.min(high, limit) };
  };
  const { em } = config;
  const counts: Counts = {
    triples: estimate("train", "triples"),
    train: most("train", em.pairs),
    dev: most("dev", em.devPairs),
    test: most("test", em.testPairs),
    sets,
  };
  return { counts, lengths: lengthsOf(formatFor(tokenizer), tokenizer, fitting, material), pairs };
}

/** The most triples that all seeds can make: one for each annotator. */
function annotatedMost({ seedCount, annotators }: Probed): number {
  return seedCount * annotators;
}

function lengthsOf(
  format: Format,
  tokenizer: Tokenizer,
  triples: readonly Triple[],
  { whole, scale }: Probed,
): Lengths {
  const count = Math.round(triples.length * scale);
  // Which of the triples a stage takes is drawn later: their mean is that of a sample, even where all are known.
  const mean = (length: (triple: Triple) => number) => {
    const values = triples.map(length);
    const all = meanOf(values, whole ? values.length : Math.max(count, values.length + 1));
    const sample = meanOf(values.slice(0, SAMPLED), values.length + SAMPLED);
    return between(all.low - (sample.mid - sample.low), all.mid, all.high + (sample.high - sample.mid));
  };
  return {
    promptOfP: mean((triple) => format.promptOfP(triple).length),
    promptOfQ: mean((triple) => format.promptOfQ(triple, triple.problem).length),
    rationale: mean((triple) => format.rationale(tokenizer.encode(triple.rationale)).length),
    problem: mean((triple) => format.problem(triple.problem).length),
  };
}

/** Fewest pairs that a stage takes, as far as means are concerned. */
const SAMPLED = 8;

function priced(work: Work, config: Config, price: Price | undefined, speeds: Speeds): PlanLine {
  const { of: _, ...line } = work;
  const cost = (at: "low" | "mid" | "high") =>
    work.kind === "train" ? 0 : priceOfTokens(price, { prompt: work.prompt[at], completion: work.completion[at] });
  const tokens = between(cost("low"), cost("mid"), cost("high"));
  const seconds = secondsOf(work, config, speeds);
  const devices = price?.devices ?? 0;
  const gpuHours = devices === 0 ? NOTHING : seconds === null ? null : times(seconds, devices / 3600);
  const usd = gpuHours === null ? tokens : sum([tokens, times(gpuHours, price?.gpuHour ?? 0)]);
  return { ...line, usd, gpuHours, seconds };
}

/** Names the run that a plan is for. */
export function planId(config: Config): string {
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
