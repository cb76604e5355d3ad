/**
 * The plan of a post-training run: requests, tokens, money and time with the bounds that each should lie within, from its problems
 * and its config. Asks nobody and times nothing, so the seconds are left open.
 */
import { between, exactly, momentsOf, NOTHING } from "../analyses/estimate.ts";
import { promptFor } from "../benchmarks/families.ts";
import { contentId, type Json } from "../core/hash.ts";
import type { Text } from "../lm/contract.ts";
import { parseRows } from "../rows/parse.ts";
import { readRows } from "../rows/read.ts";
import type { Plan, PlanLine } from "./plan.ts";
import { priceOfTokens } from "./price.ts";
import { pricesOf } from "./session.ts";
import type { SolverConfig } from "./solver-config.ts";
import { TaskRow } from "./solver-tasks.ts";
import { solverWork } from "./solver-work.ts";

/** Characters that a token of a large vocabulary spells: what prompts are measured by where no tokenizer is at hand. */
const CHARACTERS = between(2.5, 3.8, 6);

export async function makeSolverPlan(config: SolverConfig): Promise<Plan> {
  const counts = await countProblems(config);
  const prices = pricesOf(config);
  const lines = solverWork(config, counts).map(({ of: _, ...work }): PlanLine => {
    const price = prices.get(work.backend);
    const cost = (at: "low" | "mid" | "high") =>
      work.kind === "train" ? 0 : priceOfTokens(price, { prompt: work.prompt[at], completion: work.completion[at] });
    const devices = price?.devices ?? 0;
    return {
      ...work,
      usd: between(cost("low"), cost("mid"), cost("high")),
      gpuHours: devices === 0 ? NOTHING : null,
      seconds: null,
    };
  });
  return {
    ...{ format: 1, config: contentId(config as Json), lines },
    probe: { items: 0, of: counts.problems, paid: 0, ledger: 0, usd: 0 },
    notes: [
      "seconds and GPU-hours are left open: nothing was asked and nothing was timed",
      "lengths of responses are bounded by the config's limits alone: run on a few problems to see what they really are",
    ],
  };
}

async function countProblems(config: SolverConfig) {
  const lengths: number[] = [];
  let unlabelled = 0;
  for await (const row of rowsOf(config.problems.file)) {
    lengths.push(lengthOf(promptFor(config.family, { kind: subjectOf(config), problem: row.problem }).text));
    if (row.answer === undefined && (row.tests ?? []).length === 0) unlabelled++;
  }
  let heldOut = 0;
  if (config.recipe !== "math-sft" && config.heldOut !== null) {
    for await (const _ of rowsOf(config.heldOut.file)) heldOut++;
  }
  const mean = lengths.length === 0 ? 0 : momentsOf(lengths).mean;
  const { low, mid, high } = CHARACTERS;
  const prompt = mean === 0 ? exactly(0) : between(mean / high, mean / mid, mean / low);
  return { problems: lengths.length, unlabelled, heldOut, prompt };
}

const subjectOf = ({ recipe }: SolverConfig) => (recipe === "code-selfplay" ? "program" : "math");

async function* rowsOf(file: string) {
  const options = { strict: false, onReject: () => undefined };
  for await (const { value } of parseRows(readRows(file, options), TaskRow, options)) yield value;
}

function lengthOf(text: Text): number {
  switch (text.kind) {
    case "ids":
      return text.ids.length;
    case "text":
      return text.text.length;
    case "messages":
      return text.messages.reduce((sum, { content }) => sum + content.length, 0);
    default:
      return text satisfies never;
  }
}
