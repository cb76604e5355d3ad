/** `promptcot grade math` and `promptcot grade code`: verdicts for files of responses, streamed and resumable. */
import { availableParallelism } from "node:os";
import { Command, Option } from "commander";
import type { z } from "zod";
import type { CallOptions } from "../core/events.ts";
import type { Json } from "../core/hash.ts";
import { gradeProgramIn } from "../domains/code/grade.ts";
import { pool, type Sandbox } from "../domains/code/index.ts";
import type { ProfileName } from "../domains/math/index.ts";
import { readRows } from "../rows/read.ts";
import type { Row } from "../rows/row.ts";
import { type TransformResult, transformRows } from "../rows/transform.ts";
import { doneBefore, numberOption, tally, tellUnusable, withDisplay, workersFrom } from "./curating.ts";
import { CodeRow, limitsFrom, MathRow, programOf, verdictRow } from "./grade-rows.ts";
import { gradeServeCommand } from "./grade-serve.ts";
import { mathThreads } from "./grade-threads.ts";
import { duration } from "./progress.ts";
import { aligned } from "./table.ts";

interface Options {
  input: string;
  output: string;
  rejects?: string;
  threads: string;
  overwrite?: boolean;
  strict?: boolean;
}

export function gradeCommand(): Command {
  return new Command("grade")
    .description("verdicts for a file of responses, or for programs that ask")
    .addCommand(
      common(new Command("math"))
        .description("math answers; rows: {id, gold, response}")
        .addOption(
          new Option("--profile <name>", "whose policy decides where sources disagree")
            .choices(["strict", "mathverify", "lenient"])
            .default("strict"),
        )
        .action((options: Options & { profile: ProfileName }) =>
          withDisplay("grade math", (call) => math(options, call)),
        ),
    )
    .addCommand(
      common(new Command("code"))
        .description(
          "programs against tests, in sandboxes; rows: {id, code | response, tests: [{input, output}], fnName?}",
        )
        .option("--time <seconds>", "CPU time of one test", "6")
        .option("--memory <mebibytes>", "memory of one test", "1024")
        .option("--float-tolerance <x>", "numbers in outputs may differ by this much, absolutely or relatively")
        .action((options: CodeOptions) => withDisplay("grade code", (call) => code(options, call))),
    )
    .addCommand(gradeServeCommand());
}

function common(command: Command): Command {
  return command
    .requiredOption("--input <file>", "rows, JSONL or Parquet")
    .requiredOption("--output <file>", "one verdict per row, in the same order")
    .option("--rejects <file>", "rows that cannot be read, with their reason (default: beside the output)")
    .option("--threads <n>", "how many to grade at once", String(availableParallelism()))
    .option("--overwrite", "replace the outputs of an earlier run with other input or options")
    .option("--strict", "stop at the first row that cannot be read");
}

async function math(options: Options & { profile: ProfileName }, call: CallOptions): Promise<void> {
  const threads = mathThreads(workersFrom(options.threads) + 1);
  try {
    await grade(options, call, {
      schema: MathRow,
      settings: { command: "grade math", profile: options.profile },
      batchSize: 4096,
      async judge(rows) {
        const verdicts = await threads.grade(rows, { profile: options.profile });
        return verdicts.map((verdict, i) => ({ id: rows[i]?.id, ...verdict }));
      },
    });
  } finally {
    await threads.close();
  }
}

interface CodeOptions extends Options {
  time: string;
  memory: string;
  floatTolerance?: string;
}

async function code(options: CodeOptions, call: CallOptions): Promise<void> {
  const sandbox: Sandbox = pool({ workers: workersFrom(options.threads) + 1 });
  const limits = limitsFrom(options);
  const comparison =
    options.floatTolerance === undefined ? {} : { comparison: { tolerance: toleranceOf(options.floatTolerance) } };
  try {
    await grade(options, call, {
      schema: CodeRow,
      settings: { command: "grade code", limits, ...comparison },
      batchSize: 64,
      judge: (rows) =>
        Promise.all(
          rows.map(async (row) => ({
            id: row.id,
            ...verdictRow(await gradeProgramIn(programOf(row, { limits, ...comparison }), { sandbox, ...call })),
          })),
        ),
    });
  } finally {
    await sandbox.close();
  }
}

function toleranceOf(text: string): { absolute: number; relative: number } {
  const tolerance = numberOption("--float-tolerance", text, { min: 0, max: 1 });
  return { absolute: tolerance, relative: tolerance };
}

interface Grading<T> {
  schema: z.ZodType<T>;
  settings: Json;
  batchSize: number;
  judge: (rows: readonly T[]) => Promise<Row[]>;
}

async function grade<T extends { id: string }>(
  options: Options,
  call: CallOptions,
  grading: Grading<T>,
): Promise<void> {
  const started = performance.now();
  const rejects = options.rejects ?? `${options.output}.rejects.jsonl`;
  const written = await transformRows<T, "verdicts">({
    input: options.input,
    schema: grading.schema,
    outputs: { verdicts: options.output, rejects },
    options: grading.settings,
    batchSize: grading.batchSize,
    ...(options.overwrite === undefined ? {} : { overwrite: options.overwrite }),
    ...(options.strict === undefined ? {} : { strict: options.strict }),
    ...call,
    worker: async (batch) => ({ verdicts: await grading.judge(batch.map(({ value }) => value)), rejects: [] }),
  });
  await summarise(options.output, rejects, written, (performance.now() - started) / 1000, call);
}

/** Verdicts by stage or reason, read from the output, since a resumed run judged only a part of it. */
async function summarise(
  output: string,
  rejects: string,
  written: TransformResult,
  seconds: number,
  { signal }: CallOptions,
): Promise<void> {
  const counts = tally();
  const total = written.rows.verdicts ?? 0;
  // A reader takes an empty file for a mistake, and here it may be none: every row may have been set aside.
  const rows = total === 0 ? [] : readRows(output, { strict: true, signal });
  for await (const { row } of rows) counts.add(`${row.verdict} · ${row.stage ?? row.reason}`);
  const share = (count: number) => `${((100 * count) / Math.max(1, total)).toFixed(1)} %`;
  const body = counts.rows().map(([name, count]) => [name, count.toLocaleString("en"), share(count)]);
  process.stdout.write(`${aligned([["verdicts", total.toLocaleString("en"), ""], ...body])}\n`);
  if (written.unreadable > 0) {
    const first = await tellUnusable(written.unreadable, rejects, signal);
    process.stdout.write(`${first}\nrows without a verdict, each with its reason → ${rejects}\n`);
  }
  const before = doneBefore(written);
  // Rows that were judged earlier cost nothing now, and would make a rate of nonsense.
  const rate = before === undefined ? `, ${(total / Math.max(seconds, 1e-3)).toFixed(0)} rows/s` : `; ${before}`;
  process.stdout.write(`${duration(seconds)}${rate}\n`);
}
