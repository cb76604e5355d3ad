/** A whole evaluation in a folder of its own: finds the model, evaluates it on each benchmark, and leaves `eval.json`. */
import { basename, resolve } from "node:path";
import type { Family } from "../benchmarks/families.ts";
import type { Loaded } from "../benchmarks/load.ts";
import type { CallOptions } from "../core/events.ts";
import { rng } from "../core/rng.ts";
import type { ProfileName } from "../domains/math/index.ts";
import { inline } from "../exec/inline.ts";
import { openRun } from "../journal/run.ts";
import type { StageContext } from "../stages/stage.ts";
import { type Account, openAccount } from "./account.ts";
import { type CandidateSource, findCandidate, nameOf } from "./candidate.ts";
import { type EvalResult, evalSoFar, writeEval } from "./eval-file.ts";
import { type Candidate, type EvaluationSettings, evaluateBenchmark } from "./evaluation.ts";
import { graders } from "./graders.ts";
import { pricesOf, sharedLedger, versions } from "./session.ts";

export interface EvaluationRun {
  folder: string;
  source: CandidateSource;
  loaded: readonly Loaded[];
  settings: EvaluationSettings;
  seed: number;
  /** How problems are worded; told by the model's own files if left out. */
  family: Family | undefined;
  /** Whose policy decides on math. */
  profile: ProfileName;
}

/** Starts an evaluation or goes on with it; benchmarks that the folder holds of the same model already stay. */
export async function runEvaluation(plan: EvaluationRun, call: CallOptions): Promise<EvalResult> {
  const { folder, source, seed } = plan;
  const run = await openRun(folder, {
    // Attempts are named by all that makes them, so that none can be taken for another: nothing else need be the same.
    ...{ config: { eval: basename(resolve(nameOf(source))) }, free: ["config", "versions", "threads"] },
    ...{ seed, versions: await versions(), threads: 1, inputs: [] },
    ...call,
  });
  const context = { folder, rng: rng(seed), executor: inline(), ...call };
  const prices = source.kind === "backend" ? pricesOf(source.config) : new Map();
  try {
    const account = await openAccount({ folder, prices, budget: {}, now: Date.now, onLimit: () => undefined });
    try {
      return await evaluateAll(plan, context, account);
    } finally {
      account.close();
    }
  } finally {
    await run.close();
  }
}

async function evaluateAll(
  { folder, source, loaded, settings, seed, family, profile }: EvaluationRun,
  context: StageContext,
  account: Account,
): Promise<EvalResult> {
  const ledger = sharedLedger("ledger");
  const grading = graders({ profile });
  let ended = () => Promise.resolve();
  try {
    const { candidate, close } = await findCandidate(source, { context, ledger, account }, family);
    ended = close;
    const { promptcot = "unknown" } = await versions();
    const model = { name: candidate.name, checkpoint: candidate.checkpoint.hash, family: candidate.family };
    let result = await evalSoFar(folder, { format: 1, promptcot, model, seed });
    for (const benchmark of loaded) {
      context.onEvent?.({ kind: "note", message: headline(benchmark, candidate) });
      const scored = await evaluateBenchmark(context, candidate, benchmark, grading, settings);
      result = { ...result, benchmarks: [...result.benchmarks.filter(({ name }) => name !== scored.name), scored] };
      await writeEval(folder, result);
    }
    return result;
  } finally {
    await ended();
    await grading.close();
    await ledger.close();
  }
}

/** What is about to be attempted, and whether these are the known problems. */
function headline({ benchmark, tasks, content, pinned, file }: Loaded, { family }: Candidate): string {
  const known = pinned === undefined ? "unpinned: not the problems known under this name" : `pinned: ${pinned}`;
  const origin = file === undefined ? "" : `, from ${file.origin}`;
  return `${benchmark.title}: ${tasks.length} problems${origin}, content ${content.slice(0, 12)} (${known}); prompts: ${family}`;
}
