/** `promptcot report RUN`: writes the report and the summary anew, from what the run has so far. */
import { resolve } from "node:path";
import { Command } from "commander";
import { readAnyRun, writesProblems } from "../recipes/run-config.ts";
import { writeSummary } from "../recipes/summary.ts";
import { writeReport } from "../report/html.ts";
import { writeSolverReport } from "../report/solver-report.ts";
import { solverTable, summaryTable } from "./table.ts";

export function reportCommand(): Command {
  return new Command("report")
    .description("write report.html and summary.json anew, from what the run has so far")
    .argument("<run>", "run folder")
    .action(async (folder: string) => {
      process.stdout.write(`${await written(folder)}\nreport: ${resolve(folder, "report.html")}\n`);
    });
}

async function written(folder: string): Promise<string> {
  const { config } = await readAnyRun(folder);
  if (!writesProblems(config)) return solverTable(await writeSolverReport(folder));
  const summary = await writeSummary(folder);
  await writeReport(folder);
  return summaryTable(summary);
}
