/**
 * Shows that the path from concept sets to an exported file holds no problems in memory:
 *
 *   npm run bench -- synthesis                  100,000 problems, then 300,000, each in a process of its own
 *   npm run bench -- synthesis --rows 1000000
 *
 * A script plays the model, so that what is measured is everything else: sampling of sets, journals, curation, summary, export.
 * For each part: seconds, the JavaScript heap after a collection, and typed arrays outside it (deduplication keeps tokens and
 * signatures there, and says so: some 0.8 GB a million problems of 100 words).
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Json } from "../src/core/hash.ts";
import { type Rng, rng } from "../src/core/rng.ts";
import { SampleSettings } from "../src/curate/concepts/sample.ts";
import { lexical } from "../src/embed/lexical.ts";
import { inline } from "../src/exec/inline.ts";
import { openRun } from "../src/journal/run.ts";
import { scripted } from "../src/lm/scripted.ts";
import { wordTokenizer } from "../src/lm/word-tokenizer.ts";
import { resolveConfig } from "../src/recipes/config.ts";
import { openHarvest } from "../src/recipes/corpus.ts";
import { curateWritten } from "../src/recipes/curation.ts";
import { writeSummary } from "../src/recipes/summary.ts";
import { writeRows } from "../src/rows/write.ts";
import { sampleSets } from "../src/stages/concept-sets.ts";
import { specialTokens } from "../src/stages/em/format.ts";
import type { StageContext } from "../src/stages/stage.ts";
import { synthesize } from "../src/stages/synthesize.ts";

const { values } = parseArgs({ options: { rows: { type: "string", multiple: true }, task: { type: "string" } } });
const DRAWS = 2;

const WORDS = Array.from({ length: 5000 }, (_, i) => {
  const syllables = "ba ce di fo gu ka le mi no pu ra se ti vo xu za".split(" ");
  return [i % 16, (i >> 4) % 16, (i >> 8) % 16, i % 7].map((s) => syllables[s]).join("");
}).filter((word, i, all) => all.indexOf(word) === i);
const NUMBERS = Array.from({ length: 500 }, (_, i) => String(i));
const byWords = wordTokenizer([..."Find the number of ?".split(" "), ...WORDS, ...NUMBERS], specialTokens);
const tokenizer = { ...byWords, encode: (text: string) => byWords.encode(text.replaceAll(";", " ")) };

/** One in twenty is a copy of one of a thousand. */
function answer(seed: number): string {
  const own = rng(seed);
  const random = own.next() < 0.05 ? rng(`copy-${own.int(1000)}`) : own;
  return `${words(random, 40)} <|problem|> Find the number of ${words(random, 95)} ? <|end|>`;
}

function words(random: Rng, count: number): string {
  return Array.from({ length: count }, () => random.pick(random.next() < 0.06 ? NUMBERS : WORDS)).join(" ");
}

async function measure(rows: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "promptcot-synthesis-"));
  try {
    const assignments = [
      `synthesize.sets=${Math.ceil(rows / DRAWS)}`,
      `synthesize.drawsPerSet=${DRAWS}`,
      "shardSize=512",
    ];
    const filters = { filters: ["length", "incomplete", "no-question", "proof"] };
    const config = resolveConfig({ recipe: "seeds", seeds: { file: "none" }, curate: filters }, assignments, "bench");
    const run = await openRun(folder, { config: config as Json, seed: 1, versions: {}, threads: 1, inputs: [] });
    await run.close();
    const context: StageContext = { folder, rng: rng(1), executor: inline() };

    const part = parts();
    const sets = await sampleSets(context, {
      ...{ sets: config.synthesize.sets, minCount: 1, rates: null, workers: 1, levelOf: () => undefined },
      triples: Array.from({ length: 4000 }, (_, i) => {
        const concepts = Array.from({ length: 5 }, (_, k) => WORDS[(i * 7 + k * k * 31) % 2000] as string);
        return { id: `t${i}`, seedId: `s${i}`, annotator: "bench", concepts, rationale: "r", problem: "p" };
      }),
      settings: SampleSettings.parse({}),
      embedder: (names) => lexical(names),
    });
    part("concept sets");
    const { sets: _, ...drawing } = config.synthesize;
    const written = await synthesize(context, {
      ...{ backend: scripted({ tokenizer, answer: ({ seed }) => answer(seed) }), p: { path: "p", hash: "p" } },
      ...{ sets, shardSize: config.shardSize, ...drawing },
    });
    part("synthesis");
    await curateWritten(context, config, { seeds: [], splits: new Map(), annotations: [], sets }, written);
    part("curation");
    const { funnel } = await writeSummary(folder);
    part("summary");
    const { rows: harvest } = await openHarvest(folder, []);
    const exported = await writeRows(join(folder, "out.jsonl"), rowsOnly(harvest()));
    part("export");
    console.log(
      `  ${exported.toLocaleString("en")} of ${funnel.asked.toLocaleString("en")} kept; peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function* rowsOnly<T>(items: AsyncIterable<{ row: T }>): AsyncGenerator<T> {
  for await (const { row } of items) yield row;
}

/** Prints a line for what went on since the last call. */
function parts(): (name: string) => void {
  const mebi = (bytes: number) => (bytes / 2 ** 20).toFixed(0).padStart(5);
  let [started, cpu] = [performance.now(), process.cpuUsage()];
  return (name) => {
    globalThis.gc?.();
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
    const { user, system } = process.cpuUsage(cpu);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(
      `  ${name.padEnd(14)}${seconds.padStart(7)} s, processor ${((user + system) / 1e6).toFixed(1).padStart(6)} s; heap ${mebi(heapUsed)} MiB, arrays ${mebi(arrayBuffers)} MiB, resident ${mebi(rss)} MiB`,
    );
    [started, cpu] = [performance.now(), process.cpuUsage()];
  };
}

if (values.task !== undefined) await measure(Number(values.task));
else {
  for (const rows of values.rows ?? ["100000", "300000"]) {
    console.log(`\n${Number(rows).toLocaleString("en")} problems, a heap of at most 256 MiB`);
    const flags = ["--expose-gc", "--max-old-space-size=256"];
    spawnSync(process.execPath, [...flags, import.meta.filename, "--task", rows], { stdio: "inherit" });
  }
}
