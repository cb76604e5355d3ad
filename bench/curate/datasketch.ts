/** Deduplication beside the Python package datasketch, on the same texts: seconds, and whose pairs each finds. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dedup } from "../../src/curate/dedup/dedup.ts";
import { DEFAULT_DEDUP } from "../../src/curate/dedup/options.ts";
import { synthetic } from "./synthetic.ts";

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

export async function datasketch(folder: string, count: number): Promise<void> {
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
