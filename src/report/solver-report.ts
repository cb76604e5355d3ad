/** The report of a post-training run: one self-contained HTML file, without network. All its numbers are in `summary.json` too. */
import { join } from "node:path";
import { writeFileAtomic } from "../journal/files.ts";
import { type SolverSummary, writeSolverSummary } from "../recipes/solver-summary.ts";
import { evaluationSection } from "./evaluation-section.ts";
import { evaluationsOf } from "./evaluations.ts";
import { duels } from "./material.ts";
import { type Html, html, page, table } from "./page.ts";
import { selfPlaySection } from "./selfplay-section.ts";

/** Writes `summary.json` and `report.html` into the run folder. */
export async function writeSolverReport(folder: string): Promise<SolverSummary> {
  const summary = await writeSolverSummary(folder);
  const body = html`<h1>Post-training: ${summary.recipe}</h1><p class="soft">scale ${summary.scale}, seed ${summary.seed}</p>
${selfPlaySection({ summary, duels: await duels(folder) })}${distillation(summary)}${evaluationSection(await evaluationsOf(folder))}`;
  await writeFileAtomic(join(folder, "report.html"), page("PromptCoT report", body));
  return summary;
}

function distillation({ distillation: found }: SolverSummary): Html {
  if (found === null) return html``;
  const { traces, kept, rejected, meanTokens, training } = found;
  const rows = Object.entries(rejected).sort((a, b) => b[1] - a[1]);
  return html`<h2>Distillation</h2><p>${kept} of ${traces} traces were taught, ${meanTokens.toFixed(0)} tokens each${
    training !== null && html`, in ${training.steps} steps`
  }.</p>${rows.length > 0 && table(["why the others were not", "traces"], rows)}`;
}
