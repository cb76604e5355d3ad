/**
 * Measures curation at scale, each task in a process of its own, with seconds and peak resident memory:
 *
 *   npm run bench -- curate                     dedup, decontaminate, sample, rules, datasketch
 *   npm run bench -- curate dedup --rows 1000000
 *
 * `dedup` and `decontaminate` run the commands themselves, on synthetic problems of about 100 words with planted duplicates and planted
 * benchmark problems. `rules` counts false positives of this rule and of the published one over ../shared/data. `datasketch` runs beside
 * the Python package (PROMPTCOT_PYTHON names an interpreter that has it) on the same texts, and counts whose pairs each finds.
 */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Rng, rng } from "../src/core/rng.ts";
import { paraphrase } from "../src/curate/calibrate/paraphrase.ts";
import { sharedLines, stripLines } from "../src/curate/calibrate/shared-lines.ts";
import { createDrawer, type Drawer } from "../src/curate/concepts/draw.ts";
import { indexOf, SampleSettings, sampleConceptSets } from "../src/curate/concepts/sample.ts";
import { buildConceptSpace, type ConceptSpace } from "../src/curate/concepts/space.ts";
import { dedup } from "../src/curate/dedup/dedup.ts";
import { DEFAULT_DEDUP } from "../src/curate/dedup/options.ts";
import { lexical } from "../src/embed/lexical.ts";

const TASKS = ["dedup", "decontaminate", "sample", "rules", "datasketch"] as const;
const DATA = join(import.meta.dirname, "../../shared/data");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: "string" },
    task: { type: "string" },
    folder: { type: "string" },
    concepts: { type: "string" },
  },
});

function measure(task: string, folder: string): void {
  const million = Number(values.rows ?? 1_000_000);
  switch (task) {
    case "dedup": {
      const input = synthetic(folder, million);
      child("dedup", folder, [
        "--input",
        input,
        "--output",
        join(folder, "kept.jsonl"),
        "--rejects",
        join(folder, "rejects.jsonl"),
        "--overwrite",
      ]);
      reportPlanted(input, join(folder, "rejects.jsonl"), "duplicate-of");
      break;
    }
    case "decontaminate": {
      const input = synthetic(folder, million);
      const against = benchmark(folder);
      child("decontaminate", folder, [
        "--input",
        input,
        "--against",
        against,
        "--output",
        join(folder, "clean.jsonl"),
        "--rejects",
        join(folder, "dirty.jsonl"),
        "--overwrite",
      ]);
      reportPlanted(input, join(folder, "dirty.jsonl"), "holds");
      break;
    }
    case "sample":
      for (const concepts of values.concepts?.split(",") ?? ["5000", "50000"]) {
        child("sample", folder, ["--rows", String(million), "--concepts", concepts]);
      }
      break;
    case "rules":
    case "datasketch":
      child(task, folder, ["--folder", folder, "--rows", values.rows ?? "100000"]);
      break;
    default:
      console.error(`unknown task "${task}". There are: ${TASKS.join(", ")}`);
      process.exitCode = 2;
  }
}

/** Runs a task in a process of its own; prints its output, its seconds and the most memory it held. */
function child(task: string, folder: string, args: readonly string[]): void {
  console.log(`\n${task} ${args.filter((arg) => !arg.startsWith(folder)).join(" ")}`);
  const commandTask = task === "dedup" || task === "decontaminate";
  const runner = commandTask
    ? ["--import", MEMORY, join(import.meta.dirname, "../src/cli/command.child.ts"), task]
    : ["--import", MEMORY, import.meta.filename, "--task", task];
  const started = performance.now();
  const { status } = spawnSync(process.execPath, [...runner, ...args], { stdio: "inherit" });
  console.log(
    `  ${((performance.now() - started) / 1000).toFixed(1)} s${status === 0 ? "" : `; ended with ${status}`}`,
  );
}

/** A module that prints the peak resident memory at exit. */
const MEMORY = `data:text/javascript,process.on("exit",()=>console.log("  peak memory "+(process.resourceUsage().maxRSS/1024).toFixed(0)+" MiB, processor "+((u)=>((u.user+u.system)/1e6).toFixed(1))(process.cpuUsage())+" s"))`;

async function inProcess(task: string): Promise<void> {
  switch (task) {
    case "sample":
      return sample(Number(values.concepts), Number(values.rows));
    case "rules":
      return rules();
    case "datasketch":
      return datasketch(values.folder as string, Number(values.rows));
    default:
      throw new Error(`no such task: ${task}`);
  }
}

const SYLLABLES = "ba ce di fo gu ka le mi no pu ra se ti vo xu za bre clo dra fri gla pho qui sta tri".split(" ");
const COMMON =
  "the of a and in is to each that by are for with from at on how many all there be one which has if than".split(" ");
const FRAMES = ["Find the", "Determine the", "How many", "What is the", "Compute the"];

interface Language {
  word(random: Rng): string;
}

/** A vocabulary of 20,000 made-up words under Zipf's law, and the function words of English. */
function language(random: Rng): Language {
  const words = Array.from({ length: 20_000 }, () =>
    Array.from({ length: 1 + random.int(3) }, () => random.pick(SYLLABLES)).join(""),
  );
  const running = new Float64Array(words.length);
  for (let i = 0, total = 0; i < words.length; i++) running[i] = total += 1 / (i + 3);
  return {
    word(draw) {
      if (draw.next() < 0.35) return COMMON[draw.int(COMMON.length)] as string;
      return words[firstAbove(running, draw.next() * (running.at(-1) as number))] as string;
    },
  };
}

/** The first position whose running sum exceeds `value`; the last if rounding leaves none. */
function firstAbove(running: Float64Array, value: number): number {
  let [low, high] = [0, running.length - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((running[middle] as number) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

function problem({ word }: Language, random: Rng): string {
  const sentences: string[] = [];
  for (let left = 80 + random.int(41); left > 0; ) {
    const length = Math.min(left, 8 + random.int(14));
    const words = Array.from({ length }, () => (random.next() < 0.06 ? numeral(random) : word(random)));
    sentences.push(`${words.join(" ")}.`);
    left -= length;
  }
  return `${sentences.join(" ")} ${random.pick(FRAMES)} ${word(random)} of $${random.pick(["x", "n", "a_1", "\\frac{p}{q}"])}$?`;
}

function numeral(random: Rng): string {
  return random.next() < 0.3 ? `$${random.int(20)}^{${random.int(9)}}$` : String(random.int(500));
}

/** Problems as JSONL: a tenth are copies of earlier ones (half verbatim, half reworded), one in a thousand holds a benchmark problem. */
function synthetic(folder: string, count: number): string {
  const path = join(folder, `synthetic-${count}.jsonl`);
  if (existsSync(path)) return path;
  const random = rng("synthetic");
  const words = language(random.fork("words"));
  const bench = benchmarkTexts();
  const recent: { id: string; text: string }[] = [];
  const file = openSync(`${path}.part`, "w");
  let buffer = "";
  for (let i = 0; i < count; i++) {
    const draw = random.fork(i);
    const id = `p${i}`;
    const kind = draw.next();
    let row: Record<string, string>;
    const old = recent.length > 100 ? recent[draw.int(recent.length)] : undefined;
    if (old !== undefined && kind < 0.05) row = { id, problem: old.text, "duplicate-of": old.id };
    else if (old !== undefined && kind < 0.1)
      row = { id, problem: paraphrase(old.text, "reword", draw) ?? old.text, "duplicate-of": old.id };
    else if (kind > 0.999)
      row = { id, problem: `${problem(words, draw)} ${draw.pick(bench).toUpperCase()}`, holds: "benchmark" };
    else row = { id, problem: problem(words, draw) };
    if (row["duplicate-of"] === undefined && row.holds === undefined) {
      const own = { id, text: row.problem as string };
      if (recent.length < 5000) recent.push(own);
      else recent[draw.int(5000)] = own;
    }
    buffer += `${JSON.stringify(row)}\n`;
    if (buffer.length > 1 << 20) {
      writeSync(file, buffer);
      buffer = "";
    }
  }
  writeSync(file, buffer);
  closeSync(file);
  writeFileSync(path, "");
  rmSync(path);
  spawnSync("mv", [`${path}.part`, path]);
  console.log(`${count.toLocaleString("en")} synthetic problems, ${(statSync(path).size / 2 ** 20).toFixed(0)} MiB`);
  return path;
}

function benchmarkTexts(): string[] {
  const random = rng("benchmark");
  const words = language(random.fork("words"));
  return Array.from({ length: 5000 }, (_, i) => problem(words, random.fork(i)));
}

function benchmark(folder: string): string {
  const path = join(folder, "benchmark.jsonl");
  writeFileSync(
    path,
    benchmarkTexts()
      .map((text, i) => JSON.stringify({ id: `b${i}`, problem: text }))
      .join("\n"),
  );
  return path;
}

/** How many rows were planted, and how many were dropped. Of a copy and its original either may be the one that is dropped. */
function reportPlanted(input: string, rejects: string, mark: string): void {
  if (!existsSync(rejects)) return;
  const count = (pattern: string, file: string) => Number(spawnSync("grep", ["-c", pattern, file]).stdout.toString());
  const [planted, dropped] = [count(`"${mark}":`, input), count("", rejects)];
  console.log(`  ${planted.toLocaleString("en")} planted, ${dropped.toLocaleString("en")} dropped`);
}

async function sample(concepts: number, sets: number): Promise<void> {
  const space = await conceptSpace(concepts);
  const settings = SampleSettings.parse({});
  const started = performance.now();
  let drawn = 0;
  for await (const item of sampleConceptSets(space, { settings, seed: 1, sets, workers: 2 }))
    if (item.kind === "set") drawn++;
  console.log(
    `  ${drawn.toLocaleString("en")} sets of 5 from ${space.names.length.toLocaleString("en")} concepts in ${((performance.now() - started) / 1000).toFixed(1)} s, neighbour lists included`,
  );
  variation(space, settings);
}

/** Total-variation distance of drawn next concepts from the exact softmax, beside that of as many draws from the softmax itself. */
function variation(space: ConceptSpace, settings: SampleSettings): void {
  const random = rng("variation");
  const drawer = createDrawer(indexOf(space, settings, undefined, random.fork("index")));
  exactDistance(drawer);
  const size = space.names.length;
  const draws = 100_000;
  const set = new Uint32Array(5);
  for (const length of [1, 2, 4]) {
    drawer.draw(random, 5, set, 0);
    const prefix = [...set.subarray(0, length)];
    const exact = drawer.probabilities(prefix);
    const running = exact.slice();
    for (let j = 1; j < size; j++) running[j]! += running[j - 1] as number;
    const [ours, theirs] = [new Float64Array(size), new Float64Array(size)];
    for (let i = 0; i < draws; i++) {
      ours[drawer.next(random, prefix)]!++;
      theirs[firstAbove(running, random.next())]!++;
    }
    const distance = (counts: Float64Array) =>
      exact.reduce((sum, p, j) => sum + Math.abs(p - (counts[j] as number) / draws), 0) / 2;
    console.log(
      `  after ${length}: total variation ${distance(ours).toFixed(4)}; as many exact draws: ${distance(theirs).toFixed(4)}`,
    );
  }
}

/** The distance of what is drawn from the softmax, computed and not counted, over sets of 1 to 4 concepts. */
function exactDistance(drawer: Drawer): void {
  const set = new Uint32Array(5);
  const distances = Array.from({ length: 100 }, (_, n) => {
    drawer.draw(rng(n), 5, set, 0);
    const prefix = [...set.subarray(0, 1 + (n % 4))];
    const [exact, drawn] = [drawer.probabilities(prefix), drawer.proposed(prefix)];
    return exact.reduce((sum, p, j) => sum + Math.abs(p - (drawn[j] as number)), 0) / 2;
  });
  const mean = distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
  console.log(
    `  total variation of what is drawn: ${mean.toFixed(5)} on average over 100 sets, ${Math.max(...distances).toFixed(5)} at most`,
  );
}

/** Concepts of two to four words under Zipf's law, in topics; four problems a concept and more. */
async function conceptSpace(size: number): Promise<ConceptSpace> {
  const random = rng("concepts");
  const vocabulary = Array.from({ length: Math.round(size / 3) + 50 }, () =>
    Array.from({ length: 2 + random.int(3) }, () => random.pick(SYLLABLES)).join(""),
  );
  const names = Array.from({ length: size }, () =>
    Array.from({ length: 2 + random.int(3) }, () => random.pick(vocabulary)).join(" "),
  );
  const running = new Float64Array(size);
  for (let i = 0, total = 0; i < size; i++) running[i] = total += 1 / (i + 3);
  const pick = (): number => {
    return firstAbove(running, random.next() * (running[size - 1] as number));
  };
  function* problems(): Generator<string[]> {
    for (let p = 0; p < 6 * size; p++) {
      const topic = random.int(200);
      yield Array.from({ length: 5 }, () => {
        const c = pick();
        return names[random.next() < 0.7 ? Math.min(size - 1, c - (c % 200) + topic) : c] as string;
      });
    }
  }
  return buildConceptSpace(problems(), { embedder: (corpus) => lexical(corpus) });
}

function load(name: string): { id: string; text: string }[] {
  const rows = readFileSync(join(DATA, `${name}.jsonl`), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { id: string; problem?: string; prompt?: string })
    .map(({ id, problem: math, prompt }) => ({ id, text: math ?? prompt ?? "" }));
  const shared = new Set(sharedLines(rows.map(({ text }) => text)));
  return rows.map(({ id, text }) => ({ id, text: stripLines(text, shared) }));
}

/**
 * The published rule: the set of words of four letters and more, without those met over 1,000 times so far, in file order; a problem is a
 * duplicate if its Jaccard with an earlier kept one is over the threshold. (Its MinHash only preselects; here all pairs are compared.)
 */
function published(texts: readonly string[], threshold: number): number {
  const met = new Map<string, number>();
  const kept: Set<string>[] = [];
  let dropped = 0;
  for (const text of texts) {
    const words = new Set(
      (text.toLowerCase().match(/[a-z]{4,}/g) ?? []).filter((word) => (met.get(word) ?? 0) <= 1000),
    );
    for (const word of words) met.set(word, (met.get(word) ?? 0) + 1);
    const duplicate = kept.some((other) => {
      let shared = 0;
      for (const word of words) if (other.has(word)) shared++;
      return shared / (words.size + other.size - shared) > threshold;
    });
    if (duplicate) dropped++;
    else kept.push(words);
  }
  return dropped;
}

async function rules(): Promise<void> {
  if (!existsSync(DATA)) {
    console.log(`  skipped: ${DATA} is absent`);
    return;
  }
  const share = (count: number, of: number) => `${((100 * count) / of).toFixed(2)} %`;
  const groups: [string, string[]][] = [
    ["AIME + HMMT", ["aime24", "aime25", "hmmt-feb-25"]],
    ["Codeforces", ["codeforces"]],
    ["LiveCodeBench v5", ["lcb-v5"]],
    ["LiveCodeBench v6", ["lcb-v6"]],
    ["MATH500", ["math500"]],
    ["GSM8K test", ["gsm8k-test"]],
  ];
  for (const [title, names] of [
    ...groups,
    ["all together", groups.flatMap(([, files]) => files)] as [string, string[]],
  ]) {
    const items = names.flatMap(load).filter(({ text }, i, all) => all.findIndex((other) => other.text === text) === i);
    const texts = items.map(({ text }) => text);
    const { kept } = await dedup(items, { settings: DEFAULT_DEDUP });
    const [low, high] = [published(texts, 0.2), published(texts, 0.8)];
    console.log(
      `  ${title.padEnd(18)}${String(items.length).padStart(6)}   ours ${share(items.length - kept, items.length)}   published at 0.2 ${share(low, items.length)}, at 0.8 ${share(high, items.length)}`,
    );
  }
}

/** datasketch's MinHash and LSH as its documentation has them, on the shingles that we use, confirmed by the same Jaccard. */
const PYTHON = `
import json, re, sys, time
from datasketch import MinHash, MinHashLSH
path, threshold, out = sys.argv[1], float(sys.argv[2]), sys.argv[3]
texts = [json.loads(line)["problem"] for line in open(path)]
start, busy = time.perf_counter(), time.process_time()
sets = []
for text in texts:
    words = re.findall(r"[a-z]+|[0-9]+", text.lower())
    sets.append({(" ".join(pair)).encode() for pair in zip(words, words[1:])})
lsh = MinHashLSH(num_perm=192, params=(64, 3))
pairs = []
for i, minhash in enumerate(MinHash.generator(sets, num_perm=192)):
    for j in lsh.query(minhash):
        union = len(sets[i] | sets[j])
        if union and len(sets[i] & sets[j]) / union >= threshold:
            pairs.append((j, i))
    lsh.insert(i, minhash)
seconds, busy = time.perf_counter() - start, time.process_time() - busy
json.dump({"seconds": seconds, "processor": busy, "pairs": pairs}, open(out, "w"))
`;

async function datasketch(folder: string, count: number): Promise<void> {
  const python = process.env.PROMPTCOT_PYTHON;
  if (python === undefined || spawnSync(python, ["-c", "import datasketch"]).status !== 0) {
    console.log("  skipped: PROMPTCOT_PYTHON does not name a Python that has the package datasketch");
    return;
  }
  const path = synthetic(folder, count);
  const rows = readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { id: string; problem: string; "duplicate-of"?: string });
  const planted = rows.flatMap((row, i) => (row["duplicate-of"] === undefined ? [] : [i]));
  const recall = (found: (i: number) => boolean) =>
    `${((100 * planted.filter(found).length) / planted.length).toFixed(2)} %`;

  const started = performance.now();
  const before = process.cpuUsage();
  const result = await dedup(
    rows.map(({ id, problem: text }) => ({ id, text })),
    { settings: DEFAULT_DEDUP, workers: 1 },
  );
  const ours = (performance.now() - started) / 1000;
  const used = process.cpuUsage(before);
  const processor = (used.user + used.system) / 1e6;
  const cluster = rows.map((_, i) => result.verdict(i).cluster);
  const at = new Map(rows.map(({ id }, i) => [id, i]));
  const together = (i: number) => cluster[i] === cluster[at.get(rows[i]?.["duplicate-of"] ?? "") ?? -1];
  console.log(
    `  ours        ${ours.toFixed(1)} s (${processor.toFixed(1)} s of processor), ${recall(together)} of ${planted.length.toLocaleString("en")} planted duplicates found`,
  );

  const script = join(folder, "peer.py");
  const out = join(folder, "datasketch.json");
  writeFileSync(script, PYTHON);
  if (spawnSync(python, [script, path, String(DEFAULT_DEDUP.threshold), out], { stdio: "inherit" }).status !== 0)
    return;
  const theirs = JSON.parse(readFileSync(out, "utf8")) as {
    seconds: number;
    processor: number;
    pairs: [number, number][];
  };
  const found = new Set(theirs.pairs.map(([a, b]) => `${a} ${b}`));
  const paired = (i: number) => found.has(`${at.get(rows[i]?.["duplicate-of"] ?? "")} ${i}`);
  console.log(
    `  datasketch  ${theirs.seconds.toFixed(1)} s (${theirs.processor.toFixed(1)} s of processor), ${recall(paired)} found; ours is ${(theirs.seconds / ours).toFixed(1)} times as fast (${(theirs.processor / processor).toFixed(1)} by processor time)`,
  );
}

if (values.task !== undefined) await inProcess(values.task);
else {
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), "promptcot-curate-"));
  try {
    for (const task of positionals.length > 0 ? positionals : TASKS) measure(task, folder);
  } finally {
    if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}
