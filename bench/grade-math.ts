/**
 * `npm run bench -- grade-math [pairs]`: time per verdict over public solutions and answers, beside Math-Verify on the same pairs in one run
 * (PROMPTCOT_PYTHON names a Python that has it; without one only ours is measured). So that other work on the machine does not count, ours is
 * the best of ten rounds by the wall clock, and theirs, whose caches would make a second run meaningless, is CPU time.
 */
import { rng } from "../src/core/rng.ts";
import { gradeMath } from "../src/domains/math/index.ts";
import { answerRows, MUTATIONS } from "./math/pairs.ts";
import { pythonWithPeer, startPeer } from "./math/peer.ts";

interface Timed {
  gold: string;
  response: string;
  ours: number;
  theirs?: number | undefined;
}

const LIMIT_MS = 20_000;
const ROUNDS = 10;
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
      ours: Number.POSITIVE_INFINITY,
    });
}
if (pairs.length === 0) console.log("grade-math: skipped: ../shared/data is absent");
else {
  for (let warm = 0; warm < 5; warm++) for (const { gold, response } of pairs) gradeMath(response, gold);
  const python = pythonWithPeer();
  const peer = python === undefined ? undefined : startPeer(python);
  await peer?.grade("$1$", "$1$");
  for (let round = 0; round < ROUNDS; round++) {
    timeOurs(pairs);
    // A part of theirs after each round of ours, so that both meet the same seconds of the machine.
    for (const pair of pairs.slice((round * pairs.length) / ROUNDS, ((round + 1) * pairs.length) / ROUNDS))
      pair.theirs = peer && ((await peer.grade(pair.gold, pair.response, LIMIT_MS))?.ms ?? LIMIT_MS);
  }
  peer?.close();
  const ours = pairs.map((pair) => pair.ours);
  report("promptcot", ours);
  const theirs = pairs.flatMap((pair) => pair.theirs ?? []);
  if (theirs.length === 0) console.log("math-verify  not measured: no Python with math-verify (set PROMPTCOT_PYTHON)");
  else {
    report("math-verify", theirs);
    console.log(
      `ratio        median ${(quantile(theirs, 0.5) / quantile(ours, 0.5)).toFixed(0)}×  p99 ${(quantile(theirs, 0.99) / quantile(ours, 0.99)).toFixed(0)}×  total ${(sum(theirs) / sum(ours)).toFixed(0)}×`,
    );
  }
}

/** One round over all pairs; of several the best counts. */
function timeOurs(all: readonly Timed[]): void {
  for (const pair of all) {
    const start = performance.now();
    gradeMath(pair.response, pair.gold);
    pair.ours = Math.min(pair.ours, performance.now() - start);
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
