/** A run's numbers as a short table for the terminal. */
import type { SolverSummary } from "../recipes/solver-summary.ts";
import type { Summary } from "../recipes/summary.ts";
import { duration } from "./progress.ts";

export function summaryTable(summary: Summary): string {
  const parts = [
    emTable(summary),
    testLine(summary),
    synthesisTable(summary),
    selfPlayTable(summary),
    `total time  ${duration(summary.seconds)}`,
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** The numbers of a post-training run. */
export function solverTable(summary: SolverSummary): string {
  const parts = [selfPlayTable(summary)];
  if (summary.distillation !== null) {
    const { traces, kept, meanTokens, rejected } = summary.distillation;
    const reasons = Object.entries(rejected).map(([reason, count]) => `${count} ${reason}`);
    parts.push(
      [
        `distillation: ${kept} of ${traces} traces taught, ${meanTokens.toFixed(0)} tokens each`,
        ...(reasons.length > 0 ? [`rejected: ${reasons.join("; ")}`] : []),
      ].join("\n"),
    );
  }
  return parts.filter((part) => part !== "").join("\n\n");
}

function emTable({ em: { rounds } }: Summary): string {
  if (rounds.length === 0) return "";
  const head = [
    "EM on dev pairs (nats)",
    "NLL of x",
    "per token",
    "NLL of z",
    "ELBO",
    "bound",
    "tokens of z",
    "alarms",
  ];
  const rows = rounds.map((round) => [
    round.round === 0 ? "cold start" : `round ${round.round}`,
    fixed(round.xNll),
    fixed(round.xNllPerToken, 3),
    fixed(round.zNll),
    fixed(round.elbo),
    fixed(round.bound),
    fixed(round.zTokens, 1),
    round.alarms.map(({ kind }) => kind).join(", ") || "–",
  ]);
  return aligned([head, ...rows]);
}

function testLine({ test }: Summary): string {
  if (test === null) return "";
  const head = ["test pairs, read once", "NLL of x", "ELBO", "bound"];
  const row = (name: string, at: NonNullable<Summary["test"]>["before"]) => [
    name,
    fixed(at.xNll),
    fixed(at.elbo),
    fixed(at.bound),
  ];
  return aligned([head, row("cold start", test.before), row("after EM", test.after)]);
}

function synthesisTable({ synthesis }: Summary): string {
  if (synthesis.asked === 0) return "";
  const rows: [string, number | null][] = [
    ["kept by curation", synthesis.kept],
    ["written and no duplicate", synthesis.distinct],
    ["grammatical", synthesis.grammatical],
    ["one true answer", synthesis.valid],
    ["all concepts asked for", synthesis.allConcepts],
    ["novel (numbers and names masked)", synthesis.novel],
    ["concept entropy, of that asked for", synthesis.conceptEntropy],
  ];
  const body = rows.flatMap(([name, share]) => (share === null ? [] : [[name, `${(100 * share).toFixed(1)} %`]]));
  return aligned([[`${synthesis.asked.toLocaleString("en")} problems asked for`, "share"], ...body]);
}

function selfPlayTable({ selfPlay }: Pick<Summary, "selfPlay">): string {
  if (selfPlay === null) return "";
  const { labels, rounds, test } = selfPlay;
  const { truth } = labels;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const accuracy =
    truth === null || truth.right + truth.wrong === 0
      ? ""
      : `, ${percent(truth.right / (truth.right + truth.wrong))} of them right on sound problems`;
  const start = rounds[0]?.heldOut;
  const played = rounds.flatMap(({ round, work, heldOut }) => {
    if (work === null) return [];
    // The right ones of the tasks in the band, each text once: what iterative SFT is taught.
    const taught = `${work.right} distinct right ones and ${work.bias.pairs} pairs for the ${work.kept} tasks in the band`;
    const counts = `${work.rollouts} rollouts, ${work.correct} of them right; ${taught}`;
    // The score that chooses among the rounds; what is told at the end was measured on other problems.
    const score =
      start && test && `held-out problems: ${percent(start.score)} at the start, ${percent(heldOut.score)} now`;
    return [`round ${round}: ${counts}`, ...(score ? [`  ${score}`] : [])];
  });
  const how = labelledHow(labels.sources);
  const points = (share: number) => `${share < 0 ? "-" : "+"}${Math.abs(100 * share).toFixed(1)}`;
  const lines = [`self-play: ${labels.labelled} of ${labels.tasks} problems ${how}${accuracy}`, ...played];
  if (test === null) {
    const scores = heldOutScores(rounds, points);
    if (scores.length > 0) lines.push(`solver on ${rounds[0]?.heldOut.tasks} held-out problems: ${scores.join("; ")}`);
    return lines.join("\n");
  }
  if (start !== undefined && rounds.every(({ heldOut }) => heldOut.score <= start.score)) {
    const kept = "no round rose above the start, so the solver stays as it was";
    return [...lines, `${kept}: ${percent(test.before)} right on ${test.tasks} fresh problems`].join("\n");
  }
  const { mean, low, high } = test.difference;
  const noise = low <= 0 && high >= 0 ? "inside the noise" : "more than noise";
  return [
    ...lines,
    `solver on ${test.tasks} fresh problems: ${percent(test.before)} before, ${percent(test.after)} after; ` +
      `${points(mean)} points (95 %: ${points(low)} to ${points(high)}), ${noise}`,
  ].join("\n");
}

/** Where the labels came from; the shares only where there are several. */
function labelledHow({ given, majority, tests }: NonNullable<Summary["selfPlay"]>["labels"]["sources"]): string {
  const sources = [
    { count: given, alone: ", as given", among: "given" },
    { count: majority, alone: " by vote", among: "by vote" },
    { count: tests, alone: " by tests", among: "by tests" },
  ].filter(({ count }) => count > 0);
  if (sources.length < 2) return `labelled${sources[0]?.alone ?? ""}`;
  return `labelled (${sources.map(({ count, among }) => `${count} ${among}`).join(", ")})`;
}

function heldOutScores(
  rounds: NonNullable<Summary["selfPlay"]>["rounds"],
  points: (share: number) => string,
): string[] {
  return rounds.flatMap(({ round, heldOut: { tasks, score }, detail }) => {
    if (tasks === 0) return [];
    const share = `${(100 * score).toFixed(1)} %`;
    if (round === 0) return [`start ${share}`];
    const since = detail?.sinceStart;
    const interval = since
      ? ` (${points(since.mean)} points, 95 %: ${points(since.low)} to ${points(since.high)})`
      : "";
    return [`round ${round} ${share}${interval}`];
  });
}

function fixed(value: number | null, digits = 2): string {
  return value === null ? "–" : value.toFixed(digits);
}

/** Columns aligned: the first to the left, the others to the right. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
