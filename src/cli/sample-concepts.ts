/** `promptcot sample-concepts`: draws sets of concepts for synthesis from annotated problems. */
import { stat } from "node:fs/promises";
import { Command } from "commander";
import type { CallOptions } from "../core/events.ts";
import { sha256File } from "../core/hash.ts";
import { type PassRates, passRatesOf, readPassRates } from "../curate/concepts/rates.ts";
import { SampleSettings, sampleConceptSets } from "../curate/concepts/sample.ts";
import { buildConceptSpace, type ConceptSpace } from "../curate/concepts/space.ts";
import { passRateWeights } from "../curate/concepts/weights.ts";
import { measuredRows } from "../recipes/pass-rates.ts";
import { readRows } from "../rows/read.ts";
import { type Row, valueAt } from "../rows/row.ts";
import { writeRows } from "../rows/write.ts";
import { numberOption, type PassedOver, passedOver, settingsFrom, withDisplay, workersFrom } from "./curating.ts";
import { EMBEDDERS, type EmbedderOptions, embedderFor } from "./embedders.ts";

interface Options extends EmbedderOptions {
  input: string;
  output: string;
  field: string;
  sets: string;
  size: string;
  mode: string;
  temperature: string;
  cooccurrence: string;
  minCount: string;
  seed: string;
  threads: string;
  rates?: string;
  rateField: string;
  target: string;
  width: string;
  prior: string;
}

export function sampleConceptsCommand(): Command {
  const { mode, size, temperature, cooccurrence } = SampleSettings.parse({});
  return new Command("sample-concepts")
    .description("draw sets of concepts from annotated problems: seeded, and never the same set twice")
    .requiredOption("--input <file>", "annotated problems, JSONL or Parquet")
    .requiredOption("--output <file>", "the sets, one a row")
    .requiredOption("--sets <n>", "how many sets")
    .option("--field <name>", "field that holds the list of concepts", "concepts")
    .option("--size <n>", "concepts a set", String(size))
    .option("--mode <name>", "paper, uniform, or frontier (plausible pairs that seldom met)", mode)
    .option("--temperature <t>", "temperature of the softmax", String(temperature))
    .option("--cooccurrence <name>", "how counts are tempered: log, pmi or raw", cooccurrence)
    .option("--min-count <n>", "leave out concepts of fewer problems", "1")
    .option(
      "--rates <file or run>",
      "problems with concepts and measured pass rates, or a run folder whose self-play measured them: draw towards the target rate",
    )
    .option("--rate-field <name>", "field that holds the pass rate, in [0, 1]", "passRate")
    .option("--target <rate>", "the pass rate to draw towards", "0.5")
    .option("--width <rate>", "how far from the target still counts", "0.2")
    .option("--prior <n>", "problems at the mean that every concept is credited with", "5")
    .option("--embedder <name>", `similarity by ${EMBEDDERS.join(", ")}`, "lexical")
    .option("--embedder-url <url>", "server of the openai embedder, up to and including /v1")
    .option("--embedder-model <name>", "model of the embedder; for transformers also a folder")
    .option("--embedder-key-env <name>", "environment variable that holds the server's key")
    .option("--embedder-key-file <file>", "file that holds the server's key")
    .option("--seed <n>", "seed of all chance", "1")
    .option("--threads <n>", "threads to compute on", "2")
    .action((options: Options) => withDisplay("sample-concepts", (call) => run(options, call)));
}

async function run(options: Options, call: CallOptions): Promise<void> {
  const settings = settingsFrom(SampleSettings, {
    ...{ mode: options.mode, cooccurrence: options.cooccurrence },
    ...{ size: Number(options.size), temperature: Number(options.temperature) },
  });
  const sets = numberOption("--sets", options.sets, { min: 1, max: 1e9, integer: true });
  const minCount = numberOption("--min-count", options.minCount, { min: 1, max: 1e9, integer: true });
  const workers = workersFrom(options.threads);
  const over = passedOver();
  const space = await buildConceptSpace(conceptLists(options.input, options.field, over, call), {
    embedder: embedderFor(options),
    minCount,
    ...call,
  });
  over.tell();
  const weights = await weightsOf(space, options, call);
  process.stderr.write(
    `${space.names.length.toLocaleString("en")} concepts of ${space.problems.toLocaleString("en")} problems\n`,
  );
  const source = await sha256File(options.input);
  let exhausted: string | undefined;

  async function* rows(): AsyncGenerator<Row> {
    const drawn = sampleConceptSets(space, {
      settings,
      seed: options.seed,
      sets,
      weights,
      workers: workers === 0 ? 0 : workers + 1,
      ...call,
    });
    for await (const item of drawn) {
      if (item.kind === "exhausted") exhausted = item.reason;
      else {
        const concepts = item.concepts.map((concept) => space.names[concept] as string);
        yield { id: `${source.slice(0, 12)}-${options.seed}-${item.index}`, concepts };
      }
    }
  }
  const written = await writeRows(options.output, rows(), call);
  process.stdout.write(`${written.toLocaleString("en")} sets of ${settings.size} concepts → ${options.output}\n`);
  if (exhausted !== undefined)
    process.stdout.write(`fewer than the ${sets.toLocaleString("en")} asked for: ${exhausted}\n`);
}

/** Each row's concepts; a row without any is passed over, and told of. */
async function* conceptLists(
  path: string,
  field: string,
  over: PassedOver,
  { signal }: CallOptions,
): AsyncGenerator<string[]> {
  for await (const { row, line } of readRows(path, { signal, onReject: over.add })) {
    const value = valueAt(row, field);
    const concepts = Array.isArray(value) ? value.filter((concept) => typeof concept === "string") : [];
    if (concepts.length > 0) yield concepts;
    else over.add({ file: path, line, field, reason: value === undefined ? "missing" : "holds no list of texts" });
  }
}

async function weightsOf(
  space: ConceptSpace,
  options: Options,
  { signal }: CallOptions,
): Promise<Float64Array | undefined> {
  if (options.rates === undefined) return undefined;
  const share = { min: 0, max: 1 };
  const aim = {
    target: numberOption("--target", options.target, share),
    width: numberOption("--width", options.width, { min: 0.001, max: 10 }),
    prior: numberOption("--prior", options.prior, { min: 0, max: 1e9 }),
  };
  const { measured, passedOver } = await ratesOf(options.rates, space, options, signal);
  const shifting = `${options.rates}: ${measured.length.toLocaleString("en")} measured problems shift the draws`;
  const [first] = passedOver;
  const others =
    first === undefined
      ? ""
      : `; ${passedOver.length.toLocaleString("en")} measure nothing here (the first, ${first.line}: ${first.reason})`;
  process.stderr.write(`${shifting}${others}\n`);
  return passRateWeights(space.names.length, measured, aim);
}

async function ratesOf(
  path: string,
  space: ConceptSpace,
  options: Options,
  signal: CallOptions["signal"],
): Promise<PassRates> {
  if ((await stat(path).catch(() => undefined))?.isDirectory() === true)
    return passRatesOf(measuredRows(path), space, {});
  return readPassRates(path, space, { concepts: options.field, rate: options.rateField }, { signal });
}
