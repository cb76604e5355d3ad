/** `promptcot ledger stats | why | gc | take`: looks into the store of raw model answers, tidies it, and hands parts of it on. */
import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { messageOf, PromptCotError } from "../core/errors.ts";
import { exists } from "../journal/files.ts";
import { RequestKey } from "../journal/ledger.ts";
import { copyPart, type GcReport, ledgerGc } from "../journal/ledger-gc.ts";
import { type LedgerStats, ledgerStats } from "../journal/ledger-stats.ts";
import { partFolder, usedBy } from "../journal/ledger-used.ts";
import { ledgerWhy, type Why } from "../journal/ledger-why.ts";
import { readManifest } from "../journal/run.ts";

const DAY_MS = 86_400_000;

export function ledgerCommand(): Command {
  const ledger = new Command("ledger").description(
    "raw model answers that were paid for: what there is, and why a request missed",
  );
  ledger
    .command("stats")
    .description("count answers by model and endpoint, repeated and rejected ones, and bytes")
    .option("--ledger <folder>", "the ledger's folder", "ledger")
    .option("--json", "print one JSON object")
    .action(async (options: { ledger: string; json?: boolean }) => {
      await needLedger(options.ledger);
      const stats = await ledgerStats(options.ledger);
      print(options.json ? JSON.stringify(stats, null, 2) : statsText(stats));
    });
  ledger
    .command("why")
    .description("say which field of a request differs from the nearest entry")
    .argument("<request>", "beginning of a request's id (8 digits or more), or a JSON file that holds the request")
    .option("--ledger <folder>", "the ledger's folder", "ledger")
    .option("--json", "print one JSON object")
    .action(async (request: string, options: { ledger: string; json?: boolean }) => {
      const asked = await readRequest(request);
      await needLedger(options.ledger);
      const why = await ledgerWhy(options.ledger, asked);
      print(options.json ? JSON.stringify(why, null, 2) : whyText(why));
    });
  ledger
    .command("gc")
    .description("merge segments that nobody writes; drop rejected and repeated answers")
    .option("--ledger <folder>", "the ledger's folder", "ledger")
    .option("--model <identity...>", "drop all answers of these models")
    .option("--older-than <days>", "drop answers older than this many days", parseDays)
    .option("--dry-run", "only count what would go")
    .action(async (options: { ledger: string; model?: string[]; olderThan?: number; dryRun?: boolean }) => {
      await needLedger(options.ledger);
      const now = Date.now();
      const report = await ledgerGc(options.ledger, {
        name: now.toString(36),
        ...(options.model ? { models: options.model } : {}),
        ...(options.olderThan === undefined ? {} : { before: now - options.olderThan * DAY_MS }),
        ...(options.dryRun ? { dryRun: true } : {}),
      });
      print(gcText(report, options.dryRun ?? false));
    });
  ledger
    .command("take")
    .description(
      "copy the answers that a run used into its folder, which then is complete: it can be moved and gone on with",
    )
    .argument("<run>", "run folder")
    .option("--ledger <folder>", "the ledger's folder", "ledger")
    .action(async (run: string, options: { ledger: string }) => {
      await needRun(run);
      await needLedger(options.ledger);
      const used = await usedBy(run);
      const report = await copyPart(options.ledger, partFolder(run), Date.now().toString(36), used);
      print(
        `${partFolder(run)}: ${count(report.kept, "answer")} to ${count(used.size, "request")}, ${megabytes(report.bytesAfter)}`,
      );
    });
  return ledger;
}

async function needLedger(folder: string): Promise<void> {
  if (await exists(folder)) return;
  throw new PromptCotError({
    boundary: "data",
    code: "no-ledger",
    message: `there is no ledger in ${folder}: no server was asked from this folder`,
    next: "go to the folder that the runs were started in, or name the ledger with --ledger",
  });
}

async function needRun(folder: string): Promise<void> {
  if ((await readManifest(folder)) !== undefined) return;
  throw new PromptCotError({
    boundary: "data",
    code: "no-run",
    message: `there is no run in ${folder}`,
    next: "name the folder of a run, such as runs/NAME",
  });
}

function parseDays(text: string): number {
  const days = Number(text);
  if (Number.isFinite(days) && days >= 0) return days;
  throw badArgument(`--older-than wants a number of days, not "${text}"`, "give a number such as 30");
}

async function readRequest(request: string): Promise<string | RequestKey> {
  if (/^[0-9a-f]{8,32}$/.test(request)) return request;
  let json: unknown;
  try {
    json = JSON.parse(await readFile(request, "utf8"));
  } catch (error) {
    const next = "give the beginning of an id (8 or more of 0-9a-f), or a file that holds the request as JSON";
    throw badArgument(`"${request}" is neither a request's id nor a readable JSON file: ${messageOf(error)}`, next);
  }
  const parsed = RequestKey.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw badArgument(
    `${request}: ${issue?.path.join(".") || "request"}: ${issue?.message ?? "invalid"}`,
    "a request has endpoint, model, prompt, parameters, seed and sample",
  );
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function badArgument(message: string, next: string): PromptCotError {
  return new PromptCotError({ boundary: "config", code: "bad-argument", message, next });
}

function statsText(stats: LedgerStats): string {
  const lines = [
    `${stats.folder}: ${count(stats.answers, "answer")}, ${megabytes(stats.bytes)} in ${count(stats.segments, "segment")}`,
    ...stats.groups.map(
      (group) =>
        `  ${group.endpoint}  ${group.model}: ${count(group.answers, "answer")}, ${megabytes(group.bytes)}, ${day(group.first)} to ${day(group.last)}`,
    ),
  ];
  if (stats.repeated > 0) lines.push(`${count(stats.repeated, "answer")} to a request that had one already`);
  if (stats.torn > 0) lines.push(`${stats.torn} bytes of unfinished lines; the next writer cuts them off`);
  for (const { reason, count: times } of stats.rejected) lines.push(`rejected ${times} ×: ${reason}`);
  return lines.join("\n");
}

function whyText(why: Why): string {
  const lines = [
    why.answered === undefined
      ? `request ${why.key} is not in the ledger`
      : `request ${why.key} was answered ${new Date(why.answered).toISOString()}`,
  ];
  if (why.nearest === undefined) return [...lines, "there is no other entry to compare with"].join("\n");
  lines.push(`nearest entry: ${why.nearest.key}, kept ${new Date(why.nearest.at).toISOString()}; it differs in`);
  for (const { field, asked, kept } of why.nearest.differences) lines.push(`  ${field}: asked ${asked}; kept ${kept}`);
  return lines.join("\n");
}

function gcText(report: GcReport, dryRun: boolean): string {
  const { dropped } = report;
  const gone = `${dropped.rejected} rejected, ${dropped.repeated} repeated, ${dropped.models} of dropped models, ${dropped.old} old`;
  const lines = [
    `${dryRun ? "would merge" : "merged"} ${count(report.merged, "segment")}: ${count(report.kept, "answer")} kept; dropped: ${gone}`,
    `${megabytes(report.bytesBefore)} before, ${megabytes(report.bytesAfter)} after`,
  ];
  if (report.skipped > 0) lines.push(`${count(report.skipped, "segment")} left alone: a process is writing there`);
  return lines.join("\n");
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
