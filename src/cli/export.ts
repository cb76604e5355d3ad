/** `promptcot export`: a file of curated rows in the format of a trainer, split by clusters, with a dataset card. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Command, Option } from "commander";
import { messageOf, PromptCotError } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import { contentId, type Json } from "../core/hash.ts";
import { CardInput, datasetCard } from "../curate/export/card.ts";
import {
  type Example,
  FORMAT_NAMES,
  FORMATS,
  type FormatName,
  formatRow,
  llamaFactoryInfo,
} from "../curate/export/formats.ts";
import { parseSplits, type Share, splitByCluster } from "../curate/export/splits.ts";
import { makeFolder, writeFileAtomic } from "../journal/files.ts";
import { type Row, textAt, valueAt } from "../rows/row.ts";
import { type Codec, writeRows } from "../rows/write.ts";
import { printFunnel, tally, textsOf, withDisplay, workersFrom } from "./curating.ts";

interface Options {
  input: string;
  format: FormatName;
  output: string;
  field: string;
  responseField: string;
  chosenField: string;
  rejectedField: string;
  answerField: string;
  system?: string;
  instruction?: string;
  splits: string;
  seed: string;
  as: "jsonl" | "parquet";
  codec: Codec;
  source?: string;
  ability: string;
  card?: string;
  threads: string;
}

export function exportCommand(): Command {
  return new Command("export")
    .description("write curated rows in the format of a trainer, split by clusters, with a dataset card")
    .requiredOption("--input <file>", "curated rows, JSONL or Parquet")
    .addOption(new Option("--format <name>", "the trainer's format").choices(FORMAT_NAMES).makeOptionMandatory())
    .requiredOption("--output <folder>", "folder for the files of each split and the card")
    .option("--field <name>", "field that holds the problem", "problem")
    .option("--response-field <name>", "field that holds a correct response", "response")
    .option("--chosen-field <name>", "field that holds the better response", "chosen")
    .option("--rejected-field <name>", "field that holds the worse response", "rejected")
    .option("--answer-field <name>", "field that holds the answer", "answer")
    .option("--system <text>", "system message of every row")
    .option("--instruction <text>", "text that follows every problem, after a blank line")
    .option("--splits <shares>", "names and shares; near-duplicates stay in one", "train=0.98,test=0.02")
    .option("--seed <n>", "seed of the splits", "1")
    .addOption(new Option("--as <type>", "type of the files").choices(["jsonl", "parquet"]).default("jsonl"))
    .addOption(
      new Option("--codec <name>", "compression within Parquet")
        .choices(["snappy", "zstd", "gzip", "none"])
        .default("snappy"),
    )
    .option("--source <name>", "name of the data set (default: the output folder's)")
    .option("--ability <name>", "verl's ability: math or code", "math")
    .option("--card <file>", "JSON with what the card says: licence, funnel, seeds, models, decontamination, charts")
    .option("--threads <n>", "threads to compute on", "2")
    .action((options: Options) => withDisplay("export", (call) => run(options, call)));
}

async function run(options: Options, call: CallOptions): Promise<void> {
  const shares = parseSplits(options.splits);
  const source = options.source ?? options.output.replace(/\/+$/, "").split("/").at(-1) ?? "promptcot";
  const given = await cardOf(options.card);
  const workers = workersFrom(options.threads);
  const splits = await splitByCluster(items(options, call), shares, { seed: options.seed, workers, ...call });
  await makeFolder(options.output);
  const files: CardInput["files"] = [];
  const reasons = tally();
  for (const { name } of shares) {
    const path = `${name}.${options.as}`;
    const rows = await writeRows(join(options.output, path), rowsOf(options, source, splits, name, reasons, call), {
      codec: options.codec,
      ...call,
    });
    files.push({ split: name, path, rows });
  }
  await writeInfo(options, source, shares);
  const card = CardInput.parse({
    name: source,
    description: "",
    licence: "other",
    ...given,
    format: FORMATS[options.format].title,
    files,
  });
  await writeFileAtomic(join(options.output, "README.md"), datasetCard(card));
  printFunnel(
    splits.length,
    reasons.rows(),
    files.reduce((sum, { rows }) => sum + rows, 0),
  );
  for (const { split, path, rows } of files)
    process.stdout.write(`${split.padEnd(8)} ${rows.toLocaleString("en")} rows → ${join(options.output, path)}\n`);
}

async function* items(options: Options, call: CallOptions) {
  for await (const { row, text } of textsOf(options.input, options.field, call))
    yield { id: contentId(row as Json), text };
}

async function* rowsOf(
  options: Options,
  source: string,
  splits: readonly string[],
  split: string,
  reasons: ReturnType<typeof tally>,
  call: CallOptions,
): AsyncGenerator<Row> {
  let position = 0;
  let index = 0;
  for await (const { row, text } of textsOf(options.input, options.field, call)) {
    if (splits[position++] !== split) continue;
    const formatted = formatRow(options.format, exampleOf(row, text, options), {
      source,
      ability: options.ability,
      split,
      index,
    });
    if ("lacks" in formatted) reasons.add(`no ${formatted.lacks}`);
    else {
      index++;
      yield formatted.row;
    }
  }
}

function exampleOf(row: Row, problem: string, options: Options): Example {
  const id = valueAt(row, "id");
  const answer = valueAt(row, options.answerField);
  return {
    id: typeof id === "string" ? id : contentId(row as Json),
    prompt: options.instruction === undefined ? problem : `${problem}\n\n${options.instruction}`,
    system: options.system,
    response: textAt(row, options.responseField),
    chosen: textAt(row, options.chosenField),
    rejected: textAt(row, options.rejectedField),
    answer: typeof answer === "number" ? String(answer) : typeof answer === "string" ? answer : undefined,
  };
}

async function writeInfo({ format, as, output }: Options, source: string, shares: readonly Share[]): Promise<void> {
  const entries = shares.flatMap(({ name }) => {
    const info = llamaFactoryInfo(format, `${name}.${as}`);
    return info === undefined ? [] : [[`${source}_${name}`, info] as const];
  });
  if (entries.length === 0) return;
  await writeFileAtomic(join(output, "dataset_info.json"), `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`);
}

async function cardOf(path: string | undefined): Promise<object> {
  if (path === undefined) return {};
  try {
    return CardInput.omit({ files: true, format: true })
      .partial()
      .parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    throw new PromptCotError({
      boundary: "config",
      code: "bad-card",
      message: `${path} cannot be used for the dataset card: ${messageOf(cause)}`,
      next: "it is JSON with name, description, licence, language, funnel, seeds, models, decontamination and charts, all optional",
      cause,
    });
  }
}
