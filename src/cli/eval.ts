/** `promptcot eval`: scores a model on benchmarks, with errors; resumable attempt by attempt. */
import { basename, join, resolve } from "node:path";
import { Command, Option } from "commander";
import type { Contest } from "../analyses/elo.ts";
import { type Family, families, familyNames } from "../benchmarks/families.ts";
import { type Loaded, loadBenchmark } from "../benchmarks/load.ts";
import { benchmarkNamed, benchmarks } from "../benchmarks/registry.ts";
import { readStandings, requireRatings } from "../benchmarks/standings.ts";
import { PromptCotError } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import { rng } from "../core/rng.ts";
import type { ProfileName } from "../domains/math/index.ts";
import { inline } from "../exec/inline.ts";
import { openRun } from "../journal/run.ts";
import { openAccount } from "../recipes/account.ts";
import { type CandidateSource, findCandidate } from "../recipes/candidate.ts";
import { type EvalResult, evalSoFar, writeEval } from "../recipes/eval-file.ts";
import { type Candidate, evaluateBenchmark } from "../recipes/evaluation.ts";
import { graders } from "../recipes/graders.ts";
import { pricesOf, sharedLedger, versions } from "../recipes/session.ts";
import { numberOption, withDisplay } from "./curating.ts";
import { benchmarkTable, evalTable } from "./eval-table.ts";
import { readConfig } from "./run.ts";

interface Options {
  model?: string;
  config?: string;
  backend?: string;
  bench?: string;
  list?: boolean;
  data?: string;
  samples?: string;
  limit?: string;
  temperature?: string;
  topP?: string;
  maxTokens?: string;
  family?: Family;
  profile: ProfileName;
  seed: string;
  threads: string;
  standings?: string;
  withoutElo?: boolean;
  eloScript?: boolean;
  hubUrl?: string;
  out?: string;
}

export function evalCommand(): Command {
  const familyHelp = familyNames.map((name) => `${name}: ${families[name]}`).join("; ");
  return new Command("eval")
    .description("score a model on benchmarks: avg@k, pass@k, majority@k and ratings, with their errors")
    .option("--model <folder>", "checkpoint in Hugging Face layout, run by the embedded engine, or by --backend")
    .option("--config <file>", "config in which --backend is named")
    .option("--backend <name>", "backend of that config that answers")
    .option("--bench <names>", "benchmarks, with commas between them; see --list")
    .option("--list", "show the benchmarks and how each is run, and do nothing else")
    .option(
      "--data <place>",
      "a file; a folder with a file for each benchmark; hf:owner/name[@revision][/file]; or hub",
    )
    .option("--samples <n>", "attempts at each problem (default: each benchmark's own)")
    .option("--limit <n>", "only the first n problems")
    .option("--temperature <t>", "default: each benchmark's own, 0.6 in the paper")
    .option("--top-p <p>", "default: each benchmark's own, 0.95 in the paper")
    .option("--max-tokens <n>", "an attempt that is cut off is wrong (default: each benchmark's own)")
    .addOption(
      new Option(
        "--family <name>",
        `how problems are worded (default: told by the model's files). ${familyHelp}`,
      ).choices(familyNames),
    )
    .addOption(
      new Option("--profile <name>", "whose policy decides where graders of math disagree")
        .choices(["strict", "mathverify", "lenient"])
        .default("strict"),
    )
    .option("--seed <n>", "of all attempts", "1")
    .option("--threads <n>", "threads of the embedded engine", "1")
    .option("--standings <file>", "contest standings, for Codeforces ratings by the CodeElo protocol")
    .option("--elo-script", "compare places as CodeElo's published script does, one place off its description")
    .option("--without-elo", "score codeforces by pass@1 alone, where its file has no ratings")
    .option("--hub-url <url>", "another Hub")
    .option("--out <folder>", "where attempts and eval.json are kept (default: evals/ and the model's name)")
    .action((options: Options) => run(options));
}

async function run(options: Options): Promise<void> {
  if (options.list) {
    process.stdout.write(`${benchmarkTable(benchmarks)}\n`);
    return;
  }
  const names = (options.bench ?? "").split(",").filter((name) => name.trim() !== "");
  const chosen = [...new Set(names)].map((name) => benchmarkNamed(name.trim()));
  if (chosen.length === 0)
    throw usage(
      "no-benchmark",
      "no benchmark was named",
      "name some with --bench, for example --bench aime24,aime25; see --list",
    );
  const source = await sourceOf(options);
  const folder = options.out ?? join("evals", nameOf(source));
  await withDisplay("eval", async (call) => {
    const contests = options.standings === undefined ? [] : await readStandings(options.standings, call);
    const loaded: Loaded[] = [];
    for (const benchmark of chosen) loaded.push(await load(benchmark, contests, options, call));
    const result = await evaluateAll(folder, source, loaded, contests, options, call);
    process.stdout.write(`${evalTable(result)}\n\nresults: ${resolve(folder, "eval.json")}\n`);
  });
}

async function sourceOf({ model, config, backend, threads }: Options): Promise<CandidateSource> {
  const count = numberOption("--threads", threads, { min: 1, max: 64, integer: true });
  if (config !== undefined && backend !== undefined) {
    return { kind: "backend", name: backend, config: await readConfig(config, []), path: model };
  }
  if (config !== undefined || backend !== undefined) {
    const missing = config === undefined ? "--config" : "--backend";
    throw usage("missing-option", `--config and --backend go together, and ${missing} is missing`, "add it");
  }
  if (model === undefined)
    throw usage("no-model", "no model was named", "give --model FOLDER, or --config FILE --backend NAME");
  return { kind: "folder", path: model, threads: count };
}

function nameOf(source: CandidateSource): string {
  return basename(resolve(source.kind === "folder" ? source.path : (source.path ?? source.name)));
}

async function load(
  benchmark: (typeof benchmarks)[number],
  contests: readonly Contest[],
  { data, hubUrl, withoutElo }: Options,
  call: CallOptions,
): Promise<Loaded> {
  const loaded = await loadBenchmark(benchmark, { data, hubUrl, token: process.env.HF_TOKEN, ...call });
  if (benchmark.protocol.metric !== "elo") return loaded;
  if (!withoutElo) requireRatings(benchmark.name, loaded.tasks, contests);
  else return { ...loaded, benchmark: { ...benchmark, protocol: { ...benchmark.protocol, metric: "average" } } };
  return loaded;
}

/** The settings that go over the benchmarks' own. */
function overrides({ samples, temperature, topP, maxTokens }: Options) {
  const number = (name: string, text: string | undefined, bounds: Parameters<typeof numberOption>[2]) =>
    text === undefined ? undefined : numberOption(name, text, bounds);
  const given = {
    samples: number("--samples", samples, { min: 1, max: 1024, integer: true }),
    temperature: number("--temperature", temperature, { min: 0, max: 2 }),
    topP: number("--top-p", topP, { min: 0.001, max: 1 }),
    maxTokens: number("--max-tokens", maxTokens, { min: 1, max: 1 << 20, integer: true }),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

async function evaluateAll(
  folder: string,
  source: CandidateSource,
  loaded: readonly Loaded[],
  contests: readonly Contest[],
  options: Options,
  call: CallOptions,
): Promise<EvalResult> {
  const seed = numberOption("--seed", options.seed, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true });
  const limit =
    options.limit === undefined
      ? undefined
      : numberOption("--limit", options.limit, { min: 1, max: 1e9, integer: true });
  const settings = { override: overrides(options), limit, contests, eloScript: options.eloScript ?? false };
  const time = new AbortController();
  const signal = call.signal === undefined ? time.signal : AbortSignal.any([call.signal, time.signal]);
  const ledger = sharedLedger("ledger");
  const prices = source.kind === "backend" ? pricesOf(source.config) : new Map();
  // Attempts are named by all that makes them, so that nothing in the folder can be taken for something else.
  const run = await openRun(folder, {
    config: { eval: nameOf(source) },
    seed,
    versions: await versions(),
    threads: source.kind === "folder" ? source.threads : 1,
    inputs: [],
    free: ["config", "versions", "threads"],
    ...call,
  });
  const account = await openAccount({
    folder,
    prices,
    budget: {},
    now: Date.now,
    onLimit: (stopped) => time.abort(stopped),
  });
  const context = { folder, rng: rng(seed), executor: inline(), ...call, signal };
  const grading = graders({ profile: options.profile });
  const { candidate, close } = await findCandidate(source, { context, ledger, account }, options.family);
  try {
    const { promptcot = "unknown" } = await versions();
    const model = { name: candidate.name, checkpoint: candidate.checkpoint.hash, family: candidate.family };
    let result = await evalSoFar(folder, { format: 1, promptcot, model, seed });
    for (const benchmark of loaded) {
      call.onEvent?.({ kind: "note", message: headline(benchmark, candidate) });
      const scored = await evaluateBenchmark(context, candidate, benchmark, grading, settings);
      result = { ...result, benchmarks: [...result.benchmarks.filter(({ name }) => name !== scored.name), scored] };
      await writeEval(folder, result);
    }
    return result;
  } finally {
    await close();
    await grading.close();
    await ledger.close();
    account.close();
    await run.close();
  }
}

/** What is about to be attempted, and whether these are the known problems. */
function headline({ benchmark, tasks, content, pinned, file }: Loaded, { family }: Candidate): string {
  const known = pinned === undefined ? "unpinned: not the problems known under this name" : `pinned: ${pinned}`;
  const origin = file === undefined ? "" : `, from ${file.origin}`;
  return `${benchmark.title}: ${tasks.length} problems${origin}, content ${content.slice(0, 12)} (${known}); prompts: ${family}`;
}

function usage(code: string, message: string, next: string): PromptCotError {
  return new PromptCotError({ boundary: "config", code, message, next });
}
