/** All benchmarks by name. */
import { nearest, PromptCotError } from "../core/errors.ts";
import { aime24 } from "./aime24.ts";
import { aime25 } from "./aime25.ts";
import { codeforces } from "./codeforces.ts";
import type { Benchmark } from "./contract.ts";
import { gsm8k } from "./gsm8k.ts";
import { hmmtFeb25 } from "./hmmt-feb-25.ts";
import { humaneval } from "./humaneval.ts";
import { lcbV5 } from "./lcb-v5.ts";
import { lcbV6 } from "./lcb-v6.ts";
import { math500 } from "./math500.ts";
import { pocket } from "./pocket.ts";

/** In the order of the paper's table, then the others. */
export const benchmarks: readonly Benchmark[] = [
  ...[aime24, aime25, hmmtFeb25, lcbV5, lcbV6, codeforces],
  ...[math500, gsm8k, humaneval, pocket],
];

/** @throws PromptCotError `config`/`unknown-benchmark` with the likely meaning */
export function benchmarkNamed(name: string): Benchmark {
  const found = benchmarks.find((benchmark) => benchmark.name === name);
  if (found !== undefined) return found;
  const names = benchmarks.map((benchmark) => benchmark.name);
  const guess = nearest(name, names);
  throw new PromptCotError({
    boundary: "config",
    code: "unknown-benchmark",
    message: `unknown benchmark "${name}"${guess === undefined ? "" : `. Did you mean "${guess}"?`}`,
    next: `the benchmarks are: ${names.join(", ")}`,
  });
}
