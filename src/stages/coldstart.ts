/** Cold start (PAPER.md §2): both models by maximum likelihood on the triples; then a gate before EM may start. */
import { z } from "zod";
import { Stopped } from "../core/errors.ts";
import type { Triple } from "../core/records.ts";
import type { Backend, Checkpoint, Tokenizer, Trainer } from "../lm/contract.ts";
import { scoreJointly } from "./em/e-step.ts";
import { type Fit, fit } from "./em/m-step.ts";
import { nats, type Pair } from "./em/records.ts";
import { journaled, type StageContext, withModel } from "./stage.ts";

/** What the gate found. Copying from the rationale appears suddenly in training (PAPER.md §8): EM before it would be noise. */
export const Gate = z.strictObject({
  /** Mean −log p(x|z,c) of dev problems given their annotators' rationales: nats per problem and per token of x. */
  xNll: z.number(),
  xNllPerToken: z.number(),
  /** The same without a rationale. */
  xNllBare: z.number(),
  bound: z.number(),
  passed: z.boolean(),
});
export type Gate = z.infer<typeof Gate>;

export interface ColdStartOptions {
  base: Checkpoint;
  tokenizer: Tokenizer;
  q: { trainer: Trainer; fit: Fit };
  p: { trainer: Trainer; backend: Backend; fit: Fit };
  /** What `q` starts from: the base model (the paper), or `p` once it has been fitted. */
  qFrom: "base" | "p";
  /** Training triples. */
  triples: readonly Triple[];
  dev: readonly Pair[];
  gate: {
    /** Greatest dev NLL of x given a true z, in nats per token of x. */
    bound: number;
    /** Whether a failed gate stops the run, or is only shown and journaled. */
    stop: boolean;
  };
}

/** @throws Stopped when the gate fails and is set to stop */
export async function coldStart(
  context: StageContext,
  options: ColdStartOptions,
): Promise<{ q: Checkpoint; p: Checkpoint; gate: Gate }> {
  const { tokenizer, base } = options;
  const taught = options.triples.map((triple) => ({
    pair: { ...triple, split: "train" as const },
    z: tokenizer.encode(triple.rationale),
    weight: 1,
  }));
  const shared = { tokenizer, taught };
  context.onEvent?.({ kind: "note", message: "cold start of p: concepts → rationale, problem" });
  const p = await fit(context, {
    ...shared,
    name: "coldstart/p",
    which: "p",
    from: base,
    trainer: options.p.trainer,
    fit: options.p.fit,
  });
  context.onEvent?.({ kind: "note", message: "cold start of q: concepts, problem → rationale" });
  const q = await fit(context, {
    ...shared,
    name: "coldstart/q",
    which: "q",
    from: options.qFrom === "p" ? p.checkpoint : base,
    trainer: options.q.trainer,
    fit: options.q.fit,
  });
  const gate = await passGate(context, options, p.checkpoint);
  return { q: q.checkpoint, p: p.checkpoint, gate };
}

async function passGate(context: StageContext, options: ColdStartOptions, p: Checkpoint): Promise<Gate> {
  const { bound, stop } = options.gate;
  const records = await withModel(options.p.backend, p, context, async (open) =>
    journaled(context, {
      journal: "coldstart/gate",
      schema: Gate,
      version: 1,
      items: ["gate"],
      shardSize: 1,
      unit: "gates",
      worker: async () => {
        const found = await devNll(context, await open(), options);
        return [{ ...found, bound, passed: found.xNllPerToken <= bound }];
      },
    }),
  );
  const [gate] = await Array.fromAsync(records);
  if (gate === undefined) throw new Error("the gate left no record");
  if (gate.passed) return gate;
  const message =
    `the cold start does not read its rationales: the dev NLL of x given a true z is ${gate.xNllPerToken.toFixed(3)} nats per token, ` +
    `over the bound of ${bound}`;
  const next =
    "raise coldStart.p.epochs or the number of seeds, or try another seed, in a new run; or go on in spite of it with --set coldStart.gate.stop=false";
  if (stop) throw new Stopped({ reason: "alarm", message, next });
  context.onEvent?.({ kind: "note", message: `${message}; going on, as the config says` });
  return gate;
}

async function devNll(
  context: StageContext,
  model: Parameters<typeof scoreJointly>[1],
  { dev, tokenizer }: ColdStartOptions,
): Promise<Pick<Gate, "xNll" | "xNllPerToken" | "xNllBare">> {
  const scores = await scoreJointly({ ...context, onEvent: undefined }, model, [
    ...dev.map((pair) => ({ id: `true/${pair.id}`, pair, z: tokenizer.encode(pair.rationale) })),
    ...dev.map((pair) => ({ id: `bare/${pair.id}`, pair, z: [] })),
  ]);
  const sums = { true: 0, bare: 0, tokens: 0, problems: 0 };
  for (const [id, score] of scores) {
    if ("reason" in score) continue;
    if (id.startsWith("bare/")) {
      sums.bare -= nats(score.likelihood);
      continue;
    }
    sums.true -= nats(score.likelihood);
    sums.tokens += score.likelihood.tokens;
    sums.problems++;
  }
  return {
    xNll: sums.true / sums.problems,
    xNllPerToken: sums.true / sums.tokens,
    xNllBare: sums.bare / sums.problems,
  };
}
