/** The charts of self-play's section: the funnel of tasks, votes by margin, solve rates, lengths of pairs. Counts nothing anew. */
import { solveRateBins } from "../analyses/bins.ts";
import { type Bar, barChart } from "../analyses/chart.ts";
import { histogram } from "../analyses/share-charts.ts";
import type { LabelCounts, RoundDetail, SelfPlaySummary } from "../recipes/selfplay-summary.ts";
import { percent } from "./em-section.ts";
import { figure, type Html, html, legend } from "./page.ts";

type Round = SelfPlaySummary["rounds"][number];

/** What was left of the problems, step by step. */
export function taskFunnel({ labels, notTasks, rounds }: SelfPlaySummary): Html {
  const refused = Object.values(notTasks).reduce((sum, count) => sum + count, 0);
  const asked = labels.tasks + refused;
  const bar = (name: string, value: number, colour: Bar["colour"]): Bar => ({
    ...{ name, value, colour },
    text: asked === 0 ? String(value) : `${value.toLocaleString("en")}  (${percent(value / asked)})`,
  });
  const bars = [
    bar("problems", asked, "muted"),
    bar("tasks", labels.tasks, 1),
    bar("with a label", labels.labelled, 1),
    ...rounds.flatMap(({ round, work, detail }) =>
      work === null || detail === null
        ? []
        : [bar(`round ${round}: in the band`, work.kept, 2), bar(`round ${round}: with a pair`, detail.paired, 3)],
    ),
  ];
  return figure(
    barChart({ label: "What was left of the problems", x: "problems", bars }),
    "From problems to pairs",
    "Each step's reasons stand below, and in the journals.",
    true,
  );
}

/** How sure the votes were, and what the labels are worth where an oracle can say. */
export function voteChart(votes: LabelCounts["votes"]): Html {
  const known = votes.some(({ truth }) => truth !== null);
  const group = (name: string, colour: Bar["colour"], count: (bin: LabelCounts["votes"][number]) => number) => ({
    ...{ name, colour, counts: votes.map(count) },
  });
  const groups = [
    ...(known
      ? [
          group("true answer", 3, ({ truth }) => truth?.right ?? 0),
          group("another answer", 2, ({ truth }) => truth?.wrong ?? 0),
          group("problem without one answer", 4, ({ truth }) => truth?.onInvalid ?? 0),
        ]
      : [group("labelled", 1, ({ labelled }) => labelled)]),
    group("quarantine", "muted", ({ quarantined }) => quarantined),
  ];
  const bins = votes.map(({ from }) => `${(100 * from).toFixed(0)}–${(100 * from + 100 / votes.length).toFixed(0)} %`);
  const chart = histogram({
    ...{ label: "Votes by margin", bins, groups, layout: "stacked" },
    ...{ x: "margin of the first answer over the second", y: "problems" },
  });
  return figure(chart, "How sure the votes were", legend(groups));
}

/** How often the tasks of a round were solved, and which of them stayed. */
export function solveRateChart({ round, detail }: Round): Html[] {
  if (detail === null || detail.difficulty.length === 0) return [];
  const most = Math.max(1, ...detail.difficulty.map(({ decided }) => decided));
  const { names, binOf } = solveRateBins(most);
  const counts = (wanted: boolean) => {
    const found = names.map(() => 0);
    for (const { correct, decided, dropped, tasks } of detail.difficulty) {
      if (decided === 0 || (dropped === null) !== wanted) continue;
      const bin = binOf(correct / decided);
      found[bin] = (found[bin] ?? 0) + tasks;
    }
    return found;
  };
  const groups = [
    { name: "kept", colour: 1 as const, counts: counts(true) },
    { name: "dropped", colour: "muted" as const, counts: counts(false) },
  ];
  const x = most <= 8 ? `right attempts, of ${most} decided` : "share of right attempts";
  const label = `Solve rates of round ${round}`;
  const chart = histogram({ label, bins: names, groups, x, y: "tasks", layout: "stacked" });
  const reasons = new Map<string, number>();
  for (const { dropped, tasks } of detail.difficulty) {
    if (dropped !== null) reasons.set(dropped, (reasons.get(dropped) ?? 0) + tasks);
  }
  const dropped = [...reasons].sort((a, b) => b[1] - a[1]).map(([reason, count]) => `${reason}: ${count}`);
  return [
    figure(
      chart,
      `Solve rates, round ${round}`,
      html`${legend(groups)}${dropped.length > 0 && `Dropped: ${dropped.join("; ")}.`}`,
    ),
  ];
}

/** How long the two sides of a round's pairs are. */
export function lengthChart(round: number, { bins, chosen, rejected }: RoundDetail["lengths"]): Html {
  const groups = [
    { name: "chosen", colour: 3 as const, counts: chosen },
    { name: "rejected", colour: 2 as const, counts: rejected },
  ];
  const label = `Lengths of the pairs of round ${round}`;
  const chart = histogram({ label, bins, groups, x: "tokens", y: "rollouts", layout: "beside" });
  return figure(chart, `Lengths, round ${round}`, legend(groups));
}
