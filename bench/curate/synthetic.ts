/** Synthetic problems of about 100 words, with planted duplicates and planted benchmark problems; and the benchmark. Measures nothing. */
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Rng, rng } from "../../src/core/rng.ts";
import { paraphrase } from "../../src/curate/calibrate/paraphrase.ts";

export const SYLLABLES = "ba ce di fo gu ka le mi no pu ra se ti vo xu za bre clo dra fri gla pho qui sta tri".split(
  " ",
);
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
export function firstAbove(running: Float64Array, value: number): number {
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
export function synthetic(folder: string, count: number): string {
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

export function benchmark(folder: string): string {
  const path = join(folder, "benchmark.jsonl");
  writeFileSync(
    path,
    benchmarkTexts()
      .map((text, i) => JSON.stringify({ id: `b${i}`, problem: text }))
      .join("\n"),
  );
  return path;
}
