/**
 * `npm run bench -- grade-math [pairs]`: time per verdict over public solutions and answers, beside Math-Verify on the same pairs in one run
 * (PROMPTCOT_PYTHON names a Python that has it; without one only ours is measured). So that other work on the machine does not count, ours is
 * the best of five runs by the wall clock, and theirs, whose caches would make a second run meaningless, is CPU time.
 */
import { rng } from "../src/core/rng.ts";
import { gradeMath } from "../src/domains/math/index.ts";
import { answerRows, MUTATIONS } from "./math/pairs.ts";
import { pythonWithPeer, startPeer } from "./math/peer.ts";

interface Timed {
  gold: string;
  response: string;
  ours: number;
  theirs?: number;
}

const LIMIT_MS = 20_000;
const count = Number(process.argv[2] ?? 3000);
const random = rng("grade-math");
const rows = answerRows(["math500", "aime24", "aime25", "hmmt-feb-25", "gsm8k-test"]);
const pairs: Timed[] = [];
while (rows.length > 0 && pairs.length < count) {
  const row = random.pick(rows);
  const text =
    pairs.length % 2 === 0 && row.solution !== undefined ? row.solution : random.pick(MUTATIONS)[1](row.answer, random);
  if (text !== undefined)
    pairs.push({
      gold: `$${row.answer}$`,
      response: text.includes(" is ") || row.solution === text ? text : `$${text}$`,
      ours: 0,
    });
}
if (pairs.length === 0) console.log("grade-math: skipped: ../shared/data is absent");
else {
  for (let warm = 0; warm < 2; warm++) for (const { gold, response } of pairs) gradeMath(response, gold);
  for (const pair of pairs) {
    pair.ours = Number.POSITIVE_INFINITY;
    for (let run = 0; run < 5; run++) {
      const start = performance.now();
      gradeMath(pair.response, pair.gold);
      pair.ours = Math.min(pair.ours, performance.now() - start);
    }
  }
  report(
    "promptcot",
    pairs.map((p) => p.ours),
  );
  const python = pythonWithPeer();
  if (python === undefined) console.log("math-verify  not measured: no Python with math-verify (set PROMPTCOT_PYTHON)");
  else {
    const peer = startPeer(python);
    await peer.grade("$1$", "$1$");
    for (const pair of pairs) pair.theirs = (await peer.grade(pair.gold, pair.response, LIMIT_MS))?.ms ?? LIMIT_MS;
    peer.close();
    const theirs = pairs.map((p) => p.theirs!);
    report("math-verify", theirs);
    const ours = pairs.map((p) => p.ours);
    console.log(
      `ratio        median ${(quantile(theirs, 0.5) / quantile(ours, 0.5)).toFixed(0)}×  p99 ${(quantile(theirs, 0.99) / quantile(ours, 0.99)).toFixed(0)}×  total ${(sum(theirs) / sum(ours)).toFixed(0)}×`,
    );
  }
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function report(name: string, ms: readonly number[]): void {
  const at = (q: number): string => quantile(ms, q).toFixed(3);
  console.log(
    `${name.padEnd(12)} ${ms.length} verdicts  median ${at(0.5)} ms  p95 ${at(0.95)} ms  p99 ${at(0.99)} ms  max ${at(1)} ms  total ${sum(ms).toFixed(1)} ms`,
  );
}
