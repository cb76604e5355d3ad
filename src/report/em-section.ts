/** The report's account of EM: objective, curves with their controls, rounds, alarms, and candidates with their log-probabilities. */
import { lineChart, type Series } from "../analyses/chart.ts";
import type { RoundMeasure } from "../stages/em/measure.ts";
import { nats } from "../stages/em/records.ts";
import type { Contest, ReportMaterial } from "./material.ts";
import { figure, formula, type Html, html, table } from "./page.ts";

export function emSection(material: ReportMaterial): Html {
  const { rounds } = material.summary.em;
  if (rounds.length === 0) return html``;
  return html`<h2>Expectation–maximisation</h2>
<p>Rationales ${formula("z")} are latent. ${formula("q")} proposes ${material.config.em.candidates} for each pair of concepts ${formula("c")} and problem
${formula("x")}; the one that ${formula("p")} likes best teaches ${formula("q")}; the greedy rationale of the new ${formula("q")} teaches ${formula("p")}.
ELBO and IW bound below are lower bounds on ${formula("\\log\\,p(x\\mid c)")}, measured on ${rounds[0]?.pairs} held-out pairs with fresh draws; higher is better.</p>
<div class="math">${formula("R(c,x,z)=\\log\\,p(x\\mid z,c)+\\log\\,p(z\\mid c)\\qquad \\log\\,p(x\\mid c)\\;\\ge\\;\\mathbb{E}_{q}\\!\\left[\\log\\,p(z,x\\mid c)-\\log\\,q(z\\mid c,x)\\right]", true)}</div>
<div class="charts">${curves(material)}</div>
${roundsTable(material)}
${testTable(material)}
${noiseTable(material)}
${alarmList(material)}
${
  material.contests.length > 0 &&
  html`<h2>Candidates and who won</h2>
<p class="soft">Pairs of the last round, with every well-formed candidate. Sums of natural-log probabilities; ${formula("R")} decides${" "}
(rule <code>${material.config.em.select}</code>).</p>${material.contests.map(contest)}`
}`;
}

/** What a control's line is called: short, for its place is beside the line. */
const controlNames: Readonly<Record<string, string>> = {
  "fixed-sampled": "no E-step",
  "fixed-greedy": "no E-step, greedy z",
  redrawn: "no E-step, z redrawn",
};

function curves({ summary, controls }: ReportMaterial): Html[] {
  const { rounds } = summary.em;
  const line = (
    name: string,
    colour: Series["colour"],
    value: (round: (typeof rounds)[number]) => number | null,
  ): Series => ({
    ...{ name, colour },
    points: rounds.map((round) => ({ x: round.round, y: value(round) })),
  });
  const control = (key: keyof RoundMeasure): Series[] =>
    controls
      .filter((entry) => entry.rounds.length > 0)
      .map(({ name, rounds: own }) => ({
        name: controlNames[name] ?? name,
        colour: "muted",
        points: own.map(({ round, measure }) => ({ x: round, y: measure[key] })),
      }));
  const axis = { x: "round" };
  const nll = [
    line("EM", 1, ({ xNll }) => xNll),
    ...control("xNll"),
    line("annotator’s z", 3, ({ xNllAnnotated }) => xNllAnnotated),
  ];
  return [
    figure(
      lineChart({ ...axis, label: "NLL of problems by round", y: "nats per problem", series: nll }),
      "NLL of x given the greedy z",
      "Lower is better. Beside it: the same given the annotator’s rationale, and, dashed, without an E-step: rationales of the cold start’s q, which is never taught again.",
    ),
    figure(
      lineChart({
        ...axis,
        label: "Bounds by round",
        y: "nats",
        series: [line("ELBO", 1, ({ elbo }) => elbo), line("IW bound", 2, ({ bound }) => bound), ...control("elbo")],
      }),
      "Bounds on log p(x|c)",
      "ELBO and importance-weighted (IW) bound; dashed, the ELBO without an E-step. The nearer they are, the better q knows the posterior.",
    ),
    figure(
      lineChart({
        ...{ ...axis, label: "Mean rewards by round", y: "nats" },
        series: [
          line("chosen", 1, ({ statistics }) => statistics?.rewardChosen ?? null),
          line("all candidates", 2, ({ statistics }) => statistics?.rewardAll ?? null),
          line("fresh, dev", 3, ({ freshReward }) => freshReward),
        ],
      }),
      "Mean reward: three different numbers",
      "The chosen rise above the rest even from noise; fresh unselected draws on dev pairs do not.",
    ),
    figure(
      lineChart({
        ...{ ...axis, label: "Rationale length by round", y: "tokens" },
        series: [
          line("chosen", 1, ({ statistics }) => statistics?.tokensChosen ?? null),
          line("all candidates", 2, ({ statistics }) => statistics?.tokensAll ?? null),
          line("greedy, dev", 3, ({ zTokens }) => zTokens),
        ],
      }),
      "Length of rationales",
      "A summed reward favours short ones. Shortening while the NLL of x rises is collapse.",
    ),
  ];
}

function roundsTable({ summary }: ReportMaterial): Html {
  const head = [
    "dev pairs",
    "NLL of x",
    "per token",
    "with no z",
    "NLL of z",
    "ELBO",
    "IW bound",
    "effective draws",
    "tokens of z",
    "malformed",
  ];
  const rows = summary.em.rounds.map((round) => [
    round.round === 0 ? "cold start" : `round ${round.round}`,
    ...[
      fixed(round.xNll),
      fixed(round.xNllPerToken, 3),
      fixed(round.xNllBare),
      fixed(round.zNll),
      fixed(round.elbo),
      fixed(round.bound),
    ],
    ...[fixed(round.ess, 1), fixed(round.zTokens, 1), percent(round.malformed)],
  ]);
  return table(head, rows);
}

function testTable({ summary: { test }, config }: ReportMaterial): Html {
  if (test === null) return html``;
  const row = (name: string, at: RoundMeasure) => [
    name,
    fixed(at.xNll),
    fixed(at.xNllBare),
    fixed(at.zNll),
    fixed(at.elbo),
    fixed(at.bound),
    fixed(at.ess, 1),
  ];
  return html`<p class="soft">Test pairs, read once at the end, ${config.em.testDraws} draws each:</p>
${table(["test pairs", "NLL of x", "with no z", "NLL of z", "ELBO", "IW bound", "effective draws"], [row("cold start", test.before), row("after EM", test.after)])}`;
}

/** What scoring twice found; nothing where it was not done. */
function noiseTable({ summary }: ReportMaterial): Html {
  const measured = summary.em.rounds.flatMap(({ round, noise }) => (noise === undefined ? [] : [{ round, ...noise }]));
  if (measured.length === 0) return html``;
  const rows = measured.flatMap(({ round, pairs, candidates, again, reference }) =>
    [
      { name: "the same scorer, again", found: again },
      { name: "the reference engine", found: reference },
    ].flatMap(({ name, found }) =>
      found === null
        ? []
        : [
            [
              ...[`round ${round}`, name, String(pairs), String(candidates), percent(found.flipped)],
              ...[fixed(found.mean, 4), fixed(found.largest, 4), found.perToken.toExponential(1)],
            ],
          ],
    ),
  );
  const head = [
    "numeric noise",
    "scored by",
    "pairs",
    "candidates",
    "winner flips",
    "mean Δ of R",
    "largest Δ",
    "per token",
  ];
  return html`<h3>Numeric noise</h3><p class="soft">Some candidates are scored a second time, in other company. Where that changes who
wins, noise chooses and not merit. Differences in nats.</p>${table(head, rows)}`;
}

function alarmList({ summary }: ReportMaterial): Html {
  const alarms = summary.em.rounds.flatMap(({ round, alarms }) => alarms.map((alarm) => ({ round, ...alarm })));
  if (alarms.length === 0) return html`<p class="good">No alarm in ${summary.em.rounds.length - 1} rounds.</p>`;
  return html`<h3>Alarms</h3>${table(
    ["round", "kind", "what it says"],
    alarms.map(({ round, kind, message }) => [round, kind, message]),
    "text",
  )}`;
}

function contest({ problem, concepts, entries, malformed }: Contest): Html {
  const rows = entries.map(
    ({
      candidate,
      reward,
      weight,
    }) => html`<tr class="${weight > 0 ? "won" : ""}"><td>${weight > 0 ? "chosen" : ""}</td>
<td>${fixed(reward)}</td><td>${fixed(nats(candidate.prior))}</td><td>${fixed(nats(candidate.likelihood))}</td>
<td>${candidate.proposal === null ? "–" : fixed(nats(candidate.proposal))}</td><td>${candidate.prior.tokens}</td><td class="rationale">${candidate.text}</td></tr>`,
  );
  return html`<div class="example"><p>${concepts.map((concept) => html`<span class="tag">${concept}</span>`)}</p><p>${problem}</p>
<div class="scroll"><table class="text"><thead><tr><th></th><th>R</th><th>log p(z|c)</th><th>log p(x|z,c)</th><th>log q(z|c,x)</th><th>tokens</th><th>rationale</th></tr></thead>
<tbody>${rows}</tbody></table></div>${malformed > 0 && html`<p class="soft">${malformed} malformed, not shown.</p>`}</div>`;
}

export function fixed(value: number | null, digits = 2): string {
  return value === null ? "–" : value.toFixed(digits).replace("-", "−");
}

export function percent(share: number | null): string {
  return share === null ? "–" : `${(100 * share).toFixed(1)} %`;
}
