/** A judge model for `promptcot filter`: opens a server, asks it whether problems are well posed, keeps every answer in the ledger. */
import { PromptCotError } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import { contentId, type Json } from "../core/hash.ts";
import { type Judgement, judgeProblems } from "../curate/filter/judge.ts";
import { openLedger } from "../journal/ledger.ts";
import { openai } from "../lm/openai/backend.ts";
import { numberOption } from "./curating.ts";

export interface JudgeOptions {
  judgeUrl?: string;
  judgeModel?: string;
  judgeVersion?: string;
  judgeKeyEnv?: string;
  judgeContext: string;
  ledger: string;
}

export interface OpenJudge {
  /** What shapes its answers. */
  identity: Json;
  /** [problem] its judgement. */
  judge(problems: readonly string[]): Promise<Judgement[]>;
  close(): Promise<void>;
}

/** Room for a short thought before the one word. */
const MAX_TOKENS = 2048;

/** The judge that the options name; undefined without one. @throws PromptCotError `config`/`missing-option` */
export async function openJudge(options: JudgeOptions, call: CallOptions): Promise<OpenJudge | undefined> {
  const { judgeUrl: url, judgeModel: model, judgeVersion: version = model, judgeKeyEnv, ledger: folder } = options;
  if (url === undefined && model === undefined) return undefined;
  if (url === undefined || model === undefined || version === undefined) {
    throw new PromptCotError({
      boundary: "config",
      code: "missing-option",
      message: "a judge needs both --judge-url and --judge-model",
      next: "add the other one and run the command again",
    });
  }
  const ledger = await openLedger(folder);
  const key = judgeKeyEnv === undefined ? { kind: "none" as const } : { kind: "env" as const, name: judgeKeyEnv };
  const weights = { kind: "pinned" as const, version, provider: new URL(url).host };
  const contextLength = numberOption("--judge-context", options.judgeContext, { min: 2, max: 1e8, integer: true });
  const backend = openai({ url, model, dialect: "generic", weights, key, contextLength }, { exchange: ledger });
  const opened = await backend.open(backend.pinned as NonNullable<typeof backend.pinned>, call);
  const { sampler } = opened;
  if (sampler === undefined) throw new Error("a backend that was opened to sample offers no sampler");
  return {
    identity: { model, version, provider: weights.provider },
    async judge(problems) {
      const found: Judgement[] = [];
      const asked = problems.map((problem, i) => ({ id: String(i), problem }));
      const seedOf = (id: string) => Number.parseInt(contentId(["judge", problems[Number(id)] ?? ""]).slice(0, 8), 16);
      const settings = { maxTokens: MAX_TOKENS, temperature: 0, seedOf };
      for await (const { id, ...judgement } of judgeProblems(sampler, asked, settings, { signal: call.signal }))
        found[Number(id)] = judgement;
      return found;
    },
    async close() {
      await opened.close();
      await ledger.close();
    },
  };
}

/** Why a judged problem goes: only one that is called well posed stays. */
export function judgedAs(judgement: Judgement): { filter: string; reason: string } | undefined {
  switch (judgement.judgement) {
    case "well-posed":
      return undefined;
    case "ill-posed":
      return { filter: "judge", reason: "the judge calls it ill-posed" };
    case "unknown":
      return { filter: "judge-unknown", reason: judgement.reason };
    default:
      return judgement satisfies never;
  }
}
