/** `promptcot export`: what a run, or a file of curated rows, has to offer in the format of a trainer, split by clusters, with a dataset card. */
import { readFile, rm } from "node:fs/promises";
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
import { parseSplits, splitByCluster } from "../curate/export/splits.ts";
import { makeFolder, writeFileAtomic } from "../journal/files.ts";
import { type Harvest, openHarvest } from "../recipes/corpus.ts";
import { type Reject, type Row, textAt, valueAt } from "../rows/row.ts";
import { type Codec, writeRows } from "../rows/write.ts";
import {
  passedOver,
  printFunnel,
  problemField,
  tally,
  textsOf,
  UNUSABLE,
  withDisplay,
  workersFrom,
} from "./curating.ts";

interface Options {
  input?: string;
  format: FormatName;
  output: string;
  field?: string;
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
    .description(
      "write a run's harvest, or a file of curated rows, in the format of a trainer, split by clusters, with a card",
    )
    .argument(
      "[run]",
      "run folder: its curated or attempted problems, self-play's pairs, or right solutions, as the format needs",
    )
    .option("--input <file>", "in place of a run: curated rows, JSONL or Parquet")
    .addOption(new Option("--format <name>", "the trainer's format").choices(FORMAT_NAMES).makeOptionMandatory())
    .requiredOption("--output <folder>", "folder for the files of each split and the card")
    .option("--field <name>", "field that holds the problem (default: problem, prompt or question)")
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
    .option(
      "--source <name>",
      "name of the data set; verl chooses its reward function by it (default: the output folder's)",
    )
    .option("--ability <name>", "verl's ability: math or code", "math")
    .option("--card <file>", "JSON with what the card says: licence, funnel, seeds, models, decontamination, charts")
    .option("--threads <n>", "threads to compute on", "2")
    .action((folder: string | undefined, options: Options) =>
      withDisplay("export", async (call) => run(await sourceOf(folder, options, call), options, call)),
    );
}

/** Where rows come from. They are read several times, in the same order. */
interface Source {
  rows(call: CallOptions, onReject?: (reject: Reject) => void): AsyncIterable<{ row: Row; text: string }>;
  /** What the card can say without being told. */
  card: Partial<CardInput>;
  /** Charts beside the card. */
  charts: readonly { path: string; title: string; svg: string }[];
  /** What to do if no row has what the format needs. */
  next: string;
  /** What to do if there is no row at all. */
  ifNone: string;
}

async function sourceOf(folder: string | undefined, options: Options, call: CallOptions): Promise<Source> {
  const { input, format } = options;
  if ((folder === undefined) === (input === undefined)) {
    throw new PromptCotError({
      boundary: "config",
      code: "missing-option",
      message: folder === undefined ? "nothing to export was named" : "a run and --input were both named",
      next: "name a run folder, or a file of rows with --input",
    });
  }
  if (input !== undefined) {
    const next = `name the fields with --response-field, --answer-field and the like, or choose a format that needs less: problems`;
    const field = await problemField(input, options.field, call);
    const rows: Source["rows"] = (call, onReject) => textsOf(input, field, call, onReject);
    return { rows, card: {}, charts: [], next, ifNone: next };
  }
  const { harvest, card, chart, rows } = await openHarvest(folder as string, FORMATS[format].needs);
  const ifNone = `${harvest === "problems" ? "" : `${NEXT[harvest]}; `}see how far the run is with \`promptcot status ${folder}\`: it may not have come to them yet; once it is done, its report says why none was kept`;
  return { rows, card, charts: [{ path: "funnel.svg", ...chart }], next: NEXT[harvest], ifNone };
}

const NEXT: Record<Harvest, string> = {
  problems: "a run without answers has problems alone: --format problems",
  pairs:
    "name a run with self-play (recipes math-selfplay and code-selfplay; pocket with selfPlay.rounds), or export problems alone: problems, trl-grpo, verl",
  solutions:
    "name a run with self-play or a teacher (recipes math-selfplay, code-selfplay, math-sft; pocket with selfPlay.rounds), or export problems alone: problems, trl-grpo, verl",
};

async function run(from: Source, options: Options, call: CallOptions): Promise<void> {
  const shares = parseSplits(options.splits);
  await refuseEmpty(from, options, call);
  const source = options.source ?? options.output.replace(/\/+$/, "").split("/").at(-1) ?? "promptcot";
  const given = await cardOf(options.card);
  const workers = workersFrom(options.threads);
  const reasons = tally();
  const splits = await splitByCluster(items(from, reasons, call), shares, { seed: options.seed, workers, ...call });
  await makeFolder(options.output);
  const files: CardInput["files"] = [];
  const unusable = reasons.rows().reduce((sum, [, count]) => sum + count, 0);
  for (const { name } of shares) {
    const path = `${name}.${options.as}`;
    const rows = await nonEmpty(rowsOf({ from, options, source, splits, split: name }, reasons, call));
    // Loaders stumble over files without rows: none is written.
    if (rows === undefined) await rm(join(options.output, path), { force: true });
    else {
      const written = await writeRows(join(options.output, path), rows, { codec: options.codec, ...call });
      files.push({ split: name, path, rows: written });
    }
  }
  await writeInfo(options, source, files);
  const names = files.map(({ split }) => split);
  await writeRows(
    join(options.output, "lineage.jsonl"),
    lineageOf({ from, options, source, splits }, names, call),
    call,
  );
  for (const { path, svg } of from.charts) await writeFileAtomic(join(options.output, path), svg);
  const card = CardInput.parse({
    name: source,
    description: "",
    licence: "other",
    ...from.card,
    charts: from.charts.map(({ title, path }) => ({ title, path })),
    ...given,
    format: FORMATS[options.format].title,
    files,
  });
  await writeFileAtomic(join(options.output, "README.md"), datasetCard(card));
  printFunnel(
    unusable + splits.length,
    reasons.rows(),
    files.reduce((sum, { rows }) => sum + rows, 0),
  );
  for (const { split, path, rows } of files)
    process.stdout.write(
      `${split.padEnd(8)} ${rows.toLocaleString("en")} ${rows === 1 ? "row" : "rows"} → ${join(options.output, path)}\n`,
    );
  for (const { name } of shares.filter(({ name }) => !names.includes(name)))
    process.stdout.write(`${name.padEnd(8)} no rows: no file\n`);
}

/** @throws PromptCotError `data`/`nothing-to-export` before anything is written, if no row can be */
async function refuseEmpty(from: Source, options: Options, call: CallOptions): Promise<void> {
  const lacking = tally();
  let rows = 0;
  for await (const { row, text } of from.rows(call)) {
    rows++;
    const made = formatRow(options.format, exampleOf(row, text, options), {
      source: "",
      ability: "",
      split: "",
      index: 0,
    });
    if ("row" in made) return;
    lacking.add(`no ${made.lacks}`);
  }
  const why = lacking.rows().map(([reason, count]) => `${count.toLocaleString("en")} have ${reason}`);
  throw new PromptCotError({
    boundary: "data",
    code: "nothing-to-export",
    message: `nothing can be exported as ${options.format}: ${rows === 0 ? "there are no rows for it" : `of ${rows.toLocaleString("en")} rows, ${why.join(", ")}`}`,
    next: rows === 0 ? from.ifNone : from.next,
  });
}

/** The rows, or undefined if there are none. */
async function nonEmpty(rows: AsyncGenerator<Row>): Promise<AsyncGenerator<Row> | undefined> {
  const first = await rows.next();
  if (first.done) return undefined;
  return (async function* () {
    yield first.value;
    yield* rows;
  })();
}

async function* items(from: Source, reasons: ReturnType<typeof tally>, call: CallOptions) {
  const over = passedOver();
  const onReject = (reject: Reject) => {
    reasons.add(UNUSABLE);
    over.add(reject);
  };
  for await (const { row, text } of from.rows(call, onReject)) yield { id: contentId(row as Json), text };
  over.tell();
}

interface Formatting {
  from: Source;
  options: Options;
  source: string;
  /** [row] its split. */
  splits: readonly string[];
}

/** The rows of one split in the trainer's format, or what they lack for it. */
async function* formatted(
  { from, options, source, splits, split }: Formatting & { split: string },
  call: CallOptions,
): AsyncGenerator<{ id: string; index: number } & ReturnType<typeof formatRow>> {
  let position = 0;
  let index = 0;
  for await (const { row, text } of from.rows(call)) {
    if (splits[position++] !== split) continue;
    const example = exampleOf(row, text, options);
    const made = formatRow(options.format, example, { source, ability: options.ability, split, index });
    yield { id: example.id, index, ...made };
    if ("row" in made) index++;
  }
}

async function* rowsOf(
  formatting: Formatting & { split: string },
  reasons: ReturnType<typeof tally>,
  call: CallOptions,
): AsyncGenerator<Row> {
  for await (const made of formatted(formatting, call)) {
    if ("lacks" in made) reasons.add(`no ${made.lacks}`);
    else yield made.row;
  }
}

/** For each row that is written, whose it is: trainers' formats have no place for an id. */
async function* lineageOf(formatting: Formatting, names: readonly string[], call: CallOptions): AsyncGenerator<Row> {
  for (const split of names) {
    for await (const made of formatted({ ...formatting, split }, call))
      if ("row" in made) yield { split, row: made.index, id: made.id };
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
    columns: row,
    answer: typeof answer === "number" ? String(answer) : typeof answer === "string" ? answer : undefined,
  };
}

async function writeInfo({ format, output }: Options, source: string, files: CardInput["files"]): Promise<void> {
  const entries = files.flatMap(({ split, path }) => {
    const info = llamaFactoryInfo(format, path);
    return info === undefined ? [] : [[`${source}_${split}`, info] as const];
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
