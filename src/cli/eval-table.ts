/** Evaluations and their comparison as tables for the terminal. */
import type { Benchmark } from "../benchmarks/contract.ts";
import type { BenchmarkResult, EloRecord, EvalResult } from "../recipes/eval-file.ts";
import { aligned } from "./table.ts";

/** What there is to be evaluated on. */
export function benchmarkTable(benchmarks: readonly Benchmark[]): string {
  const head = ["benchmark", "samples", "temperature", "top-p", "max tokens", "score", "  on the Hub"];
  const rows = benchmarks.map(({ name, protocol, source }) => [
    name,
    String(protocol.samples),
    String(protocol.temperature),
    String(protocol.topP),
    protocol.maxTokens.toLocaleString("en"),
    protocol.metric === "elo" ? "rating" : `avg@${protocol.samples}`,
    `  ${source.kind === "generated" ? "made here" : (source.dataset?.repo ?? "no")}`,
  ]);
  const about = benchmarks.map(({ name, about }) => `${name.padEnd(14)}${about}`).join("\n");
  return `${aligned([head, ...rows])}\n\n${about}`;
}

export function evalTable({ model, benchmarks }: EvalResult): string {
  const title = `${model.name} · checkpoint ${model.checkpoint.slice(0, 12)} · prompts ${model.family}`;
  const head = [
    "benchmark",
    "problems",
    "score",
    "",
    "95 % interval",
    "± problems",
    "± sampling",
    "pass@k",
    "maj@k",
    "tokens",
    "cut off",
    "unknown",
  ];
  const rows = benchmarks.map(scoreRow);
  const ratings = benchmarks.flatMap(({ title, elo }) => (elo === null ? [] : ratingLines(title, elo)));
  const data = benchmarks.map(({ title, data }) => {
    const known = data.pinned === null ? "unpinned" : `pinned: ${data.pinned}`;
    return `${title}: content ${data.content.slice(0, 12)} (${known})${data.limit === null ? "" : `, the first ${data.limit} problems only`}`;
  });
  const lost = benchmarks.flatMap(({ title, scores, failures }) => {
    if (scores.unanswered === 0) return [];
    const why = failures.map(({ reason, count }) => `${count}× ${reason}`).join("; ");
    return [`${title}: ${scores.unanswered} attempts got no answer and count as unknown: ${why}`];
  });
  return [title, "", aligned([head, ...rows]), "", ...ratings, ...lost, ...data].join("\n");
}

function scoreRow({ title, scores, settings }: BenchmarkResult): string[] {
  const best = scores.pass.at(-1);
  return [
    title,
    String(scores.problems),
    rangeOf(scores.average),
    `avg@${settings.samples}`,
    `${percent(scores.interval.low)} – ${percent(scores.interval.high)}`,
    points(scores.standardError),
    points(scores.samplingError),
    best === undefined || best.k === 1 ? "–" : `${rangeOf(best.share)} @${best.k}`,
    scores.majority === null ? "–" : `${rangeOf(scores.majority.share)} @${scores.majority.k}`,
    scores.meanTokens === null ? "–" : Math.round(scores.meanTokens).toLocaleString("en"),
    percent(scores.truncationRate),
    percent(scores.unknownRate),
  ];
}

function ratingLines(title: string, { attempts, problems, contests }: EloRecord): string[] {
  const shown = (value: number | null) => (value === null ? "?" : String(Math.round(value)));
  const line = (rating: NonNullable<EloRecord["problems"]>, from: string) =>
    `${title}: rating ${shown(rating.rating)} (95 % interval ${shown(rating.low)} – ${shown(rating.high)}), up to ${attempts} tries, from ${rating.from} ${from}`;
  return [
    ...(problems === null ? [] : [line(problems, "rated problems, by maximum likelihood")]),
    ...(contests === null ? [] : [line(contests, "contests' standings (CodeElo)")]),
  ];
}

/** One number, or both ends where verdicts are unknown. */
function rangeOf({ low, high }: { low: number; high: number }): string {
  return high - low < 5e-4 ? percent(low) : `${(100 * low).toFixed(1)} to ${percent(high)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function points(error: number | null): string {
  return error === null ? "–" : (100 * error).toFixed(1);
}
