import { basename } from "node:path";
import { Command } from "commander";
import type { CallOptions } from "../core/events.ts";
import { readBenchmarks } from "../curate/decontaminate/benchmarks.ts";
import { createMatcher, DEFAULT_MATCH } from "../curate/decontaminate/matcher.ts";
import { type Row, textAt } from "../rows/row.ts";
import { transformRows } from "../rows/transform.ts";
import { numberOption, printOutputs, problemField, reportFunnel, rowWithText, withDisplay } from "./curating.ts";

interface Options {
  input: string;
  against: string[];
  output: string;
  rejects: string;
  field?: string;
  againstField?: string;
  ngram: string;
  contained: string;
  common: string;
  overwrite?: boolean;
  strict?: boolean;
}

export function decontaminateCommand(): Command {
  return new Command("decontaminate")
    .description("drop problems that share a span of words with a benchmark problem")
    .requiredOption("--input <file>", "problems, JSONL or Parquet")
    .requiredOption(
      "--against <files...>",
      "benchmark problems; instruction lines that a benchmark's problems share are left out",
    )
    .requiredOption("--output <file>", "the rows that are kept")
    .requiredOption("--rejects <file>", "the rows that are dropped, each with the span it shares")
    .option(
      "--field <name>",
      "field that holds the problem; dots reach into objects (default: problem, prompt or question)",
    )
    .option(
      "--against-field <name>",
      "field that holds the benchmark problem (default: as --field, else problem, prompt or question)",
    )
    .option("--ngram <tokens>", "shared tokens in a row that count as contamination", String(DEFAULT_MATCH.ngram))
    .option(
      "--contained <tokens>",
      "least length at which a shorter problem within another counts",
      String(DEFAULT_MATCH.contained),
    )
    .option(
      "--common <problems>",
      "a span that so many benchmark problems share is a phrase, no evidence; 0: every span is",
      String(DEFAULT_MATCH.common),
    )
    .option("--overwrite", "replace the outputs of an earlier run with other input or options")
    .option("--strict", "stop at the first row that cannot be read")
    .action((options: Options) => withDisplay("decontaminate", (call) => run(options, call)));
}

async function run(options: Options, call: CallOptions): Promise<void> {
  const { input } = options;
  const field = await problemField(input, options.field, call);
  const match = {
    ngram: numberOption("--ngram", options.ngram, { min: 2, max: 1000, integer: true }),
    contained: numberOption("--contained", options.contained, { min: 1, max: 1000, integer: true }),
    common: numberOption("--common", options.common, { min: 0, max: 1e9, integer: true }),
  };
  const { problems, identity } = await readBenchmarks(options.against, {
    ...{ field: options.againstField, firstField: field },
    ...call,
  });
  const matcher = createMatcher(problems, match);
  process.stderr.write(
    `looking for ${problems.length.toLocaleString("en")} problems of ${options.against.map((path) => basename(path)).join(", ")}\n`,
  );
  const written = await transformRows({
    input,
    schema: rowWithText(field),
    outputs: { kept: options.output, rejects: options.rejects },
    options: { command: "decontaminate", match, field, identity },
    batchSize: 5000,
    ...(options.overwrite === undefined ? {} : { overwrite: options.overwrite }),
    ...(options.strict === undefined ? {} : { strict: options.strict }),
    ...call,
    async worker(batch) {
      const kept: Row[] = [];
      const rejects: Row[] = [];
      for (const { value } of batch) {
        const overlap = matcher.match(textAt(value, field) as string);
        if (overlap === undefined) kept.push(value);
        else rejects.push({ ...value, rejected: { by: "decontaminate", ...overlap } });
      }
      return { kept, rejects };
    },
  });
  await reportFunnel(written, options.rejects, "rejected.benchmark", call, (benchmark) => {
    return `shares a span with ${benchmark.slice(0, benchmark.indexOf(":"))}`;
  });
  await printOutputs({ kept: options.output, rejects: options.rejects }, written, call);
}
