/** The report's account of self-play: what came out, labels and what speaks for them, rounds, pairs and their biases, and a few pairs. */
import { lineChart } from "../analyses/chart.ts";
import { wilson } from "../analyses/scores.ts";
import type { SelfPlaySummary } from "../recipes/selfplay-summary.ts";
import { fixed, percent } from "./em-section.ts";
import type { Duel } from "./material.ts";
import { figure, type Html, html, table } from "./page.ts";
import { lengthChart, solveRateChart, taskFunnel, voteChart } from "./selfplay-charts.ts";

export interface SelfPlayMaterial {
  summary: { selfPlay: SelfPlaySummary | null };
  duels: readonly Duel[];
}

export function selfPlaySection({ summary: { selfPlay }, duels }: SelfPlayMaterial): Html {
  if (selfPlay === null) return html``;
  return html`<h2>Self-play</h2>
<p>A solver attempts problems whose labels are known or voted for; what it gets right, and what it gets wrong beside it, teaches it.</p>
${verdict(selfPlay)}
${labels(selfPlay)}
${rounds(selfPlay)}
${bias(selfPlay)}
${duels.length > 0 && html`<h3>Right and wrong, paired</h3>${duels.map(duel)}`}`;
}

function verdict({ test, rounds: all }: SelfPlaySummary): Html {
  if (test === null) return html``;
  const start = all[0]?.heldOut.score ?? 0;
  const rose = all.some(({ heldOut }) => heldOut.score > start);
  const { before, after, difference, tasks, attempts } = test;
  if (!rose) {
    return html`<p>No round was better than the start on its held-out problems, so the start is the result: <b>${percent(before)}</b>
pass@1 on ${tasks} fresh problems, ${attempts} attempts each.</p>`;
  }
  const inside = difference.low <= 0 && difference.high >= 0;
  return html`<p><b>${percent(before)} → ${percent(after)}</b> pass@1 on ${tasks} fresh problems, ${attempts} attempts each:
${pointsIn(difference)}, ${inside ? "inside the noise" : "more than noise"}.</p>`;
}

/** A difference of shares with its 95 % interval, in points. */
function pointsIn({ mean, low, high }: { mean: number; low: number; high: number }): string {
  return `${signed(mean)} points (95 %: ${signed(low)} to ${signed(high)})`;
}

function shortPoints({ mean, low, high }: { mean: number; low: number; high: number }): string {
  return `${signed(mean)} (${signed(low)} to ${signed(high)})`;
}

function signed(share: number): string {
  return `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}`;
}

function labels(selfPlay: SelfPlaySummary): Html {
  const { labels: found, notTasks } = selfPlay;
  const { tasks, labelled, sources, quarantined, truth, votes } = found;
  const from = [
    ...(sources.given > 0 ? [`${sources.given} came with the problem`] : []),
    ...(sources.majority > 0 ? [`${sources.majority} are the majority of generations apart from the rollouts`] : []),
    ...(sources.tests > 0 ? [`${sources.tests} are validated tests`] : []),
  ];
  const accuracy =
    truth === null || truth.right + truth.wrong === 0
      ? ""
      : ` Of the labels of sound problems ${percent(truth.right / (truth.right + truth.wrong))} are the true answer; ${truth.onInvalid} went to problems without one.`;
  const out = [
    ...Object.entries(notTasks).map(([reason, count]) => [reason, "no task", count] as const),
    ...Object.entries(quarantined).map(([reason, count]) => [reason, "quarantine", count] as const),
  ].sort((a, b) => b[2] - a[2]);
  return html`<h3>Labels</h3>
<p class="soft">${labelled} of ${tasks} problems have a label${from.length > 0 && `: ${from.join(", ")}`}.${accuracy}</p>
<div class="charts">${taskFunnel(selfPlay)}${votes.length > 0 && voteChart(votes)}</div>
${out.length > 0 && table(["why the others have none", "so", "problems"], out)}`;
}

function rounds({ rounds: all }: SelfPlaySummary): Html {
  if (all.length === 0) return html``;
  const head = [
    ...["round", "held-out pass@1", "95 % interval", "less the start, points", "rollouts", "right", "unknown"],
    ...["cut off", "ill-formed", "tasks kept", "pairs", "steps"],
  ];
  const rows = all.map(({ round, heldOut, work, detail }) => [
    round === 0 ? "start" : round,
    ...(heldOut.tasks === 0
      ? ["–", "–", "–"]
      : [percent(heldOut.score), intervalOf(heldOut), detail?.sinceStart ? shortPoints(detail.sinceStart) : "–"]),
    ...(work === null
      ? new Array<string>(8).fill("–")
      : [
          ...[
            work.rollouts,
            shareOf(work.correct, work.rollouts),
            shareOf(work.unknown, work.rollouts),
            work.truncated,
          ],
          ...[work.invalid, work.kept, work.bias.pairs, work.training.steps],
        ]),
  ]);
  return html`<h3>Rounds</h3>
<div class="charts">${all.length > 1 && (all[0]?.heldOut.tasks ?? 0) > 0 && heldOutChart(all)}${all.flatMap(solveRateChart)}</div>
${table(head, rows)}`;
}

type Round = SelfPlaySummary["rounds"][number];

function scoreInterval({ score, standardError, tasks }: Round["heldOut"]): { low: number; high: number } {
  return wilson(score, standardError, tasks);
}

function intervalOf(heldOut: Round["heldOut"]): string {
  const { low, high } = scoreInterval(heldOut);
  return `${percent(low)} – ${percent(high)}`;
}

function shareOf(part: number, whole: number): string {
  return whole === 0 ? "–" : `${part} (${percent(part / whole)})`;
}

function heldOutChart(all: readonly Round[]): Html {
  const points = all.map(({ round, heldOut }) => {
    const { low, high } = scoreInterval(heldOut);
    return { x: round, y: 100 * heldOut.score, low: 100 * low, high: 100 * high };
  });
  const series = [{ name: "solver", colour: 1 as const, points }];
  return figure(
    lineChart({ label: "Held-out score by round", x: "round", y: "pass@1, %", series, least: 0 }),
    "Held-out score",
    `${all[0]?.heldOut.tasks} problems, ${all[0]?.heldOut.attempts} attempts each, with 95 % intervals for problems of this kind. Rounds are compared on the same problems and random numbers, so differences are surer than these intervals: see the table.`,
  );
}

function bias({ rounds: all }: SelfPlaySummary): Html {
  const played = all.flatMap(({ round, work, detail }) =>
    work === null || detail === null || work.bias.pairs === 0 ? [] : [{ round, bias: work.bias, detail }],
  );
  if (played.length === 0) return html``;
  type Bias = (typeof played)[number]["bias"];
  const line = (what: string, of: (bias: Bias) => { chosen: number; rejected: number }, show: Show) => [
    what,
    ...played.flatMap(({ bias: found }) => [show(of(found).chosen), show(of(found).rejected)]),
  ];
  const thoughts = played.some(({ bias: { thought } }) => thought.chosen + thought.rejected > 0);
  const rows = [
    line(
      "tokens, mean",
      ({ tokens }) => tokens,
      (value) => fixed(value, 1),
    ),
    ...(thoughts
      ? [
          line(
            "characters of the thought",
            ({ thought }) => thought,
            (value) => fixed(value, 0),
          ),
        ]
      : []),
    line(
      "lines of the answer",
      ({ lines }) => lines,
      (value) => fixed(value, 1),
    ),
    line("cut off", ({ truncated }) => truncated, percent),
    line("with a boxed answer", ({ boxed }) => boxed, percent),
    line("with a fenced block", ({ fenced }) => fenced, percent),
    line("the shorter one", ({ chosenShorter }) => ({ chosen: chosenShorter, rejected: 1 - chosenShorter }), percent),
  ];
  const head = ["", ...played.flatMap(({ round }) => [`round ${round}: chosen`, "rejected"])];
  const warnings = played.flatMap(({ round, bias: found }) =>
    found.warnings.map((text) => html`<p class="bad">round ${round}: ${text}</p>`),
  );
  return html`<h3>In what chosen and rejected differ besides being right</h3>
<p class="soft">A trainer learns these differences too: chosen rollouts that are systematically shorter teach brevity, not mathematics.</p>
${warnings.length > 0 ? warnings : html`<p class="good">Nothing out of the ordinary.</p>`}
<div class="charts">${played.map(({ round, detail }) => lengthChart(round, detail.lengths))}</div>
${table(head, rows)}`;
}

type Show = (value: number) => string;

function duel({ problem, answer, chosen, rejected }: Duel): Html {
  return html`<div class="example"><p>${problem}</p><p class="soft">label ${answer}</p>
<p class="rationale good">${chosen}</p><p class="rationale bad">${rejected}</p></div>`;
}
