/** `promptcot eval`: scores a model on benchmarks, with errors; resumable attempt by attempt. */
import { basename, dirname, join, resolve, sep } from "node:path";
import { Command, Option } from "commander";
import type { Contest } from "../analyses/elo.ts";
import { type Family, families, familyNames } from "../benchmarks/families.ts";
import { type Loaded, loadBenchmark } from "../benchmarks/load.ts";
import { benchmarkNamed, benchmarks } from "../benchmarks/registry.ts";
import { readStandings, requireRatings } from "../benchmarks/standings.ts";
import { PromptCotError } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import type { ProfileName } from "../domains/math/index.ts";
import { readManifest } from "../journal/run.ts";
import { type CandidateSource, nameOf } from "../recipes/candidate.ts";
import type { Overrides } from "../recipes/evaluation.ts";
import { runEvaluation } from "../recipes/evaluation-run.ts";
import { writeEvalReport } from "../report/eval-report.ts";
import { evalsFolder } from "../report/evaluations.ts";
import { numberOption, withDisplay } from "./curating.ts";
import { benchmarkTable, evalTable } from "./eval-table.ts";
import { readAnyConfig } from "./run.ts";

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
    .option("--model <path>", "checkpoint folder in Hugging Face layout, or .gguf file: run here, or by --backend")
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
    .option("--threads <n>", "attempts side by side, of a model that runs here: changes no answer", "1")
    .option("--standings <file>", "contest standings, for Codeforces ratings by the CodeElo protocol")
    .option("--elo-script", "compare places as CodeElo's published script does, one place off its description")
    .option("--without-elo", "score codeforces by pass@1 alone, where its file has no ratings")
    .option("--hub-url <url>", "another Hub")
    .option(
      "--out <folder>",
      "where attempts, eval.json and report.html are kept (default: evals/ of the run that the model is a checkpoint of, else evals/ here, and the model's name)",
    )
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
  const { family, profile } = options;
  const seed = numberOption("--seed", options.seed, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true });
  const limit = numberIf("--limit", options.limit, { min: 1, max: 1e9, integer: true });
  const override = overrides(options);
  const home = await homeOf(nameOf(source));
  const folder = options.out ?? home.folder;
  await withDisplay("eval", async (call) => {
    const contests = options.standings === undefined ? [] : await readStandings(options.standings, call);
    const loaded: Loaded[] = [];
    for (const benchmark of chosen) loaded.push(await load(benchmark, contests, options, call));
    const settings = { override, limit, contests, eloScript: options.eloScript ?? false };
    const result = await runEvaluation({ folder, source, loaded, settings, seed, family, profile }, call);
    const report = await writeEvalReport(folder, result);
    process.stdout.write(
      `${evalTable(result)}\n\nresults: ${resolve(folder, "eval.json")}\nreport: ${resolve(report)}\n`,
    );
    if (home.run !== undefined && dirname(resolve(folder)) === resolve(evalsFolder(home.run)))
      process.stdout.write(`→ promptcot report ${home.run} shows it in the report of its run\n`);
  });
}

/** Where an evaluation goes if nothing else is said: into the run that the model is a checkpoint of, if it is one. */
async function homeOf(model: string): Promise<{ folder: string; run: string | undefined }> {
  const parts = model.split(sep);
  const at = parts.lastIndexOf("checkpoints");
  const run = at < 1 ? undefined : parts.slice(0, at).join(sep);
  const name = parts
    .slice(at + 1)
    .filter(Boolean)
    .join("-");
  if (run !== undefined && name !== "" && (await readManifest(run)) !== undefined)
    return { folder: join(evalsFolder(run), name), run };
  return { folder: join("evals", basename(resolve(model))), run: undefined };
}

/** Room for the prompt beside the attempt, and for all of it where no limit is given, of a GGUF model. */
const [PROMPT_ROOM, CONTEXT] = [2048, 8192];

async function sourceOf({ model, config, backend, threads, maxTokens }: Options): Promise<CandidateSource> {
  const count = numberOption("--threads", threads, { min: 1, max: 64, integer: true });
  if (config !== undefined && backend !== undefined) {
    return { kind: "backend", name: backend, config: await readAnyConfig(config, []), path: model };
  }
  if (config !== undefined || backend !== undefined) {
    const missing = config === undefined ? "--config" : "--backend";
    throw usage("missing-option", `--config and --backend go together, and ${missing} is missing`, "add it");
  }
  if (model === undefined)
    throw usage("no-model", "no model was named", "give --model FOLDER, or --config FILE --backend NAME");
  const context = maxTokens === undefined ? CONTEXT : Number(maxTokens) + PROMPT_ROOM;
  return { kind: "path", path: model, threads: count, context };
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
function overrides({ samples, temperature, topP, maxTokens }: Options): Overrides {
  const given = {
    samples: numberIf("--samples", samples, { min: 1, max: 1024, integer: true }),
    temperature: numberIf("--temperature", temperature, { min: 0, max: 2 }),
    topP: numberIf("--top-p", topP, { min: 0.001, max: 1 }),
    maxTokens: numberIf("--max-tokens", maxTokens, { min: 1, max: 1 << 20, integer: true }),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function numberIf(
  name: string,
  text: string | undefined,
  bounds: Parameters<typeof numberOption>[2],
): number | undefined {
  return text === undefined ? undefined : numberOption(name, text, bounds);
}

function usage(code: string, message: string, next: string): PromptCotError {
  return new PromptCotError({ boundary: "config", code, message, next });
}
