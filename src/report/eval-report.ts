/** The report of one evaluation: one self-contained HTML file beside `eval.json`, light and dark, without network. */
import { join } from "node:path";
import { writeFileAtomic } from "../journal/files.ts";
import type { EvalResult } from "../recipes/eval-file.ts";
import { evaluationSection } from "./evaluation-section.ts";
import { html, page } from "./page.ts";

/** Writes `report.html` into the evaluation's folder and returns its path. */
export async function writeEvalReport(folder: string, result: EvalResult): Promise<string> {
  const { model, seed, promptcot } = result;
  const name = model.name.split("/").at(-1) ?? model.name;
  const body = html`<h1>${name}</h1>
<p class="soft">${model.name}; checkpoint <code>${model.checkpoint.slice(0, 12)}</code>, prompts ${model.family}, seed ${seed}, promptcot ${promptcot}.</p>
${evaluationSection({ evals: [{ name, result }], unreadable: [] })}`;
  const path = join(folder, "report.html");
  await writeFileAtomic(path, page(`Evaluation of ${name}`, body));
  return path;
}
