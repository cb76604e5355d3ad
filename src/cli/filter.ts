/** `promptcot filter`: drops problems that are incomplete, ask for proofs, give their answer away, and the like; each with its reason. */
import { Command } from "commander";
import { nearest, PromptCotError } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import { DEFAULT_FILTERS, FILTER_NAMES, type FilterName, FilterSettings, filterChain } from "../curate/filter/chain.ts";
import { type Filter, type FilterRow, firstRejection, type Rejection } from "../curate/filter/contract.ts";
import { LANGUAGES } from "../curate/filter/language.ts";
import { type Row, textAt, valueAt } from "../rows/row.ts";
import { transformRows } from "../rows/transform.ts";
import { printOutputs, problemField, reportFunnel, rowWithText, settingsFrom, withDisplay } from "./curating.ts";
import { type JudgeOptions, judgedAs, type OpenJudge, openJudge } from "./judging.ts";

interface Options extends JudgeOptions {
  input: string;
  output: string;
  rejects: string;
  field?: string;
  answerField: string;
  rationaleField: string;
  conceptsField: string;
  filters?: string[];
  without?: string[];
  language: string;
  minWords: string;
  maxWords: string;
  conceptShare: string;
  overwrite?: boolean;
  strict?: boolean;
}

export function filterCommand(): Command {
  const { language, minWords, maxWords, conceptShare } = FilterSettings.parse({});
  return new Command("filter")
    .description("drop problems that cannot be used, each with its reason")
    .requiredOption("--input <file>", "problems, JSONL or Parquet")
    .requiredOption("--output <file>", "the rows that are kept")
    .requiredOption("--rejects <file>", "the rows that are dropped, each with its reason")
    .option(
      "--field <name>",
      "field that holds the problem; dots reach into objects (default: problem, prompt or question)",
    )
    .option("--answer-field <name>", "field that holds the answer, where there is one", "answer")
    .option("--rationale-field <name>", "field that holds the rationale, where there is one", "rationale")
    .option("--concepts-field <name>", "field that holds the list of concepts, where there is one", "concepts")
    .option("--filters <names...>", `of ${FILTER_NAMES.join(", ")} (default: all but trivial-answer)`)
    .option("--without <names...>", "filters to leave out")
    .option("--language <code>", `one of ${LANGUAGES.join(", ")}`, language)
    .option("--min-words <n>", "least words of a statement", String(minWords))
    .option("--max-words <n>", "most words of a statement", String(maxWords))
    .option("--concept-share <share>", "share of the concepts that a problem must use", String(conceptShare))
    .option("--judge-url <url>", "also ask a model whether problems are well posed: server, up to and including /v1")
    .option("--judge-model <name>", "the judge's name at the server")
    .option("--judge-version <name>", "its dated version, under which answers are kept (default: its name)")
    .option("--judge-context <tokens>", "its context, in tokens", "32768")
    .option("--judge-key-env <name>", "environment variable that holds the server's key")
    .option("--ledger <folder>", "where the judge's answers are kept, so that none is paid for twice", "ledger")
    .option("--overwrite", "replace the outputs of an earlier run with other input or options")
    .option("--strict", "stop at the first row that cannot be read")
    .action((options: Options) => withDisplay("filter", (call) => run(options, call)));
}

async function run(options: Options, call: CallOptions): Promise<void> {
  const settings = settingsFrom(FilterSettings, {
    language: options.language,
    minWords: Number(options.minWords),
    maxWords: Number(options.maxWords),
    conceptShare: Number(options.conceptShare),
  });
  const without = namesOf(options.without ?? []);
  const names = (options.filters === undefined ? DEFAULT_FILTERS : namesOf(options.filters)).filter(
    (name) => !without.includes(name),
  );
  const chain = filterChain(names, settings);
  const judge = await openJudge(options, call);
  try {
    await carryOut(options, { settings, chain, judge }, call);
  } finally {
    await judge?.close();
  }
}

interface Filtering {
  settings: FilterSettings;
  chain: readonly Filter[];
  judge: OpenJudge | undefined;
}

async function carryOut(options: Options, { settings, chain, judge }: Filtering, call: CallOptions): Promise<void> {
  const field = await problemField(options.input, options.field, call);
  const fields = {
    field,
    answer: options.answerField,
    rationale: options.rationaleField,
    concepts: options.conceptsField,
  };
  const written = await transformRows({
    input: options.input,
    schema: rowWithText(field),
    outputs: { kept: options.output, rejects: options.rejects },
    options: {
      command: "filter",
      filters: chain.map(({ name }) => name),
      settings,
      fields,
      ...(judge && { judge: judge.identity }),
    },
    batchSize: judge === undefined ? 5000 : 256, // what at most is asked again, from the ledger, after an interruption
    ...(options.overwrite === undefined ? {} : { overwrite: options.overwrite }),
    ...(options.strict === undefined ? {} : { strict: options.strict }),
    ...call,
    async worker(batch) {
      const rejections = batch.map(({ value }) => firstRejection(chain, filterRow(value, field, options)));
      if (judge !== undefined) await askJudge(judge, batch, rejections, field);
      const kept: Row[] = [];
      const rejects: Row[] = [];
      for (const [n, { value }] of batch.entries()) {
        const rejection = rejections[n];
        if (rejection === undefined) kept.push(value);
        else rejects.push({ ...value, rejected: { by: "filter", ...rejection } });
      }
      return { kept, rejects };
    },
  });
  await reportFunnel(written, options.rejects, "rejected.filter", call, (name) => name);
  await printOutputs({ kept: options.output, rejects: options.rejects }, written, call);
}

/** Asks about the rows that nothing else objects to, and notes its objections among the others. */
async function askJudge(
  judge: OpenJudge,
  batch: readonly { value: Row }[],
  rejections: (Rejection | undefined)[],
  field: string,
): Promise<void> {
  const open = [...batch.keys()].filter((n) => rejections[n] === undefined);
  const judgements = await judge.judge(open.map((n) => textAt(batch[n]?.value ?? {}, field) ?? ""));
  for (const [i, n] of open.entries()) {
    rejections[n] = judgedAs(judgements[i] ?? { judgement: "unknown", reason: "the judge did not answer" });
  }
}

function filterRow(row: Row, field: string, options: Options): FilterRow {
  const concepts = valueAt(row, options.conceptsField);
  const answer = valueAt(row, options.answerField);
  return {
    problem: textAt(row, field) as string,
    answer: typeof answer === "number" ? String(answer) : typeof answer === "string" ? answer : undefined,
    rationale: textAt(row, options.rationaleField),
    concepts: Array.isArray(concepts) ? concepts.filter((concept) => typeof concept === "string") : undefined,
  };
}

function namesOf(names: readonly string[]): FilterName[] {
  return names.map((name) => {
    const known = FILTER_NAMES.find((filter) => filter === name);
    if (known !== undefined) return known;
    const guess = nearest(name, FILTER_NAMES);
    throw new PromptCotError({
      boundary: "config",
      code: "unknown-filter",
      message: `unknown filter "${name}"${guess === undefined ? "" : `. Did you mean "${guess}"?`}`,
      next: `the filters are: ${FILTER_NAMES.join(", ")}`,
    });
  });
}
