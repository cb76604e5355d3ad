/** The report's account of the synthesized problems: the funnel with every reason and examples, and a sample with every verdict. */
import { type Bar, barChart } from "../analyses/chart.ts";
import type { Funnel } from "../analyses/funnel.ts";
import type { ProblemReading } from "../stages/read.ts";
import type { Synthesized } from "../stages/synthesized.ts";
import { percent } from "./em-section.ts";
import { type ReportMaterial, SAMPLE } from "./material.ts";
import { type Html, html, raw, table } from "./page.ts";

export function synthesisSection(material: ReportMaterial): Html {
  const { synthesis, funnel } = material.summary;
  if (synthesis.asked === 0) return html``;
  const hasOracle = synthesis.grammatical !== null;
  return html`<h2>Synthesized problems</h2>
<p>${setsLine(material)} All shares are of the ${count(synthesis.asked)} problems asked for, so that a malformed or lost one counts
against every measure. A problem that several steps object to counts where it was caught first.</p>
<figure class="wide">${raw(barChart({ label: "What became of the problems asked for", x: "problems", bars: bars(material) }))}</figure>
${funnel.reasons.length > 0 && reasons(funnel)}
<h2>A sample</h2><p class="soft">The first ${SAMPLE}, not chosen, with rationale, every verdict${hasOracle && ", and what the oracle reads"}.</p>
${material.sample.map(example)}`;
}

function setsLine({ config, summary: { concepts } }: ReportMaterial): string {
  const draws = config.synthesize.drawsPerSet;
  const each = draws === 1 ? "one problem" : `${draws} problems`;
  if (concepts?.source !== "sampled")
    return `Each concept set asked for ${each}; the combinations were held out of training.`;
  const { settings, measured, exhausted } = concepts;
  const aimed = measured === 0 ? "" : `, aimed by the pass rates of ${count(measured)} problems`;
  const short = exhausted === null ? "" : ` Fewer than asked for: ${exhausted}.`;
  return `${count(concepts.sets)} sets of ${settings.size} were drawn (mode ${settings.mode}${aimed}) from ${count(concepts.concepts)} concepts of ${count(concepts.problems)} annotated problems; each asked for ${each}.${short}`;
}

function bars({ summary: { synthesis, funnel } }: ReportMaterial): Bar[] {
  const bar = (name: string, value: number, colour: Bar["colour"]): Bar => ({
    ...{ name, value, colour },
    text: `${count(value)}  (${percent(value / synthesis.asked)})`,
  });
  const exact: [string, number | null][] = [
    ["grammatical", synthesis.grammatical],
    ["all concepts used", synthesis.allConcepts],
    ["novel, numbers and names masked", synthesis.novel],
    ["exactly one true answer", synthesis.valid],
  ];
  return [
    bar("asked for", synthesis.asked, "muted"),
    ...funnel.steps.map(({ step, left }) => bar(`left after ${step}`, left, 1)),
    ...exact.flatMap(([name, share]) => (share === null ? [] : [bar(name, Math.round(share * synthesis.asked), 3)])),
  ];
}

const MOST = 30;

function reasons(funnel: Funnel): Html {
  return html`<h3>Why problems fell out</h3>${table(
    ["step", "problems", "reason and examples"],
    funnel.reasons
      .slice(0, MOST)
      .map(({ step, reason, count: n, examples }) => [
        step,
        count(n),
        html`<details><summary>${reason}</summary>${examples.map(
          ({ id, text, reason: own }) =>
            html`<p>${own !== reason && html`<span class="bad">${own}</span><br>`}${text}<br><code>${id}</code></p>`,
        )}</details>`,
      ]),
    "text",
  )}${funnel.reasons.length > MOST && html`<p class="soft">And ${funnel.reasons.length - MOST} rarer reasons, in summary.json.</p>`}`;
}

function example(entry: Synthesized): Html {
  const { written } = entry;
  if (!written.ok) {
    return html`<div class="example"><p>${tags(written.concepts)}</p><p class="bad">${written.reason}</p><p class="rationale">${written.text}</p></div>`;
  }
  const { id, concepts, level, problem, rationale } = written.problem;
  return html`<div class="example"><p>${tags(concepts)}${level !== undefined && html`<span class="tag">level ${level}</span>`}</p><p>${problem}</p>
<p class="rationale">${rationale}</p>${entry.reading !== undefined && verdict(entry.reading)}${objections(entry)}<p class="soft"><code>${id}</code></p></div>`;
}

function objections({ screening, curation }: Synthesized): Html {
  const lines: string[] = [];
  if (screening?.filter) lines.push(`filter ${screening.filter.filter}: ${screening.filter.reason}`);
  if (screening?.overlap) {
    const { tokens, benchmark, span } = screening.overlap;
    lines.push(`shares ${tokens} tokens with ${benchmark}: “${span}”`);
  }
  if (curation?.duplicate) {
    const { kind, of, jaccard } = curation.duplicate;
    lines.push(`${kind === "exact" ? "exact" : "near"} duplicate of ${of} (Jaccard ${jaccard.toFixed(2)})`);
  }
  if (lines.length > 0) return html`${lines.map((line) => html`<p class="bad">dropped: ${line}</p>`)}`;
  return curation?.kept ? html`<p class="good">kept</p>` : html``;
}

function verdict(reading: ProblemReading): Html {
  if (reading.valid) {
    const all = reading.allConcepts ? "all concepts used" : "not all concepts used";
    return html`<p class="good">answer ${reading.answer} · ${reading.steps} steps · ${all}${!reading.novel && " · skeleton of a seed"}</p>`;
  }
  return html`<p class="bad">${reading.grammatical ? "grammatical, but not valid" : "not grammatical"}: ${reading.reason}</p>`;
}

function tags(concepts: readonly string[]): Html[] {
  return concepts.map((concept) => html`<span class="tag">${concept}</span>`);
}

function count(value: number): string {
  return value.toLocaleString("en");
}
