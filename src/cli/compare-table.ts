/** A comparison of two evaluations as a table and sentences for the terminal. */
import { type Compared, comparedSentences, signedPoints as signed } from "../recipes/compare-evals.ts";
import { aligned } from "./table.ts";

export function compareTable(names: { first: string; second: string }, compared: readonly Compared[]): string {
  const several = compared.length > 1;
  const head = [
    "benchmark",
    "problems",
    "A",
    "B",
    "B − A",
    "95 % interval",
    "better",
    "worse",
    "p",
    ...(several ? ["adjusted"] : []),
  ];
  const rows = compared.map(({ title, comparison: c, adjustedP }) => [
    title,
    String(c.problems),
    percent(c.first),
    percent(c.second),
    signed(c.difference),
    `${signed(c.low)} to ${signed(c.high)}`,
    String(c.better),
    String(c.worse),
    pOf(c.p),
    ...(several ? [pOf(adjustedP)] : []),
  ]);
  const sentences = compared.flatMap((one) => comparedSentences(one, { first: "A", second: "B" }));
  const note = several ? ["p is adjusted for the number of benchmarks (Holm 1979)."] : [];
  return [`A  ${names.first}`, `B  ${names.second}`, "", aligned([head, ...rows]), "", ...sentences, ...note].join(
    "\n",
  );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function pOf(p: number): string {
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}
