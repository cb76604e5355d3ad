/** `promptcot push`: publishes an exported folder on the Hugging Face Hub. Shows the plan first; sends only with --yes. */
import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { PromptCotError } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import { type PushPlan, type PushTarget, planPush, push } from "../curate/export/push.ts";
import { withDisplay } from "./curating.ts";
import { aligned } from "./table.ts";

interface Options {
  repo: string;
  yes?: boolean;
  public?: boolean;
  tokenEnv: string;
  tokenFile?: string;
  hubUrl?: string;
}

export function pushCommand(): Command {
  return new Command("push")
    .description("publish an exported folder on the Hugging Face Hub; without --yes it only shows what it would do")
    .argument("<folder>", "what promptcot export wrote")
    .requiredOption("--repo <owner/name>", "the data set")
    .option("--yes", "carry the plan out")
    .option("--public", "create the data set in public (default: private)")
    .option("--token-env <name>", "environment variable that holds the token", "HF_TOKEN")
    .option("--token-file <file>", "file that holds the token")
    .option("--hub-url <url>", "another Hub")
    .action((folder: string, options: Options) => withDisplay("push", (call) => run(folder, options, call)));
}

async function run(folder: string, options: Options, call: CallOptions): Promise<void> {
  const target: PushTarget = {
    repo: options.repo,
    token: await tokenOf(options),
    private: options.public !== true,
    ...(options.hubUrl === undefined ? {} : { hubUrl: options.hubUrl }),
  };
  const plan = await planPush(folder, target);
  process.stdout.write(`${planText(plan, options)}\n`);
  if (!plan.creates && plan.files.every(({ action }) => action === "held")) {
    process.stdout.write("everything is there already: nothing to send\n");
    return;
  }
  if (!options.yes) {
    process.stdout.write("nothing was sent; run the same command with --yes to carry this out\n");
    return;
  }
  const sent = await push(folder, plan, target, call);
  process.stdout.write(`${sent} ${sent === 1 ? "file" : "files"} sent to ${options.repo}\n`);
}

function planText({ creates, files }: PushPlan, { repo, public: open }: Options): string {
  const rows = files.map(({ path, bytes, action }) => [path, `${bytes.toLocaleString("en")} bytes`, action]);
  return `${creates ? `create the ${open ? "public" : "private"} data set ${repo}\n` : ""}${aligned(rows)}`;
}

async function tokenOf({ tokenEnv, tokenFile }: Options): Promise<string> {
  const token =
    tokenFile === undefined ? process.env[tokenEnv] : (await readFile(tokenFile, "utf8").catch(() => "")).trim();
  if (token !== undefined && token !== "") return token;
  throw new PromptCotError({
    boundary: "config",
    code: "no-token",
    message: `there is no token in ${tokenFile ?? `the environment variable ${tokenEnv}`}`,
    next: "make one with write permission in your settings on the Hub, and put it there",
  });
}
