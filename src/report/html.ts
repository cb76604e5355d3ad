/** The report of a run: one self-contained HTML file, light and dark, without network. All its numbers are in `summary.json` too. */
import { join } from "node:path";
import { writeFileAtomic } from "../journal/files.ts";
import { pricesOf } from "../recipes/session.ts";
import { emSection, fixed, percent } from "./em-section.ts";
import { evaluationSection } from "./evaluation-section.ts";
import { evaluationsOf } from "./evaluations.ts";
import { type ReportMaterial, reportMaterial } from "./material.ts";
import { type Html, html, page } from "./page.ts";
import { selfPlaySection } from "./selfplay-section.ts";
import { synthesisSection } from "./synthesis-section.ts";
import { usageSection } from "./usage-section.ts";

/** Writes `report.html` into the run folder, from what the run has so far. */
export async function writeReport(folder: string): Promise<void> {
  const material = await reportMaterial(folder);
  const body = html`${head(material)}${emSection(material)}${synthesisSection(material)}${selfPlaySection(material)}${evaluationSection(await evaluationsOf(folder))}${usageSection(material.usage, pricesOf(material.config))}${colophon(material)}`;
  await writeFileAtomic(join(folder, "report.html"), page("PromptCoT report", body));
}

function head(material: ReportMaterial): Html {
  const { config, summary } = material;
  const what =
    config.recipe === "pocket"
      ? `${config.seeds.count.toLocaleString("en")} pocket problems, annotated by ${list(config.seeds.annotators)}`
      : `seeds from ${config.seeds.file}`;
  return html`<h1>From concepts to problems</h1>
<p class="soft">${what}; scale ${config.scale}, seed ${config.seed}; ${minutes(summary.seconds)} on ${config.engine.threads}
${config.engine.threads === 1 ? "thread" : "threads"}.</p>
${few(material)}<div class="cards">${cards(material)}</div>${gate(material)}`;
}

/** Below this many triples the one independent attempt at the loop saw models collapse; its author reckons with 12 to 20 thousand. */
const FEW = 1000;

function few({ config, summary: { annotations } }: ReportMaterial): Html {
  if (config.recipe !== "seeds" || "from" in config.model || annotations.triples >= FEW) return html``;
  return html`<p>A model trained from scratch on ${annotations.triples} triples shows that everything works. It is no result: read the numbers
below as a check of the plumbing.</p>`;
}

function cards({ summary }: ReportMaterial): Html[] {
  const [first, last] = [summary.em.rounds[0], summary.em.rounds.at(-1)];
  const { synthesis } = summary;
  const card = (value: string, text: string) => html`<div class="card"><b>${value}</b><span>${text}</span></div>`;
  const shares: [number | null, string][] = [
    [synthesis.grammatical, "of the problems asked for are grammatical"],
    [synthesis.allConcepts, "use all the concepts asked for"],
    [synthesis.valid, "have exactly one true answer"],
    [synthesis.novel, "are unlike every seed"],
  ];
  return [
    ...(first && last
      ? [card(`${fixed(first.elbo, 1)} → ${fixed(last.elbo, 1)}`, "ELBO on dev, nats, cold start → EM")]
      : []),
    ...(synthesis.asked > 0
      ? shares.flatMap(([share, text]) => (share === null ? [] : [card(percent(share), text)]))
      : []),
  ];
}

function gate({ summary: { coldStart } }: ReportMaterial): Html {
  if (coldStart === null) return html``;
  const { xNll, xNllBare, xNllPerToken, bound, passed } = coldStart;
  return html`<p class="${passed ? "soft" : "bad"}">Cold start: a dev problem costs ${fixed(xNll)} nats given its annotator’s rationale
(${fixed(xNllPerToken, 3)} per token; the gate is ${bound}: ${passed ? "passed" : "not passed, so what follows is to be read with care"}),
and ${fixed(xNllBare)} without one.</p>`;
}

function colophon({ config, versions, summary }: ReportMaterial): Html {
  return html`<h2>How it was made</h2>
<details><summary>time by part</summary><pre>${summary.acts.map(({ act, seconds }) => `${act.padEnd(30)} ${seconds.toFixed(1)} s`).join("\n")}</pre></details>
<details><summary>configuration</summary><pre>${JSON.stringify(config, null, 2)}</pre></details>
<p class="soft">${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(" · ")}</p>`;
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function minutes(seconds: number): string {
  return seconds < 90 ? `${seconds.toFixed(0)} seconds` : `${(seconds / 60).toFixed(1)} minutes`;
}
