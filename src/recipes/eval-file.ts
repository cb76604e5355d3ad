/** What an evaluation leaves: `eval.json`, its schema, and how it is read, added to and written. Evaluates nothing. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ProblemAttempts, Scores } from "../analyses/scores.ts";
import { messageOf, PromptCotError } from "../core/errors.ts";
import { errnoOf, exists, writeFileAtomic } from "../journal/files.ts";

const RatingRecord = z.strictObject({
  rating: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  from: z.number().int(),
});

/** Codeforces ratings from at most `attempts` tries at a problem; null where the data does not allow them. */
export const EloRecord = z.strictObject({
  attempts: z.number().int(),
  /** By maximum likelihood against the problems' ratings; `from` counts problems. */
  problems: RatingRecord.nullable(),
  /** By the CodeElo protocol against standings; `from` counts contests. */
  contests: RatingRecord.nullable(),
});
export type EloRecord = z.infer<typeof EloRecord>;

export const BenchmarkResult = z.strictObject({
  name: z.string(),
  title: z.string(),
  data: z.strictObject({
    /** Hash of all the problems of the source, whatever part of them was attempted. */
    content: z.string(),
    /** Where these very problems are known from; null if they are not. */
    pinned: z.string().nullable(),
    origin: z.string().nullable(),
    sha256: z.string().nullable(),
    /** Only so many of the first problems were attempted; null for all. */
    limit: z.number().int().nullable(),
  }),
  settings: z.strictObject({
    samples: z.number().int(),
    temperature: z.number(),
    topP: z.number(),
    maxTokens: z.number().int(),
    grader: z.string(),
  }),
  metric: z.enum(["average", "elo"]),
  scores: Scores,
  /** Why attempts got no answer, the most frequent reasons first. */
  failures: z.array(z.strictObject({ reason: z.string(), count: z.number().int() })),
  elo: EloRecord.nullable(),
  problems: z.array(ProblemAttempts),
});
export type BenchmarkResult = z.infer<typeof BenchmarkResult>;

export const EvalResult = z.strictObject({
  format: z.literal(1),
  promptcot: z.string(),
  model: z.strictObject({
    name: z.string(),
    /** Hash of the checkpoint, or what stands for a hosted model's version. */
    checkpoint: z.string(),
    family: z.string(),
  }),
  seed: z.number().int(),
  benchmarks: z.array(BenchmarkResult),
});
export type EvalResult = z.infer<typeof EvalResult>;

/** The evaluation in a folder, or in a file. @throws PromptCotError `data`/`no-eval` */
export async function readEval(path: string): Promise<EvalResult> {
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() === true;
  const file = isFolder ? join(path, "eval.json") : path;
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw unreadable(file, errnoOf(cause) === "ENOENT" ? "there is no such file" : messageOf(cause), cause);
  }
  const parsed = EvalResult.safeParse(jsonOf(text));
  if (!parsed.success) throw unreadable(file, z.prettifyError(parsed.error), parsed.error);
  return parsed.data;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreadable(file: string, why: string, cause: unknown): PromptCotError {
  return new PromptCotError({
    boundary: "data",
    code: "no-eval",
    message: `cannot read an evaluation from ${file}: ${why}`,
    next: "name what `promptcot eval` wrote",
    cause,
  });
}

/**
 * What a folder holds of a model so far, to be added to: nothing where there is no evaluation yet.
 * @throws PromptCotError `config`/`other-eval` if it is of another model, or was seeded or worded otherwise
 */
export async function evalSoFar(folder: string, wanted: Omit<EvalResult, "benchmarks">): Promise<EvalResult> {
  if (!(await exists(join(folder, "eval.json")))) return { ...wanted, benchmarks: [] };
  const found = await readEval(folder);
  const differences = [
    ["model", found.model.checkpoint, wanted.model.checkpoint],
    ["prompts", found.model.family, wanted.model.family],
    ["seed", found.seed, wanted.seed],
  ].filter(([, a, b]) => a !== b);
  if (differences.length === 0) return { ...wanted, benchmarks: found.benchmarks };
  throw new PromptCotError({
    boundary: "config",
    code: "other-eval",
    message: `${folder} holds another evaluation: ${differences.map(([what, a, b]) => `${what} ${a}, not ${b}`).join("; ")}`,
    next: "evaluate into another folder with --out",
  });
}

/** Writes the results so far. */
export async function writeEval(folder: string, result: EvalResult): Promise<string> {
  const path = join(folder, "eval.json");
  await writeFileAtomic(path, `${JSON.stringify(EvalResult.parse(result), null, 1)}\n`);
  return path;
}
