/**
 * Collapse, caught. Over the tabular model: precise rationales name every digit of their problem, in one of two wordings; a vague
 * annotator says one word, whatever the problem. Both give the joint nearly the same sum of log-probabilities, and the fewer
 * choices of the vague one tip it, though a problem is then hard to predict (PAPER.md §8).
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Stopped } from "../../core/errors.ts";
import { rng } from "../../core/rng.ts";
import { inline } from "../../exec/inline.ts";
import { type Table, tabular, writeTable } from "../../lm/tabular.ts";
import { wordTokenizer } from "../../lm/word-tokenizer.ts";
import { recordsOf, type StageContext } from "../stage.ts";
import { formatFor, specialTokens } from "./format.ts";
import { type EmSettings, em } from "./loop.ts";
import { fit, type Taught } from "./m-step.ts";
import type { Pair } from "./records.ts";
import { roundsJournal } from "./round.ts";

const digits = ["0", "1", "2", "3"];
const tokenizer = wordTokenizer(["gcd", "find", "take", "use", "plan", "something", ...digits], specialTokens);
const format = formatFor(tokenizer);
const backend = tabular({ tokenizer });

const problems = digits.flatMap((first) =>
  digits.map((second) => ({ first, second, text: `find ${first} ${second}` })),
);
const wordings = ["take", "use"];
const vague = "something";

/**
 * What ten annotators wrote of every problem: six are precise, three in each wording, and four are vague. So greedy decoding
 * starts precise (six begin with "plan"), while the likeliest single rationale is the vague one.
 */
function annotated(): { pair: Pair; rationale: string }[] {
  const annotators = Array.from({ length: 10 }, (_, a) => a);
  return problems.flatMap(({ first, second, text }, i) =>
    annotators.map((a) => {
      const rationale = a < 6 ? `plan ${wordings[a % 2]} ${first} ${second}` : vague;
      const pair: Pair = {
        ...{ id: `pair-${i}-${a}`, seedId: `seed-${i}`, split: "train", concepts: ["gcd"], problem: text },
        ...{ rationale, annotator: a < 6 ? "precise" : "vague" },
      };
      return { pair, rationale };
    }),
  );
}

/** Uniform over every annotated continuation: full support for both styles, so that the cold start has rows to sharpen. */
function support(): Table {
  const table = new Map<string, Map<number, number>>();
  const add = (prompt: number[], completion: number[]) => {
    for (let t = 0; t < completion.length; t++) {
      const key = [...prompt, ...completion.slice(0, t)].join(",");
      table.set(key, (table.get(key) ?? new Map<number, number>()).set(completion[t] as number, 1));
    }
  };
  for (const { pair, rationale } of annotated()) {
    add(format.promptOfP(pair), [...format.rationale(tokenizer.encode(rationale)), ...format.problem(pair.problem)]);
    add(format.promptOfQ(pair, pair.problem), format.rationale(tokenizer.encode(rationale)));
  }
  return new Map([...table].map(([key, row]) => [key, new Map([...row.keys()].map((token) => [token, 1 / row.size]))]));
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-collapse-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const optimization = {
  ...{
    epochs: 1,
    batchSize: 16,
    learningRate: 0,
    weightDecay: 0,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    clipNorm: 1,
  },
  schedule: { kind: "constant", warmupSteps: 0 } as const,
};
const how = { optimization, optimizer: "fresh" as const };

/** Cold start on everything that was annotated, then three rounds. */
async function loop(select: EmSettings["select"]) {
  const context: StageContext = { folder, rng: rng(1), executor: inline() };
  const base = await writeTable(support(), join(folder, "base"));
  const taught: Taught[] = annotated().map(({ pair, rationale }) => ({
    pair,
    z: tokenizer.encode(rationale),
    weight: 1,
  }));
  const cold = (which: "q" | "p") =>
    fit(context, { name: `cold/${which}`, which, trainer: backend.trainer, tokenizer, from: base, taught, fit: how });
  const [q, p] = [await cold("q"), await cold("p")];
  const party = { backend, trainer: backend.trainer, fit: how };
  // One pair per problem, starting from a precise rationale.
  const pairs = annotated().flatMap(({ pair }) => (pair.id.endsWith("-0") ? [pair] : []));
  const settings: EmSettings = {
    ...{ rounds: 3, candidates: { kind: "drawn", count: 8, temperature: 1, maxTokens: 8 }, select, teach: "greedy" },
    ...{ maxRationaleTokens: 8, tolerance: 0, stopOnAlarm: true, measureDraws: 8, shardSize: 16 },
    alarms: {
      ...{ shortening: 0.15, nllRise: 0.1, shortWinners: 0, spread: 0, distinct: 0 },
      ...{ malformed: 1, kept: 1, copying: 1, leaking: 1, certain: 0 },
    },
  };
  const input = { name: "em", tokenizer, train: pairs, dev: pairs, settings };
  const run = em(context, {
    ...input,
    q: { ...party, checkpoint: q.checkpoint },
    p: { ...party, checkpoint: p.checkpoint },
  });
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const rounds = await Array.fromAsync(recordsOf(context, roundsJournal("em")));
  return { error, rounds };
}

describe("with a vague annotator in the mix", () => {
  it("the paper's rule collapses within three rounds, and the run stops with what to do", async () => {
    const { error, rounds } = await loop("best");
    expect(error).toBeInstanceOf(Stopped);
    expect((error as Stopped).message).toMatch(/collapsing.*em\.select.*length-controlled/s);
    const [first, last] = [rounds[0]?.measure, rounds.at(-1)?.measure];
    expect(last?.zTokens).toBeLessThan((first?.zTokens as number) * 0.85);
    expect(last?.xNll).toBeGreaterThan((first?.xNll as number) * 1.1);
    expect(rounds.at(-1)?.alarms.map(({ kind }) => kind)).toContain("collapse");
  });

  it.each(["mean", "length-controlled"] as const)("%s selection survives the same data", async (select) => {
    const { error, rounds } = await loop(select);
    expect(error).toBeUndefined();
    expect(rounds).toHaveLength(4);
    expect(rounds.at(-1)?.measure.zTokens).toBeGreaterThanOrEqual(rounds[0]?.measure.zTokens as number);
  });
});
