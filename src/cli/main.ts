/** The command line: finds the command, and turns what went wrong into a message and an exit code. */
import { Command, CommanderError } from "commander";
import { nearest, PromptCotError, Stopped } from "../core/errors.ts";
import { storageError } from "../journal/files.ts";
import { versions } from "../recipes/session.ts";
import { calibrateCommand } from "./calibrate.ts";
import { compareCommand } from "./compare.ts";
import { decontaminateCommand } from "./decontaminate.ts";
import { dedupCommand } from "./dedup.ts";
import { demoCommand } from "./demo.ts";
import { doctorCommand } from "./doctor.ts";
import { evalCommand } from "./eval.ts";
import { explainCommand } from "./explain.ts";
import { exportCommand } from "./export.ts";
import { exportGgufCommand } from "./export-gguf.ts";
import { filterCommand } from "./filter.ts";
import { gradeCommand } from "./grade.ts";
import { initCommand } from "./init.ts";
import { ledgerCommand } from "./ledger.ts";
import { planCommand } from "./plan.ts";
import { pushCommand } from "./push.ts";
import { reportCommand } from "./report.ts";
import { runCommand } from "./run.ts";
import { sampleConceptsCommand } from "./sample-concepts.ts";
import { statusCommand } from "./status.ts";

/** What the process's exit code says. Documented in the README. */
export const exitCodes = {
  done: 0,
  /** A bug of ours. */
  bug: 1,
  /** The command line or the config is wrong. */
  usage: 2,
  /** The input data cannot be used. */
  data: 3,
  /** Disk, server, trainer, sandbox or machine refused. */
  environment: 4,
  /** An alarm or a budget stopped the run. */
  stopped: 5,
  /** Ctrl-C; 128 + SIGINT, as shells have it. */
  interrupted: 130,
} as const;

const commands = {
  "Making problems:": [
    ...[demoCommand, initCommand, planCommand, runCommand, statusCommand, reportCommand, explainCommand, doctorCommand],
  ],
  "Judging models:": [evalCommand, compareCommand, gradeCommand],
  "Curating any file:": [dedupCommand, decontaminateCommand, filterCommand, sampleConceptsCommand, calibrateCommand],
  "Handing on:": [exportCommand, exportGgufCommand, pushCommand, ledgerCommand],
};

const exitCodesHelp = `
Exit codes: 0 done · 1 a bug of ours · 2 command line or config · 3 data ·
4 disk, server or machine · 5 stopped by an alarm or a budget · 130 interrupted`;

/** Runs one command; never throws. */
export async function main(args: readonly string[]): Promise<number> {
  // A reader that has seen enough (`| head`) closes the pipe: no reason to complain, nor to end a run.
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.listenerCount("error") === 0) stream.on("error", () => undefined);
  }
  const program = new Command("promptcot")
    .description(
      "PromptCoT 2.0: synthesise hard, sound and varied training problems, and use them to improve language models.",
    )
    .version((await versions()).promptcot ?? "unknown")
    .showHelpAfterError("(run with --help for the options)")
    .addHelpText("after", exitCodesHelp)
    .exitOverride();
  for (const [group, members] of Object.entries(commands)) {
    for (const command of members) program.addCommand(inheritErrors(command()).helpGroup(group));
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCodes.done;
  } catch (error) {
    return explain(error);
  }
}

/** Subcommands throw rather than exit, too. */
function inheritErrors(command: Command): Command {
  command
    .exitOverride()
    .showHelpAfterError("(run with --help for the options)")
    .configureOutput({ outputError: (text, write) => write(misspelt(command, text) ?? text) });
  for (const child of command.commands) inheritErrors(child);
  return command;
}

/** Where a required option is missing because its name was misspelt, the name that was given says more than the one that was not. */
function misspelt(command: Command, complaint: string): string | undefined {
  if (!complaint.startsWith("error: required option")) return undefined;
  const known = command.options.flatMap(({ long }) => long ?? []);
  const given = command.args.map((arg) => arg.replace(/=.*/s, ""));
  const unknown = given.find((name) => name.startsWith("--") && !known.includes(name));
  if (unknown === undefined) return undefined;
  const guess = nearest(unknown, known);
  return `error: unknown option '${unknown}'\n${guess === undefined ? "" : `(Did you mean ${guess}?)\n`}`;
}

function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error instanceof Stopped) {
    console.error(`\n${error.message}\n→ ${error.next}`);
    return error.reason === "interrupted" ? exitCodes.interrupted : exitCodes.stopped;
  }
  if (error instanceof PromptCotError) {
    console.error(`\n${error.message}${error.next === undefined ? "" : `\n→ ${error.next}`}`);
    return codeOf(error.boundary);
  }
  const refused = storageError(error, pathOf(error) ?? "a file", "use");
  if (refused instanceof PromptCotError) return explain(refused);
  const stack = error instanceof Error ? error.stack : String(error);
  console.error(`\nThis is a bug in promptcot; nothing on disk is lost. Please report it with what follows.\n${stack}`);
  return exitCodes.bug;
}

/** The file that the system refused, as Node's errors name it. */
function pathOf(error: unknown): string | undefined {
  return error instanceof Error && "path" in error && typeof error.path === "string" ? error.path : undefined;
}

function codeOf(boundary: PromptCotError["boundary"]): number {
  switch (boundary) {
    case "config":
      return exitCodes.usage;
    case "data":
      return exitCodes.data;
    case "storage":
    case "backend":
    case "trainer":
    case "sandbox":
    case "environment":
      return exitCodes.environment;
    default:
      return boundary satisfies never;
  }
}
