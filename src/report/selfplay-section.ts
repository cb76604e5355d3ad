/** The report's account of self-play: labels and what speaks for them, rounds, the score before and after, and a few pairs. */
import { lineChart } from "../analyses/chart.ts";
import type { SelfPlaySummary } from "../recipes/selfplay-summary.ts";
import { fixed, percent } from "./em-section.ts";
import type { Duel } from "./material.ts";
import { type Html, html, raw, table } from "./page.ts";

export interface SelfPlayMaterial {
  summary: { selfPlay: SelfPlaySummary | null };
  duels: readonly Duel[];
}

export function selfPlaySection({ summary: { selfPlay }, duels }: SelfPlayMaterial): Html {
  if (selfPlay === null) return html``;
  return html`<h2>Self-play</h2>
<p>A solver, taught a few worked solutions, attempts problems that were written for it; what it gets right teaches it.</p>
${verdict(selfPlay)}
${labels(selfPlay)}
${rounds(selfPlay)}
${duels.length > 0 && html`<h3>Right and wrong, paired</h3>${duels.map(duel)}`}`;
}

function verdict({ test }: SelfPlaySummary): Html {
  if (test === null) return html``;
  const { before, after, difference, tasks, attempts } = test;
  const inside = difference.low <= 0 && difference.high >= 0;
  const range = `${signed(difference.low)} to ${signed(difference.high)}`;
  return html`<p><b>${percent(before)} → ${percent(after)}</b> pass@1 on ${tasks} fresh problems, ${attempts} attempts each:
${signed(difference.mean)} points (95 %: ${range}), ${inside ? "inside the noise" : "more than noise"}.</p>`;
}

function signed(share: number): string {
  return `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}`;
}

function labels({ labels: { tasks, labelled, quarantined, truth }, notTasks }: SelfPlaySummary): Html {
  const accuracy =
    truth === null || truth.right + truth.wrong === 0
      ? ""
      : ` Of the labels of sound problems ${percent(truth.right / (truth.right + truth.wrong))} are the true answer; ${truth.onInvalid} went to problems without one.`;
  const out = [...Object.entries(notTasks), ...Object.entries(quarantined)].sort((a, b) => b[1] - a[1]);
  return html`<p class="soft">${labelled} of ${tasks} problems were labelled by the majority of generations apart from the rollouts.${accuracy}</p>
${
  out.length > 0 &&
  table(
    ["why the others were not", "problems"],
    out.map(([reason, count]) => [reason, count]),
  )
}`;
}

function rounds({ rounds: all }: SelfPlaySummary): Html {
  if (all.length === 0) return html``;
  const head = [
    ...["round", "held-out pass@1", "± s.e.", "rollouts", "right", "unknown", "cut off", "tasks kept", "pairs"],
    ...["tokens, chosen", "tokens, rejected", "steps"],
  ];
  const rows = all.map(({ round, heldOut, work }) => [
    round === 0 ? "start" : round,
    percent(heldOut.score),
    fixed(100 * heldOut.standardError, 1),
    ...(work === null
      ? new Array<string>(9).fill("–")
      : [
          ...[work.rollouts, work.correct, work.unknown, work.truncated, work.kept, work.bias.pairs],
          ...[fixed(work.bias.tokens.chosen, 0), fixed(work.bias.tokens.rejected, 0), work.training.steps],
        ]),
  ]);
  const warnings = all.flatMap(({ round, work }) =>
    (work?.bias.warnings ?? []).map((text) => `round ${round}: ${text}`),
  );
  const curve = lineChart({
    ...{ label: "Held-out score by round", x: "round", y: "pass@1, %" },
    series: [
      { name: "solver", colour: 1, points: all.map(({ round, heldOut }) => ({ x: round, y: 100 * heldOut.score })) },
    ],
  });
  return html`${all.length > 1 && html`<div class="charts"><figure><h3>Held-out score</h3>${raw(curve)}</figure></div>`}${table(head, rows)}
${warnings.map((text) => html`<p class="bad">${text}</p>`)}`;
}

function duel({ problem, answer, chosen, rejected }: Duel): Html {
  return html`<div class="example"><p>${problem}</p><p class="soft">label ${answer}</p>
<p class="rationale good">${chosen}</p><p class="rationale bad">${rejected}</p></div>`;
}
