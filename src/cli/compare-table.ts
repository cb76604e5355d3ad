/** A comparison of two evaluations as a table and sentences for the terminal. */
import { LEVEL, type PairedComparison, verdictSentence } from "../analyses/paired.ts";
import { aligned } from "./table.ts";

/** One benchmark's comparison. */
export interface Compared {
  name: string;
  title: string;
  /** Unknown verdicts counted as wrong for both. */
  comparison: PairedComparison;
  /** Where verdicts are unknown: all of them in favour of the first, and of the second. */
  worst: [PairedComparison, PairedComparison] | undefined;
  /** Holm's, over all benchmarks compared. */
  adjustedP: number;
}

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
  const sentences = compared.flatMap(sentencesOf);
  const note = several ? ["p is adjusted for the number of benchmarks (Holm 1979)."] : [];
  return [`A  ${names.first}`, `B  ${names.second}`, "", aligned([head, ...rows]), "", ...sentences, ...note].join(
    "\n",
  );
}

function sentencesOf({ title, comparison, worst, adjustedP }: Compared): string[] {
  const sentence = `${title}: ${verdictSentence(comparison, { first: "A", second: "B" }, adjustedP)}`;
  if (worst === undefined) return [sentence];
  const [forA, forB] = worst;
  const range = `${signed(forA.difference)} to ${signed(forB.difference)} points`;
  const holds = [forA, forB].every(
    (one) => one.p < LEVEL === adjustedP < LEVEL && Math.sign(one.difference) === Math.sign(comparison.difference),
  );
  return [
    sentence,
    `${title}: some verdicts are unknown; the difference lies between ${range}, and that ${holds ? "changes nothing" : "could change the conclusion"}`,
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function signed(share: number): string {
  const text = (100 * share).toFixed(1);
  return share < 0 ? text.replace("-", "−") : `+${text}`;
}

function pOf(p: number): string {
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}
