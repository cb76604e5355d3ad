/** False positives of this project's rule of deduplication and of the published one, over real problems. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sharedLines, stripLines } from "../../src/curate/calibrate/shared-lines.ts";
import { dedup } from "../../src/curate/dedup/dedup.ts";
import { DEFAULT_DEDUP } from "../../src/curate/dedup/options.ts";

const DATA = join(import.meta.dirname, "../../../shared/data");

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

export async function rules(): Promise<void> {
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
