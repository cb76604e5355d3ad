/** `promptcot status RUN`: where a run stands. Reads only; needs no lock. */
import { Command } from "commander";
import { PromptCotError } from "../core/errors.ts";
import { isLocked } from "../journal/lock.ts";
import { type RunStatus, readManifest, readStatus } from "../journal/run.ts";
import { duration } from "./progress.ts";
import { budgetLines, spendLine } from "./spend.ts";

export function statusCommand(): Command {
  return new Command("status")
    .description("where a run stands")
    .argument("<run>", "run folder")
    .option("--json", "as JSON, for programs")
    .action(async (folder: string, options: { json?: boolean }) => {
      const [manifest, status] = [await readManifest(folder), await readStatus(folder)];
      if (manifest === undefined) {
        throw new PromptCotError({
          boundary: "data",
          code: "no-run",
          message: `there is no run in ${folder}`,
          next: "name the folder that `promptcot run` or `promptcot demo` wrote",
        });
      }
      const live = await isLocked(folder);
      if (options.json) {
        const told = status === undefined ? null : { ...status, state: stateOf(status, live) };
        process.stdout.write(`${JSON.stringify({ folder, live, status: told }, null, 2)}\n`);
        return;
      }
      if (status === undefined) {
        process.stdout.write(`${folder}: ${live ? "starting" : words.killed}\n`);
        return;
      }
      const { stage, done, total, unit, started, updated, alarms, said, spend, budget = {} } = status;
      const progress = total > 0 ? `, ${done.toLocaleString("en")} of ${total.toLocaleString("en")} ${unit}` : "";
      const age = duration((Date.now() - Date.parse(updated)) / 1000);
      process.stdout.write(
        `${folder}: ${words[stateOf(status, live)]}\n` +
          (status.state === "done" ? "" : `  at ${stage}${progress}\n`) +
          `  started ${started}, last heard of ${age} ago\n`,
      );
      if (said !== undefined && !alarms.includes(said)) process.stdout.write(`  last said: ${said}\n`);
      const asked = spend === undefined ? undefined : spendLine(spend);
      if (asked !== undefined) process.stdout.write(`  asked: ${asked}\n`);
      if (spend !== undefined) {
        for (const line of budgetLines(spend, budget)) process.stdout.write(`  budget: ${line}\n`);
      }
      for (const alarm of alarms) process.stdout.write(`  ${alarm}\n`);
    });
}

/** A process that was killed cannot say so: its last word is "running", and nobody holds the run's lock. */
function stateOf({ state }: RunStatus, live: boolean): RunStatus["state"] | "killed" {
  return state === "running" && !live ? "killed" : state;
}

const words: Record<RunStatus["state"] | "killed", string> = {
  running: "running",
  done: "done",
  stopped: "stopped; the command that started it goes on",
  failed: "ended by an error; the command that started it goes on once the cause is mended",
  killed: "its process was killed; the command that started it goes on",
};
