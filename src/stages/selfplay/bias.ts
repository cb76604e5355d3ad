/**
 * In what chosen rollouts differ from rejected ones besides being right: length and format. Pure. A trainer learns these
 * differences too: chosen rollouts that are systematically shorter teach brevity, not mathematics.
 */
import { z } from "zod";
import type { GoodRollout } from "./records.ts";

const Sides = z.strictObject({ chosen: z.number(), rejected: z.number() });

export const PairBias = z.strictObject({
  pairs: z.number().int(),
  /** Means of tokens, of characters of the thought, of lines after the thought. */
  tokens: Sides,
  thought: Sides,
  lines: Sides,
  /** Shares: cut off; with a boxed answer; with a fenced block. */
  truncated: Sides,
  boxed: Sides,
  fenced: Sides,
  /** Share of pairs whose chosen side has fewer tokens, equally long ones counted half: 0.5 is no bias. */
  chosenShorter: z.number(),
  /** What is out of the ordinary, in words; empty if nothing is. */
  warnings: z.array(z.string()),
});
export type PairBias = z.infer<typeof PairBias>;

/** Beyond this share of pairs the shorter side is a rule that can be learned; with few pairs it is chance. */
const LOPSIDED = 0.65;
const ENOUGH = 30;
/** Difference of a format's shares that a trainer can learn from. */
const FORMAT = 0.15;

export function pairBias(pairs: readonly { chosen: GoodRollout; rejected: GoodRollout }[]): PairBias {
  const both = (of: (rollout: GoodRollout) => number) => ({
    chosen: mean(pairs.map(({ chosen }) => of(chosen))),
    rejected: mean(pairs.map(({ rejected }) => of(rejected))),
  });
  const share = (holds: (rollout: GoodRollout) => boolean) => both((rollout) => (holds(rollout) ? 1 : 0));
  const found = {
    pairs: pairs.length,
    tokens: both(({ tokens }) => tokens),
    thought: both(({ text }) => parts(text).thought.length),
    lines: both(({ text }) => parts(text).answer.trim().split("\n").length),
    truncated: share(({ truncated }) => truncated),
    boxed: share(({ text }) => text.includes("\\boxed")),
    fenced: share(({ text }) => text.includes("```")),
    chosenShorter: mean(pairs.map(({ chosen, rejected }) => (Math.sign(rejected.tokens - chosen.tokens) + 1) / 2)),
  };
  return { ...found, warnings: warningsOf(found) };
}

function warningsOf(found: Omit<PairBias, "warnings">): string[] {
  const { pairs, chosenShorter, tokens } = found;
  if (pairs < ENOUGH) return [];
  const percent = (value: number) => `${(100 * value).toFixed(0)} %`;
  const warnings: string[] = [];
  if (Math.max(chosenShorter, 1 - chosenShorter) > LOPSIDED) {
    const side = chosenShorter > 0.5 ? "shorter" : "longer";
    const share = Math.max(chosenShorter, 1 - chosenShorter);
    warnings.push(
      `the chosen side is the ${side} one in ${percent(share)} of the pairs ` +
        `(${tokens.chosen.toFixed(0)} against ${tokens.rejected.toFixed(0)} tokens): training on them teaches length too`,
    );
  }
  for (const key of ["truncated", "boxed", "fenced"] as const) {
    const { chosen, rejected } = found[key];
    if (Math.abs(chosen - rejected) > FORMAT)
      warnings.push(`${key}: ${percent(chosen)} of the chosen, ${percent(rejected)} of the rejected`);
  }
  return warnings;
}

function parts(text: string): { thought: string; answer: string } {
  const end = text.lastIndexOf("</think>");
  return end < 0
    ? { thought: "", answer: text }
    : { thought: text.slice(0, end), answer: text.slice(end + "</think>".length) };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
