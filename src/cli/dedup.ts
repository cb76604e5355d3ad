/** `promptcot dedup`: drops duplicates from a file of problems, and says of which problem each is one. */
import { Command } from "commander";
import type { CallOptions } from "../core/events.ts";
import { contentId, type Json, sha256File } from "../core/hash.ts";
import { createCorpus } from "../curate/dedup/corpus.ts";
import { type DedupItem, type DedupResult, dedup, readCorpus } from "../curate/dedup/dedup.ts";
import { addSegment, loadSegments, segmentsBefore } from "../curate/dedup/index-store.ts";
import { dedupByMeaning, type MeaningResult, type MeaningVerdict } from "../curate/dedup/meaning.ts";
import { DEFAULT_DEDUP, DedupSettings } from "../curate/dedup/options.ts";
import { type Row, valueAt } from "../rows/row.ts";
import { transformRows } from "../rows/transform.ts";
import {
  numberOption,
  printFunnel,
  printOutputs,
  problemField,
  rowWithText,
  settingsFrom,
  tally,
  textsOf,
  UNUSABLE,
  withDisplay,
  workersFrom,
} from "./curating.ts";
import { EMBEDDERS, type EmbedderOptions, embedderFor } from "./embedders.ts";

interface Options extends EmbedderOptions {
  input: string;
  output: string;
  rejects: string;
  field?: string;
  against?: string[];
  againstField?: string;
  onlyAgainst?: boolean;
  index?: string;
  quality?: string;
  meaning?: string;
  threshold: string;
  measure: string;
  shingle: string;
  bands: string;
  rows: string;
  numbers: string;
  letters: string;
  threads: string;
  overwrite?: boolean;
  strict?: boolean;
}

export function dedupCommand(): Command {
  const { threshold, measure, shingle, bands, rows, numbers, letters } = DEFAULT_DEDUP;
  return new Command("dedup")
    .description("drop duplicate problems: exact ones, and those whose words mostly agree and whose numbers all do")
    .requiredOption("--input <file>", "problems, JSONL or Parquet")
    .requiredOption("--output <file>", "the rows that are kept")
    .requiredOption("--rejects <file>", "the rows that are dropped, each with its reason")
    .option(
      "--field <name>",
      "field that holds the problem; dots reach into objects (default: problem, prompt or question)",
    )
    .option("--against <files...>", "earlier problems, which win over all of the input")
    .option("--against-field <name>", "field that holds the problem there (default: as --field)")
    .option("--only-against", "compare with the earlier problems only, not within the input")
    .option("--index <folder>", "index of what earlier batches kept: compared with, and added to")
    .option("--quality <name>", "numeric field; of a cluster, the row with the smallest value is kept")
    .option("--threshold <share>", "likeness from which two problems are duplicates", String(threshold))
    .option("--measure <name>", "jaccard, or containment in the shorter one", measure)
    .option("--shingle <words>", "words a shingle", String(shingle))
    .option("--bands <n>", "bands of the MinHash signature", String(bands))
    .option("--rows <n>", "hashes a band", String(rows))
    .option("--numbers <rule>", "same: duplicates hold the same numbers; any: numbers do not matter", numbers)
    .option("--letters <rule>", "mask: single letters are alike, so variables may be renamed; keep", letters)
    .option("--meaning <cosine>", "also drop what is this near in meaning within the input, by the cosine of vectors")
    .option("--embedder <name>", `vectors by ${EMBEDDERS.join(", ")}`, "lexical")
    .option("--embedder-url <url>", "server of the openai embedder, up to and including /v1")
    .option("--embedder-model <name>", "model of the embedder; for transformers also a folder")
    .option("--embedder-key-env <name>", "environment variable that holds the server's key")
    .option("--embedder-key-file <file>", "file that holds the server's key")
    .option("--threads <n>", "threads to compute on", "2")
    .option("--overwrite", "replace the outputs of an earlier run with other input or options")
    .option("--strict", "stop at the first row that cannot be read")
    .action((options: Options) => withDisplay("dedup", (call) => run(options, call)));
}

async function run(options: Options, call: CallOptions): Promise<void> {
  const settings = settingsOf(options);
  const { input, onlyAgainst = false } = options;
  const field = await problemField(input, options.field, call);
  const earlier = await Promise.all(
    (options.against ?? []).map(async (path) => ({ path, sha256: await sha256File(path) })),
  );
  const segment = contentId({
    input: await sha256File(input),
    earlier: earlier.map(({ sha256 }) => sha256),
    field,
    onlyAgainst,
  });
  const segments = options.index === undefined ? [] : await segmentsBefore(options.index, settings, segment);
  const workers = workersFrom(options.threads);

  const incumbents = createCorpus(settings.bands);
  if (options.index !== undefined) await loadSegments(options.index, segments, incumbents);
  const places = placeList(incumbents.size);
  for (const { path } of earlier) {
    const own = options.againstField ?? (await problemField(path, options.field, call));
    places.begin(path);
    await readCorpus(items(path, own, undefined, places, call), { settings, workers, ...call }, incumbents);
  }
  places.begin(input);
  const result = await dedup(items(input, field, options.quality, places, call), {
    settings,
    incumbents,
    within: !onlyAgainst,
    workers,
    ...call,
  });
  const identity = {
    command: "dedup",
    settings,
    field,
    quality: options.quality ?? null,
    onlyAgainst,
    earlier: earlier.map(({ sha256 }) => sha256),
    segments,
    ...(options.meaning === undefined ? {} : { meaning: options.meaning, embedder: embedderName(options) }),
  };
  const verdicts = await byMeaning(options, field, settings, result, call);
  const written = await write(options, field, identity, { verdicts, places }, call);
  if (options.index !== undefined)
    await addSegment(options.index, settings, segment, result.corpus, verdicts.keptPositions());
  const unreadable: [string, number][] = written.unreadable === 0 ? [] : [[UNUSABLE, written.unreadable]];
  printFunnel(
    written.inputRows,
    [...unreadable, ...countKinds(result.count, verdicts)],
    verdicts.keptPositions().length,
  );
  await printOutputs({ kept: options.output, rejects: options.rejects }, written, call);
  if (result.stats.cappedBuckets > 0) {
    process.stdout.write(
      `${result.stats.cappedBuckets} buckets held more than ${settings.bucketLimit} texts and were compared in part\n`,
    );
  }
}

/** The verdicts by words, and, if asked for, by meaning after them. */
async function byMeaning(
  options: Options,
  field: string,
  settings: DedupSettings,
  result: DedupResult,
  call: CallOptions,
): Promise<MeaningResult> {
  if (options.meaning === undefined) return result;
  const threshold = numberOption("--meaning", options.meaning, { min: 0, max: 1 });
  const texts: string[] = [];
  let n = 0;
  for await (const { text } of textsOf(options.input, field, call)) if (result.verdict(n++).kept) texts.push(text);
  return dedupByMeaning(result, texts, { settings, threshold, embedder: embedderFor(options), ...call });
}

function embedderName({ embedder, embedderModel }: EmbedderOptions): Json {
  return { embedder, model: embedderModel ?? null };
}

function settingsOf(options: Options): DedupSettings {
  const { threshold, measure, shingle, bands, rows, numbers, letters } = options;
  return settingsFrom(DedupSettings, {
    ...{ measure, numbers, letters },
    ...{ threshold: Number(threshold), shingle: Number(shingle), bands: Number(bands), rows: Number(rows) },
  });
}

async function* items(
  path: string,
  field: string,
  quality: string | undefined,
  places: Places,
  call: CallOptions,
): AsyncGenerator<DedupItem> {
  for await (const { row, text, line } of textsOf(path, field, call)) {
    places.add(line);
    yield { id: contentId(row as Json), text, quality: quality === undefined ? 0 : qualityOf(row, quality) };
  }
}

/** Where the texts of a corpus stand, by position: 4 bytes each. */
interface Places {
  begin(file: string): void;
  add(line: number): void;
  /** `file:line`; undefined for texts of an index on disk. */
  at(position: number): string | undefined;
}

/** @param before texts that were there already, of which nothing is known */
function placeList(before: number): Places {
  const files: { file: string; from: number }[] = [];
  let lines = new Uint32Array(4096);
  let count = before;
  return {
    begin: (file) => void files.push({ file, from: count }),
    add(line) {
      if (count - before === lines.length) {
        const larger = new Uint32Array(2 * lines.length);
        larger.set(lines);
        lines = larger;
      }
      lines[count++ - before] = line;
    },
    at(position) {
      const file = files.findLast(({ from }) => from <= position)?.file;
      return file === undefined || position < before ? undefined : `${file}:${lines[position - before]}`;
    },
  };
}

/** Rows without a number there come last. */
function qualityOf(row: Row, field: string): number {
  const value = valueAt(row, field);
  return typeof value === "number" ? value : Number.MAX_VALUE;
}

function write(
  options: Options,
  field: string,
  identity: Json,
  { verdicts, places }: { verdicts: MeaningResult; places: Places },
  call: CallOptions,
) {
  let position = 0;
  return transformRows({
    input: options.input,
    schema: rowWithText(field),
    outputs: { kept: options.output, rejects: options.rejects },
    options: identity,
    batchSize: 5000,
    ...(options.overwrite === undefined ? {} : { overwrite: options.overwrite }),
    ...(options.strict === undefined ? {} : { strict: options.strict }),
    ...call,
    replay: (batch) => void (position += batch.length),
    async worker(batch) {
      const kept: Row[] = [];
      const rejects: Row[] = [];
      for (const { value } of batch) {
        const verdict = verdicts.verdict(position++);
        if (verdict.kept) kept.push(value);
        else rejects.push({ ...value, rejected: rejectedAs(verdict, places) });
      }
      return { kept, rejects };
    },
  });
}

/** What the reject's row says: the survivor's place, too, since ids are hashes that stand in no file. */
function rejectedAs({ evidence, survivor }: Extract<MeaningVerdict, { kept: false }>, places: Places): Json {
  const at = places.at(survivor);
  return { by: "dedup", ...evidence, ...(at === undefined ? {} : { survivorAt: at }) };
}

/** From the verdicts, not from what was written just now: a resumed run writes only a part. */
function countKinds(count: number, { verdict: verdictOf }: MeaningResult): [string, number][] {
  const kinds = tally();
  for (let n = 0; n < count; n++) {
    const verdict = verdictOf(n);
    if (!verdict.kept) kinds.add(NAMES[verdict.evidence.kind]);
  }
  return kinds.rows();
}

const NAMES = {
  exact: "the same words and numbers",
  near: "near-duplicate",
  chain: "near-duplicate through another",
  meaning: "near in meaning",
} as const;
