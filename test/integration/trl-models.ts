/** Small models and rows for the tests of trainers, and their scores by two engines. Holds no tests. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Checkpoint, DpoJob, SftJob, TokenIds, Tokenizer } from "../../src/lm/contract.ts";
import type { Embedded } from "../../src/lm/embedded/index.ts";
import { optimization, sums, untrained } from "../../src/lm/embedded/small-model.case.ts";
import type { TrlOptions } from "../../src/lm/trl/index.ts";
import { pythonJson, pythonPath } from "./python.ts";

export interface Small {
  checkpoint: Checkpoint;
  tokenizer: Tokenizer;
}

/** A Qwen3 model of 20,000 weights with a tokenizer of 273 tokens, made by the embedded engine. */
export function smallModel(folder: string): Promise<Small> {
  return untrained(folder);
}

/** Whole batches, so that the order of rows is all the same and two trainers must take the same steps. */
export function sftJob({ checkpoint, tokenizer }: Small, steps: number): Omit<SftJob, "out"> {
  return {
    from: checkpoint,
    rows: sums(tokenizer, 16),
    optimization: { ...optimization(steps), schedule: { kind: "cosine", warmupSteps: 2, floor: 0.1 } },
    ...{ optimizer: "fresh", seed: 5 },
  };
}

export function trlCpu(): TrlOptions {
  return { python: pythonPath(), cpu: true, perDeviceBatch: 8, saveEvery: 10 };
}

/** Long enough to be killed in its midst; batches of half the rows, so that their order matters. */
export function resumableJob(small: Small): Omit<SftJob, "out"> {
  const job = sftJob(small, 100);
  return { ...job, optimization: { ...job.optimization, batchSize: 8, learningRate: 1e-3 } };
}

/** Pairs of a right and a wrong sum, with the log-probabilities of a reference that is not the model that starts. */
export async function dpoJob(
  { checkpoint, tokenizer }: Small,
  reference: { engine: Embedded; checkpoint: Checkpoint },
  steps: number,
  nllWeight: number,
): Promise<Omit<DpoJob, "out">> {
  const rows = sums(tokenizer, 16).map(({ id, ids, targets }) => {
    const start = ids.findIndex((_, at) => targets[at]);
    const wrong = sums(tokenizer, 16).at(-1 - Number(id.split(" ")[1]))!;
    const from = wrong.ids.findIndex((_, at) => wrong.targets[at]);
    return { id, prompt: ids.slice(0, start), chosen: ids.slice(start), rejected: wrong.ids.slice(from) };
  });
  const pairs = rows.flatMap(({ prompt, chosen, rejected }) => [
    { prefix: prompt, completion: chosen },
    { prefix: prompt, completion: rejected },
  ]);
  const sumsOf = (await scores(reference.engine, reference.checkpoint, pairs)).map((tokens) =>
    tokens.reduce((total, value) => total + value, 0),
  );
  return {
    from: checkpoint,
    rows: rows.map((row, i) => ({
      ...row,
      reference: { chosen: sumsOf[2 * i]!, rejected: sumsOf[2 * i + 1]! },
      weight: 1,
    })),
    optimization: { ...optimization(steps), learningRate: 1e-3 },
    ...{ optimizer: "fresh", seed: 5, beta: 0.1, nllWeight },
  };
}

export interface Pair {
  prefix: TokenIds;
  completion: TokenIds;
}

/** What every row teaches, as pairs to score. */
export function pairsOf({ rows }: Pick<SftJob, "rows">): Pair[] {
  return rows.map(({ ids, targets }) => {
    const start = ids.findIndex((_, at) => targets[at]);
    return { prefix: ids.slice(0, start), completion: ids.slice(start) };
  });
}

/** Log-probabilities of each completion token by the embedded engine. */
export async function scores(engine: Embedded, checkpoint: Checkpoint, pairs: readonly Pair[]): Promise<number[][]> {
  const model = await engine.open(checkpoint);
  const found: number[][] = [];
  const requests = pairs.map((pair, i) => ({ id: String(i), ...pair }));
  for await (const result of model.scorer!.score(requests, {})) {
    if (!result.ok) throw new Error(result.reason);
    found[Number(result.id)] = [...result.logprobs];
  }
  await model.close();
  return found;
}

const TRANSFORMERS = `
import json, sys, torch
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32).eval()
if len(sys.argv) > 3:
    from peft import PeftModel
    model = PeftModel.from_pretrained(model, sys.argv[3]).eval()
out = []
for pair in json.load(open(sys.argv[2])):
    ids = torch.tensor([pair["prefix"] + pair["completion"]])
    with torch.no_grad():
        logprobs = model(ids).logits.log_softmax(-1)[0, :-1].gather(1, ids[0, 1:, None])[:, 0]
    out.append(logprobs[len(pair["prefix"]) - 1:].tolist())
print(json.dumps(out))
`;

/** The same by transformers; `adapter` is laid over the model. */
export async function transformersScores(
  folder: string,
  checkpoint: string,
  pairs: readonly Pair[],
  adapter?: string,
): Promise<number[][]> {
  const file = join(folder, "pairs.json");
  await writeFile(file, JSON.stringify(pairs));
  const args = [checkpoint, file, ...(adapter === undefined ? [] : [adapter])];
  return z.array(z.array(z.number())).parse(await pythonJson(TRANSFORMERS, args));
}

export function greatestDifference(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return Math.max(...a.flatMap((row, i) => row.map((value, j) => Math.abs(value - (b[i]?.[j] ?? Number.NaN)))));
}
