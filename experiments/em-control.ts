/**
 * Does the E-step do anything? From one cold start per seed, with equal numbers of steps of `p` and equal order of examples:
 * the paper's EM against rationales fixed once (sampled, greedy), rationales redrawn each round, one of 8 taken at random, and
 * posterior weights; and a model of p(x|c) without rationales at matched training. Paired by seed and by problem.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { clusteredMean } from "../src/analyses/bootstrap.ts";
import { entropy } from "../src/analyses/synthesis.ts";
import { display } from "../src/cli/progress.ts";
import { aligned } from "../src/cli/table.ts";
import { rng } from "../src/core/rng.ts";
import { writeFileAtomic } from "../src/journal/files.ts";
import { compose } from "../src/recipes/backends.ts";
import { type PocketConfig, resolveConfig } from "../src/recipes/config.ts";
import { pocketMaterial } from "../src/recipes/pocket.ts";
import { emInput, type Material, prepare, type Ready, testModels, write } from "../src/recipes/promptcot.ts";
import { openSession, type Session } from "../src/recipes/session.ts";
import { type EmSettings, em } from "../src/stages/em/loop.ts";
import { type PairMeasure, pairMeasure } from "../src/stages/em/measure.ts";
import { Decoded, type Measurement, type Pair } from "../src/stages/em/records.ts";
import { readProblems } from "../src/stages/read.ts";
import { recordsOf, type StageContext } from "../src/stages/stage.ts";
import { directModel } from "./direct-model.ts";
import { styles } from "./styles.ts";

type Arm = Pick<EmSettings, "select" | "teach">;

const arms = {
  em: { select: "best", teach: "greedy" },
  "fixed-sampled": { select: "best", teach: "fixed-sampled" },
  "fixed-greedy": { select: "best", teach: "fixed-greedy" },
  redrawn: { select: "best", teach: "redrawn" },
  random: { select: "random", teach: "greedy" },
  posterior: { select: "posterior", teach: "greedy" },
} as const satisfies Record<string, Arm>;
type ArmName = keyof typeof arms;
const allArms = Object.keys(arms) as ArmName[];

/**
 * EM can only mend what the cold start nearly knows: twice the seeds of scale small, and four passes of `q`, until it copies
 * most numbers; many pairs, so that `q` moves far and `p`, at a low rate, learns none by heart; two rounds, since dev pairs gain
 * nothing in a third. Chosen on seeds 1, 2, 4, 21 and 22 (docs/LOG.md), so report others.
 */
const setting = [
  ...["seeds.count=5200", "coldStart.q.epochs=4", "em.pairs=1600", "em.testPairs=80", "synthesize.sets=200"],
  ...["em.rounds=2", "em.q.learningRate=1e-3", "em.p.learningRate=2e-4", "em.tolerance=0", "em.stopOnAlarm=false"],
];

/**
 * A test pair as an arm's models see it. The bound through the arm's own `q` measures `q` too, which EM narrows on purpose and the
 * controls leave wide; through the same draws of the cold start's `q` for every arm, or half and half, it compares the `p`.
 */
interface TestedPair extends PairMeasure {
  /** Importance-weighted bound of the arm's `p` through draws of the cold start's `q`. */
  boundCold: number;
  /** The same through both: half of the draws from each, so that K is the same. */
  boundBoth: number;
}

interface ArmResult {
  test: TestedPair[];
  targetTokens: number;
  steps: number;
  /** Mean tokens of the rationales that `p` was taught in the last round. */
  zTokens: number;
  /** Share of those nearest to each annotator's own rationale. */
  styles: Record<string, number>;
  /** Shares of the problems that `p` wrote. */
  grammatical: number;
  valid: number;
  allConcepts: number;
  conceptEntropy: number;
}

interface SeedResult {
  seed: number;
  pairs: Pair[];
  start: TestedPair[];
  arms: Partial<Record<ArmName, ArmResult>>;
  /** Exact log p(x|c) of the direct model, by test pair; none if it was not asked for. */
  direct: number[];
}

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      /** The first seed and the last. Several processes may share them; a call over all of them then only reads and prints. */
      first: { type: "string", default: "16" },
      last: { type: "string", default: "20" },
      scale: { type: "string", default: "small" },
      out: { type: "string", default: "runs/experiments/em-control" },
      /** Arms to run, and `direct` for the model without rationales. A later call may add others. */
      arms: { type: "string", default: [...allArms, "direct"].join(",") },
      set: { type: "string", multiple: true, default: [] },
    },
  });
  const wanted = values.arms.split(",");
  const unknown = wanted.find((name) => name !== "direct" && !(name in arms));
  if (unknown !== undefined) throw new Error(`unknown arm "${unknown}"; there are: ${allArms.join(", ")}, direct`);
  const results: SeedResult[] = [];
  for (let seed = Number(values.first); seed <= Number(values.last); seed++) {
    const assignments = [`seed=${seed}`, `scale=${values.scale}`, ...setting, ...values.set];
    const config = resolveConfig({ recipe: "pocket" }, assignments, "em-control");
    if (config.recipe !== "pocket") throw new Error("em-control runs in the pocket domain");
    results.push(await runSeed(join(values.out, `seed-${seed}`), config, wanted));
    await writeFileAtomic(join(values.out, "result.json"), `${JSON.stringify(results)}\n`);
    process.stdout.write(`\n${tables(results)}\n`);
  }
}

async function runSeed(folder: string, config: PocketConfig, wanted: readonly string[]): Promise<SeedResult> {
  const screen = display(process.stderr);
  process.stderr.write(`seed ${config.seed}\n`);
  const session = await openSession({ folder, config, inputs: [], onEvent: screen.onEvent });
  const material = await pocketMaterial(session, config);
  const cast = compose(session, config);
  const ready = await prepare(session, config, material, cast);
  const start = await session.act("test of the cold start", () =>
    testModels(session.context, config, ready, "test/before", ready),
  );
  const results: [ArmName, ArmResult][] = [];
  for (const name of allArms.filter((name) => wanted.includes(name))) {
    results.push([name, await session.act(`arm ${name}`, () => runArm(session, config, material, ready, name))]);
  }
  const direct = wanted.includes("direct")
    ? await session.act("direct model", () => directModel(session.context, config, ready, material))
    : [];
  await cast.close();
  await session.close("done");
  return {
    seed: config.seed,
    pairs: [...ready.test],
    start: start.map((record) => tested(record, record)),
    arms: Object.fromEntries(results),
    direct,
  };
}

async function runArm(
  session: Session,
  config: PocketConfig,
  material: Material,
  ready: Ready,
  name: ArmName,
): Promise<ArmResult> {
  // Each arm journals in a folder of its own; all its chance comes from the same root.
  const context: StageContext = { ...session.context, folder: join(session.context.folder, "arms", name) };
  const input = emInput(config, ready);
  const outcome = await em(context, { ...input, settings: { ...input.settings, ...arms[name] } });
  const test = await testModels(context, config, ready, "test/after", outcome);
  const cold = await testModels(context, config, ready, "test/cold", { q: ready.q, p: outcome.p });
  const written = await Array.fromAsync(await write(context, config, ready, outcome.p, material.sets));
  const oracle = material.oracle as NonNullable<Material["oracle"]>;
  const problems = written.flatMap((entry) => (entry.ok ? [entry.problem] : []));
  const readings = await Array.fromAsync(
    await readProblems(context, { ...oracle, problems, shardSize: config.shardSize }),
  );
  const share = (holds: (reading: (typeof readings)[number]) => boolean) =>
    readings.filter(holds).length / written.length;
  const taught = await lastRationales(context, config, name);
  return {
    test: test.map((record, i) => tested(record, cold[i] as Measurement)),
    targetTokens: outcome.rounds.reduce((sum, round) => sum + (round.p?.targetTokens ?? 0), 0),
    steps: outcome.rounds.reduce((sum, round) => sum + (round.p?.steps ?? 0), 0),
    zTokens: taught.reduce((sum, { z }) => sum + z.length + 1, 0) / taught.length,
    styles: styles(taught, ready.train, material),
    grammatical: share((reading) => reading.grammatical),
    valid: share((reading) => reading.valid),
    allConcepts: share((reading) => reading.grammatical && reading.allConcepts),
    conceptEntropy: entropy(readings.filter(({ grammatical }) => grammatical).flatMap(({ concepts }) => concepts)),
  };
}

function tested(own: Measurement, cold: Measurement): TestedPair {
  const half = own.draws.length / 2;
  const both = { ...own, draws: [...own.draws.slice(0, half), ...cold.draws.slice(half)] };
  return { ...pairMeasure(own), boundCold: pairMeasure(cold).bound, boundBoth: pairMeasure(both).bound };
}

async function lastRationales(context: StageContext, config: PocketConfig, name: ArmName): Promise<Decoded[]> {
  const round = arms[name].teach.startsWith("fixed") ? 1 : config.em.rounds;
  const kind = { journal: `em/round-${round}/rationales`, schema: Decoded, version: 1 };
  return Array.fromAsync(recordsOf(context, kind));
}

function tables(results: readonly SeedResult[]): string {
  const names = allArms.filter((name) => results.every(({ arms }) => arms[name] !== undefined));
  const differences = (["em", "posterior"] as const).filter((name) => names.includes(name));
  return [
    armTable(results, names),
    ...differences.map((name) => differenceTable(results, name, names)),
    styleTable(results, names),
  ].join("\n\n");
}

/** An arm that every seed has run. */
function arm(result: SeedResult, name: ArmName): ArmResult {
  const found = result.arms[name];
  if (found === undefined) throw new Error(`seed ${result.seed} has not run ${name}`);
  return found;
}

const measures = ["elbo", "bound", "boundCold", "boundBoth", "xNll", "zNll", "zTokens"] as const;
const compared = ["elbo", "bound", "boundCold", "boundBoth", "xNll"] as const;

function armTable(results: readonly SeedResult[], names: readonly ArmName[]): string {
  const head = [
    "test pairs (nats)",
    "ELBO",
    "bound by own q",
    "by cold q",
    "by both",
    "NLL of x",
    "NLL of z",
    "tokens of z",
    "steps of p",
    "target tokens",
    "grammatical",
    "valid",
    "all concepts",
    "entropy",
  ];
  const over = (values: readonly number[]) => mean(values.filter(Number.isFinite));
  const cells = (of: (result: SeedResult) => TestedPair[]) =>
    measures.map((key) => over(results.flatMap((result) => of(result).map((pair) => pair[key]))).toFixed(2));
  const rows = names.map((name) => {
    const own = results.map((result) => arm(result, name));
    const average = (value: (arm: ArmResult) => number) => mean(own.map(value));
    return [
      name,
      ...cells((result) => arm(result, name).test),
      average(({ steps }) => steps).toFixed(0),
      average(({ targetTokens }) => targetTokens).toFixed(0),
      ...[average((arm) => arm.grammatical), average((arm) => arm.valid), average((arm) => arm.allConcepts)].map(
        percent,
      ),
      average((arm) => arm.conceptEntropy).toFixed(2),
    ];
  });
  const exact = results.flatMap(({ direct }) => direct);
  const direct = exact.length === 0 ? [] : [["direct p(x|c)", "", mean(exact).toFixed(2)]];
  return aligned([head, ["cold start", ...cells((result) => result.start)], ...rows, ...direct]);
}

/** One arm less its cold start and less each other arm, pair by pair; bootstrap over seeds, then problems. */
function differenceTable(results: readonly SeedResult[], name: ArmName, names: readonly ArmName[]): string {
  const title = name === "em" ? "EM" : name;
  const first = `${title} less … (${results.length} seeds, 95 %)`;
  const head = [
    first,
    ...["ELBO", "bound by own q", "by cold q", "by both", "NLL of x"].flatMap((measured) => [measured, ""]),
  ];
  const row = (label: string, other: (result: SeedResult) => TestedPair[]) => [
    label,
    ...compared.flatMap((key) => difference(results, label, key, name, other)),
  ];
  return aligned([
    head,
    row("cold start", ({ start }) => start),
    ...names.filter((one) => one !== name).map((one) => row(one, (result) => arm(result, one).test)),
  ]);
}

function difference(
  results: readonly SeedResult[],
  label: string,
  key: (typeof compared)[number],
  name: ArmName,
  other: (result: SeedResult) => TestedPair[],
): [string, string] {
  const groups = results.map((result) => {
    const clusters = new Map<string, number[]>();
    const [own, theirs] = [arm(result, name).test, other(result)];
    result.pairs.forEach((pair, i) => {
      const d = (own[i]?.[key] ?? Number.NaN) - (theirs[i]?.[key] ?? Number.NaN);
      // A pair that one arm could not measure has no difference.
      if (Number.isFinite(d)) clusters.set(pair.problem, [...(clusters.get(pair.problem) ?? []), d]);
    });
    return [...clusters.values()];
  });
  const { mean: value, low, high } = clusteredMean(groups, rng("em-control").fork(label, key));
  return [signed(value), `[${signed(low)}, ${signed(high)}]`];
}

function styleTable(results: readonly SeedResult[], names: readonly ArmName[]): string {
  const annotators = [
    ...new Set(results.flatMap((result) => names.flatMap((name) => Object.keys(arm(result, name).styles)))),
  ].sort();
  const rows = names.map((name) => [
    name,
    ...annotators.map((annotator) => percent(mean(results.map((result) => arm(result, name).styles[annotator] ?? 0)))),
  ]);
  return aligned([["rationales taught last, nearest to", ...annotators], ...rows]);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
const signed = (value: number) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
