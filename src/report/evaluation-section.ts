/** The report's account of evaluations: scores with both errors, pass@k, how often problems were solved, ratings, and comparisons. */
import { countsIn, solveRateBins } from "../analyses/bins.ts";
import { lineChart, type Series } from "../analyses/chart.ts";
import { solveRate, Z95 } from "../analyses/scores.ts";
import { histogram, type IntervalRow, intervalChart } from "../analyses/share-charts.ts";
import { comparableParts, comparedSentences, signedPoints } from "../recipes/compare-evals.ts";
import type { BenchmarkResult, EloRecord } from "../recipes/eval-file.ts";
import { percent } from "./em-section.ts";
import type { NamedEval, RunEvals } from "./evaluations.ts";
import { figure, type Html, html, legend, table } from "./page.ts";

/** Empty for none. */
export function evaluationSection({ evals, unreadable }: RunEvals): Html {
  const entries = evals.flatMap(({ name, result }) =>
    result.benchmarks.map((benchmark): Entry => ({ name, benchmark, colour: colourOf(evals, name) })),
  );
  const bad = unreadable.map((why) => html`<p class="bad">${why}</p>`);
  if (entries.length === 0) return bad.length === 0 ? html`` : html`<h2>Evaluation</h2>${bad}`;
  const byBenchmark = [...Map.groupBy(entries, ({ benchmark }) => benchmark.name).values()];
  return html`<h2>Evaluation</h2>
<p>Each attempt was made once; one that was cut off is wrong. The thin line is the 95 % interval for problems of this kind (problems are the clusters), the
thick one what repeating the same problems would move. Models are to be compared by their differences, problem by problem, further below.</p>
${bad}${scoreChart(byBenchmark.flat())}
${scoreTable(byBenchmark.flat())}
${ratings(entries)}
${lost(entries)}
<div class="charts">${byBenchmark.flatMap((group) => [solveRates(group), ...passCurves(group)])}</div>
${comparisons(evals)}
${provenance(byBenchmark)}`;
}

interface Entry {
  /** Of the evaluation. */
  name: string;
  benchmark: BenchmarkResult;
  colour: Series["colour"];
}

/** The first four evaluations have a colour of their own. */
function colourOf(evals: readonly NamedEval[], name: string): Series["colour"] {
  const colours = [1, 2, 3, 4] as const;
  return colours[evals.findIndex((one) => one.name === name)] ?? "muted";
}

function scoreChart(entries: readonly Entry[]): Html {
  const rows = entries.map(({ name, colour, benchmark: { title, scores } }): IntervalRow => {
    const { average, interval, samplingError } = scores;
    const half = samplingError === null ? undefined : 100 * Z95 * samplingError;
    const value = 100 * average.low;
    return {
      ...{ name: `${title} · ${name}`, colour, value, low: 100 * interval.low, high: 100 * interval.high },
      inner: half === undefined ? undefined : { low: Math.max(0, value - half), high: Math.min(100, value + half) },
      text: rangeOf(average),
    };
  });
  const chart = intervalChart({ label: "Scores with their 95 % intervals", rows, x: "avg@k, %" });
  return html`<div class="charts">${figure(chart, "Scores", "", true)}</div>`;
}

function scoreTable(entries: readonly Entry[]): Html {
  const head = [
    ...["benchmark", "model", "problems", "score", "95 % interval", "± problems", "± sampling", "pass@k", "maj@k"],
    ...["tokens", "cut off", "unknown"],
  ];
  return table(
    head,
    entries.map(({ name, benchmark: { title, scores, settings } }) => {
      const best = scores.pass.at(-1);
      return [
        ...[title, name, scores.problems, `${rangeOf(scores.average)} avg@${settings.samples}`],
        `${percent(scores.interval.low)} – ${percent(scores.interval.high)}`,
        ...[points(scores.standardError), points(scores.samplingError)],
        best === undefined || best.k === 1 ? "–" : `${rangeOf(best.share)} @${best.k}`,
        scores.majority === null ? "–" : `${rangeOf(scores.majority.share)} @${scores.majority.k}`,
        scores.meanTokens === null ? "–" : Math.round(scores.meanTokens).toLocaleString("en"),
        ...[percent(scores.truncationRate), percent(scores.unknownRate)],
      ];
    }),
  );
}

function ratings(entries: readonly Entry[]): Html {
  const rows = entries.flatMap(({ name, benchmark: { title, elo } }) =>
    elo === null
      ? []
      : [
          ...ratingRow(title, name, elo.attempts, elo.problems, "rated problems, by maximum likelihood"),
          ...ratingRow(title, name, elo.attempts, elo.contests, "contests’ standings (CodeElo)"),
        ],
  );
  if (rows.length === 0) return html``;
  return html`<h3>Ratings</h3>${table(["", "model", "rating", "95 % interval", "tries, at most", "from"], rows)}`;
}

function ratingRow(
  title: string,
  name: string,
  tries: number,
  found: EloRecord["problems"],
  what: string,
): unknown[][] {
  if (found === null) return [];
  const shown = (value: number | null) => (value === null ? "?" : String(Math.round(value)));
  const { rating, low, high, from } = found;
  return [[title, name, shown(rating), `${shown(low)} – ${shown(high)}`, tries, `${from} ${what}`]];
}

function lost(entries: readonly Entry[]): Html[] {
  return entries.flatMap(({ name, benchmark: { title, scores, failures } }) => {
    if (scores.unanswered === 0) return [];
    const why = failures.map(({ reason, count }) => `${count}× ${reason}`).join("; ");
    return [
      html`<p class="bad">${title} · ${name}: ${scores.unanswered} attempts got no answer and count as unknown: ${why}</p>`,
    ];
  });
}

/** Problems by how often they were solved: those of one benchmark, for the evaluations with as many attempts as the first. */
function solveRates(group: readonly Entry[]): Html {
  const [first] = group as [Entry, ...Entry[]];
  const { samples } = first.benchmark.settings;
  const bins = solveRateBins(samples);
  const groups = group
    .filter(({ benchmark }) => benchmark.settings.samples === samples)
    .map(({ name, colour, benchmark: { problems } }) => ({
      ...{ name, colour },
      counts: countsIn(
        bins,
        problems.map((problem) => solveRate(problem, 0)),
      ),
    }));
  const x = samples <= 8 ? `right attempts, of ${samples}` : `share of ${samples} attempts that are right`;
  const label = `${first.benchmark.title}: problems by how often they were solved`;
  const chart = histogram({ label, bins: bins.names, groups, x, y: "problems", layout: "beside" });
  return figure(chart, `${first.benchmark.title}: how often problems were solved`, legend(groups));
}

function passCurves(group: readonly Entry[]): Html[] {
  const series = group.flatMap(({ name, colour, benchmark: { scores } }): Series[] => {
    if (scores.pass.length < 2) return [];
    const whisker = (share: number, error: number | null) =>
      error === null
        ? {}
        : { low: 100 * Math.max(0, share - Z95 * error), high: 100 * Math.min(1, share + Z95 * error) };
    return [
      {
        ...{ name, colour },
        points: scores.pass.map(({ k, share, standardError }) => ({
          ...{ x: k, y: 100 * share.low },
          ...whisker(share.low, standardError),
        })),
      },
    ];
  });
  if (series.length === 0) return [];
  const title = group[0]?.benchmark.title ?? "";
  const chart = lineChart({ label: `${title}: pass@k`, x: "k", y: "pass@k, %", series, least: 0 });
  return [
    figure(chart, `${title}: solved within k attempts`, "Unbiased pass@k, ± 1.96 errors with problems as clusters."),
  ];
}

/** Each evaluation beside the first, on the benchmarks that can be compared. */
function comparisons([first, ...others]: readonly NamedEval[]): Html {
  if (first === undefined) return html``;
  const compared = others.flatMap((other) =>
    comparableParts(first.result, other.result).map((one) => ({ other: other.name, one })),
  );
  if (compared.length === 0) return html``;
  const rows = compared.map(({ other, one: { title, comparison } }): IntervalRow => {
    const { difference, low, high } = comparison;
    const colour = colourOf([first, ...others], other);
    const range = { value: 100 * difference, low: 100 * low, high: 100 * high };
    return { name: `${title} · ${other}`, colour, ...range, text: `${signedPoints(difference)} points` };
  });
  const chart = intervalChart({ label: `Differences to ${first.name}`, rows, x: "points", mark: 0 });
  const sentences = compared.flatMap(({ other, one }) => comparedSentences(one, { first: first.name, second: other }));
  return html`<h3>Differences to ${first.name}</h3>
<div class="charts">${figure(chart, "Paired differences, problem by problem, with 95 % intervals", "", true)}</div>
${sentences.map((sentence) => html`<p>${sentence}.</p>`)}`;
}

function provenance(byBenchmark: readonly (readonly Entry[])[]): Html {
  const rows = byBenchmark.flatMap((group) =>
    group.map(({ name, benchmark: { title, data, settings } }) => [
      ...[title, name, html`<code>${data.content.slice(0, 12)}</code>`, data.pinned ?? "unpinned"],
      data.limit === null ? "all" : `the first ${data.limit}`,
      `${settings.samples} × temperature ${settings.temperature}, top-p ${settings.topP}, ${settings.maxTokens.toLocaleString("en")} tokens`,
      settings.grader,
    ]),
  );
  const head = ["benchmark", "model", "content", "known from", "problems", "attempts", "grader"];
  return html`<details><summary>problems and settings</summary>${table(head, rows)}</details>`;
}

/** One number, or both ends where verdicts are unknown. */
function rangeOf({ low, high }: { low: number; high: number }): string {
  return high - low < 5e-4 ? percent(low) : `${(100 * low).toFixed(1)} to ${percent(high)}`;
}

function points(error: number | null): string {
  return error === null ? "–" : (100 * error).toFixed(1);
}
