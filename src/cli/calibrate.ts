/** `promptcot calibrate dedup`: false positives and recall of deduplication over known problems, a chart, and a recommendation. */
import { Command } from "commander";
import { type ThresholdPoint, thresholdChart } from "../analyses/threshold-chart.ts";
import { PromptCotError } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import { rng } from "../core/rng.ts";
import {
  type Calibration,
  calibrate,
  DEFAULT_SWEEP,
  type KnownDuplicate,
  type KnownProblem,
  type SweepRow,
} from "../curate/calibrate/calibrate.ts";
import { EDITS, paraphrase } from "../curate/calibrate/paraphrase.ts";
import { sharedLines, stripLines } from "../curate/calibrate/shared-lines.ts";
import { DEFAULT_DEDUP } from "../curate/dedup/options.ts";
import { writeFileAtomic } from "../journal/files.ts";
import { readRows } from "../rows/read.ts";
import { textAt, valueAt } from "../rows/row.ts";
import { numberOption, passedOver, textsOf, withDisplay } from "./curating.ts";
import { aligned } from "./table.ts";

interface Options {
  distinct: string[];
  duplicates?: string;
  field?: string;
  chart?: string;
  json?: string;
  seed: string;
  maxFalsePositives: string;
  minRecall: string;
  all?: boolean;
}

export function calibrateCommand(): Command {
  return new Command("calibrate")
    .description("choose a threshold by problems known to be distinct, and known duplicates")
    .addCommand(
      new Command("dedup")
        .description("sweep deduplication's settings; shared instruction lines of a file are stripped first")
        .requiredOption("--distinct <files...>", "problems known to be distinct, JSONL or Parquet")
        .option(
          "--duplicates <file>",
          "known duplicates: rows with `original`, `copy` and perhaps `kind` (default: edits of the distinct problems)",
        )
        .option("--field <name>", "field that holds the problem (default: problem, prompt or question)")
        .option(
          "--max-false-positives <share>",
          "most distinct problems that may be called duplicates",
          String(DEFAULT_SWEEP.maxFalsePositives),
        )
        .option("--min-recall <share>", "least recall of every kind of duplicate", String(DEFAULT_SWEEP.minRecall))
        .option("--chart <file.svg>", "write the chart")
        .option("--json <file>", "write everything that was found")
        .option("--seed <n>", "seed of the edits", "1")
        .option("--all", "print the tables of all settings, not of the recommended one alone")
        .action((options: Options) => withDisplay("calibrate dedup", (call) => run(options, call))),
    );
}

async function run(options: Options, call: CallOptions): Promise<void> {
  const share = { min: 0, max: 1 };
  const problems = (await Promise.all(options.distinct.map((path) => problemsOf(path, options.field, call)))).flat();
  const duplicates =
    options.duplicates === undefined ? editsOf(problems, options.seed) : await duplicatesOf(options.duplicates, call);
  const found = await calibrate(problems, duplicates, {
    ...DEFAULT_SWEEP,
    settings: DEFAULT_DEDUP,
    maxFalsePositives: numberOption("--max-false-positives", options.maxFalsePositives, share),
    minRecall: numberOption("--min-recall", options.minRecall, share),
    ...call,
  });
  if (options.chart !== undefined) await writeFileAtomic(options.chart, chartOf(found));
  if (options.json !== undefined) await writeFileAtomic(options.json, `${JSON.stringify(found, null, 2)}\n`);
  process.stdout.write(`${textOf(found, options.all ?? false)}\n`);
}

async function problemsOf(path: string, field: string | undefined, call: CallOptions): Promise<KnownProblem[]> {
  for (const name of field === undefined ? ["problem", "prompt", "question"] : [field]) {
    const problems: KnownProblem[] = [];
    const over = passedOver();
    for await (const { row, text, line } of textsOf(path, name, call, over.add)) {
      const id = valueAt(row, "id");
      problems.push({ id: typeof id === "string" ? id : `${path}:${line}`, text });
    }
    if (problems.length === 0) continue;
    over.tell();
    const shared = new Set(sharedLines(problems.map(({ text }) => text)));
    return problems.map(({ id, text }) => ({ id, text: stripLines(text, shared) }));
  }
  throw new PromptCotError({
    boundary: "data",
    code: "no-problems",
    message: `${path} has no row with a text in ${field ?? "problem, prompt or question"}`,
    next: "name the field that holds the problem with --field",
  });
}

function editsOf(problems: readonly KnownProblem[], seed: string): KnownDuplicate[] {
  return problems.flatMap(({ id, text }) =>
    EDITS.flatMap((kind) => {
      const copy = paraphrase(text, kind, rng(seed).fork(id, kind));
      return copy === undefined ? [] : [{ kind, original: text, copy }];
    }),
  );
}

async function duplicatesOf(path: string, { signal }: CallOptions): Promise<KnownDuplicate[]> {
  const duplicates: KnownDuplicate[] = [];
  for await (const { row } of readRows(path, { signal, strict: true })) {
    const original = textAt(row, "original");
    const copy = textAt(row, "copy");
    if (original === undefined || copy === undefined) {
      throw new PromptCotError({
        boundary: "data",
        code: "bad-duplicate",
        message: `${path}: row ${duplicates.length + 1} lacks the text "original" or "copy"`,
        next: "each row must hold two texts that are duplicates of one another",
      });
    }
    duplicates.push({ kind: textAt(row, "kind") ?? "duplicate", original, copy });
  }
  return duplicates;
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
const settingName = ({ shingle, letters, numbers }: SweepRow): string =>
  `${shingle}-word shingles, letters ${letters === "mask" ? "alike" : "kept"}, numbers ${numbers === "same" ? "must agree" : "ignored"}`;

function textOf(found: Calibration, all: boolean): string {
  const { recommended, endToEnd } = found;
  const kinds = Object.entries(found.duplicates).map(([kind, count]) => `${count.toLocaleString("en")} ${kind}`);
  const settings = [...new Set(found.rows.map(settingName))].filter(
    (name) => all || recommended === undefined || name === settingName(recommended),
  );
  const lines = [
    `${found.problems.toLocaleString("en")} distinct problems; known duplicates: ${kinds.join(", ") || "none"}`,
    ...listed(
      "exact duplicates among the problems, left out",
      found.exact.map(({ a, b }) => `${a} = ${b}`),
    ),
    ...settings.map((name) => `${name}\n${tableOf(found.rows.filter((row) => settingName(row) === name))}`),
  ];
  if (recommended === undefined || endToEnd === undefined)
    return [...lines, "no setting stays within the bounds"].join("\n\n");
  const recall = Object.entries(endToEnd.recall).map(([kind, value]) => `${kind} ${percent(value)}`);
  const pair = ({ a, b, jaccard }: { a: string; b: string; jaccard: number }) => `${a} ~ ${b}  ${jaccard.toFixed(2)}`;
  return [
    ...lines,
    `recommended: threshold ${recommended.threshold}, ${settingName(recommended)}`,
    `with signatures of ${DEFAULT_DEDUP.bands} bands of ${DEFAULT_DEDUP.rows}: ${percent(endToEnd.falsePositives)} false positives; recall ${recall.join(", ")}`,
    ...listed("called duplicates (judge for yourself)", found.called.map(pair)),
    ...listed("as alike, and kept, since their numbers differ", found.variants.map(pair)),
  ].join("\n\n");
}

function listed(title: string, items: readonly string[]): string[] {
  if (items.length === 0) return [];
  const shown = items.slice(0, 40).map((item) => `  ${item}`);
  return [[`${title}: ${items.length}`, ...shown, ...(items.length > 40 ? [`  … (all with --json)`] : [])].join("\n")];
}

function tableOf(rows: readonly SweepRow[]): string {
  const kinds = Object.keys(rows[0]?.recall ?? {});
  return aligned([
    ["threshold", "false positives", ...kinds.map((kind) => `recall: ${kind}`)],
    ...rows.map((row) => [
      row.threshold.toFixed(2),
      percent(row.falsePositives),
      ...kinds.map((kind) => percent(row.recall[kind] ?? 0)),
    ]),
  ]);
}

/** The panels: the recommended shingle and letters, with numbers and without. */
function chartOf({ rows, recommended }: Calibration): string {
  const shown = recommended ?? rows[0];
  const points = rows
    .filter((row) => row.shingle === shown?.shingle && row.letters === shown.letters)
    .flatMap((row): ThresholdPoint[] => [
      {
        panel: `numbers ${row.numbers === "same" ? "must agree" : "ignored"}`,
        curve: "false positives",
        threshold: row.threshold,
        share: row.falsePositives,
      },
      ...Object.entries(row.recall).map(([kind, value]) => ({
        panel: `numbers ${row.numbers === "same" ? "must agree" : "ignored"}`,
        curve: `recall: ${kind}`,
        threshold: row.threshold,
        share: value,
      })),
    ]);
  return thresholdChart(points, {
    title: "Deduplication: what a threshold drops, and what it finds",
    mark: recommended?.threshold,
  });
}
